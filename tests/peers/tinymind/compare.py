"""Accuracy of TinyMind's int8 GRU with the weights of a run of elman, on the frames that elman's own model reads.

usage: compare.py TINYMIND/cpp ELMAN RUN TRAIN_DIR TRAIN_CSV VALID_DIR VALID_CSV

RUN has one layer `gru-before` of 64 units over 32 features and a dense layer over its last state. The scales of inputs and
look-up tables are those with the most right answers on the calibration clips, of several.
"""
import csv, ctypes, json, pathlib, struct, subprocess, sys, tempfile
import numpy as np

cpp, elman, run = sys.argv[1:4]
HERE = pathlib.Path(__file__).resolve().parent


def tensors(path):
    data = pathlib.Path(path).read_bytes()
    n = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8 : 8 + n])
    head.pop("__metadata__", None)
    at = lambda t: data[8 + n + t["data_offsets"][0] : 8 + n + t["data_offsets"][1]]
    return {k: np.frombuffer(at(t), np.float32).reshape(t["shape"]) for k, t in head.items()}


def clips(folder, table, count):
    """Frames, class and elman's answer of each clip."""
    rows = list(csv.DictReader(open(table)))
    labels = json.load(open(f"{run}/run.json"))["encoding"]["labels"]
    rows = rows if count is None else rows[:: max(1, len(rows) // count)][:count]
    out = []
    with tempfile.TemporaryDirectory() as scratch:
        for row in rows:
            to = f"{scratch}/t.json"
            subprocess.run([elman, "run", run, f"{folder}/{row['file']}", "--trace", to], check=True, capture_output=True)
            trace = json.load(open(to))
            layers = [s["runs"][0]["layers"] for s in trace["examples"][0]["steps"]]
            unit = 2.0 ** -trace["layers"][0]["out_frac"]
            frames = np.array([l[0]["h"] for l in layers]) * unit
            answer = int(np.argmax(layers[-1][2]["h"]))
            out.append((frames.astype(np.float32), labels.index(row["label"]), answer))
    return out


w = tensors(f"{run}/weights.safetensors")
W, U, b = w["layers.0.w"], w["layers.0.u"], w["layers.0.b"]
V, c = w["layers.2.w"], w["layers.2.b"]
H = U.shape[1]
sigmoid = lambda v: 1 / (1 + np.exp(-v))


def float_state(frames):
    h = np.zeros(H)
    for x in frames:
        a = W @ x + b
        r = sigmoid(a[:H] + U[:H] @ h)
        z = sigmoid(a[H : 2 * H] + U[H : 2 * H] @ h)
        n = np.tanh(a[2 * H :] + U[2 * H :] @ (r * h))
        h = (1 - z) * n + z * h
    return h


def accuracy(state, data):
    return float(np.mean([np.argmax(V @ state(frames) + c) == label for frames, label, *_ in data]))


with tempfile.TemporaryDirectory() as scratch:
    flags = ["-std=c++17", "-O2", "-shared", "-fPIC", "-DTINYMIND_ENABLE_FLOAT=1", "-DTINYMIND_ENABLE_STD=1"]
    flags.append("-DTINYMIND_ENABLE_QUANTIZATION=1")
    subprocess.run(["g++", *flags, f"-I{cpp}", "-o", f"{scratch}/host.so", str(HERE / "host.cpp")], check=True)
    host = ctypes.CDLL(f"{scratch}/host.so")
pointer = lambda a: a.ctypes.data_as(ctypes.c_void_p)


def tinymind(reach_x, reach_lut):
    """The state of the int8 cell, with inputs in ±reach_x and pre-activations in ±reach_lut."""
    x_scale, lut_scale = reach_x / 127, reach_lut / 127
    scale = lambda m: np.array([np.abs(m[g * H : (g + 1) * H]).max() / 127 for g in range(3)])
    sw, su = scale(W), scale(U)
    per_row = lambda s: np.repeat(s, H)[:, None]
    q = lambda m, s: np.clip(np.round(m / per_row(s)), -127, 127).astype(np.int8)
    kept = (q(W, sw), q(U, su), np.round(b / lut_scale).astype(np.int32))
    scales = np.array([x_scale, 1 / 128, lut_scale, *sw, *su], np.float32)

    def state(frames):
        host.setup(*map(pointer, kept), 0, pointer(scales))
        x = np.ascontiguousarray(np.clip(np.round(frames / x_scale), -128, 127).astype(np.int8))
        h = np.zeros(H, np.int8)
        host.run(pointer(x), len(x), pointer(h))
        return h / 128

    return state


calibration = clips(sys.argv[4], sys.argv[5], 300)
valid = clips(sys.argv[6], sys.argv[7], None)
largest = np.concatenate([np.abs(f).ravel() for f, *_ in calibration])
reaches = [float(np.quantile(largest, p)) for p in (0.99, 0.999, 1.0)]
best = max(((accuracy(tinymind(x, lut), calibration), x, lut) for x in reaches for lut in (4, 6, 8, 12)))
print(f"clips: {len(calibration)} for calibration, {len(valid)} to validate")
print(f"float                {100 * accuracy(float_state, valid):.2f} %")
print(f"elman, int8          {100 * np.mean([answer == label for _, label, answer in valid]):.2f} %")
print(f"TinyMind, int8       {100 * accuracy(tinymind(*best[1:]), valid):.2f} %  (inputs ±{best[1]:.2f}, look-up tables ±{best[2]})")
