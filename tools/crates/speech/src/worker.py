# Speaks: requests come by stdin, samples go to stdout. `elman synth` runs this in a Python environment of its own.
# A request: u32 tokens, f32 speed, the tokens as u16, 256 x f32 of the speaker's style. An answer: u32 samples, the samples as f32.
import struct
import sys

import numpy
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
options.log_severity_level = 3
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
requests, answers = sys.stdin.buffer, sys.stdout.buffer
while True:
    head = requests.read(8)
    if len(head) < 8:
        break
    count, speed = struct.unpack("<If", head)
    tokens = numpy.frombuffer(requests.read(2 * count), "<u2").astype(numpy.int64)[None]
    style = numpy.frombuffer(requests.read(1024), "<f4")[None]
    speed = numpy.array([speed], numpy.float32)
    samples = session.run(None, {"tokens": tokens, "style": style, "speed": speed})[0].astype("<f4").ravel()
    answers.write(struct.pack("<I", samples.size))
    answers.write(samples.tobytes())
    answers.flush()
