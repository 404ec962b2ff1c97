"""Runs the graphs that elman exported in onnxruntime, and compares their outputs: check_exports.py FOLDER."""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime

worst, count = 0.0, 0
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    case = json.loads(path.with_suffix(".json").read_text())
    onnx.checker.check_model(onnx.load(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    frames = np.array(case["frames"], dtype=np.float32).reshape(1, -1, case["inputs"])
    x = frames[:, :, 0].astype(np.int64) if case["symbols"] else frames
    y = session.run(None, {"x": x})[0].ravel()
    difference = float(np.abs(y - np.array(case["outputs"])).max())
    worst, count = max(worst, difference), count + 1
    assert difference < 1e-5, f"{path.name}: {difference}"
assert count > 0, "no graph is there"
print(f"{count} exported graphs in onnxruntime, at most {worst:.1e} apart")
