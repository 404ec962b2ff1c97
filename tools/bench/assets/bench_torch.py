#!/usr/bin/env python3
"""PyTorch's side of `cargo xtask bench train`: runs training steps on request.

Reads lines "cell inputs hidden steps batch threads fused seconds", answers each with a JSON object: the median time
of a step in ms, of the processor with one thread, on the clock with several. A step is zero_grad, forward over all steps, Linear(hidden, 10) on the last hidden
state, mean cross entropy, backward, Adam; f32, time-major, the same resident batch every time.
"""
import json
import os
import statistics
import sys
import time
import warnings

os.environ["CUDA_VISIBLE_DEVICES"] = ""
warnings.filterwarnings("ignore")
import torch

KINDS = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "srn": torch.nn.RNN}
MODELS = {}


def make(cell, inputs, hidden, steps, batch, fused):
    torch.manual_seed(1234)
    rnn, head = KINDS[cell](inputs, hidden), torch.nn.Linear(hidden, 10)
    x, y = torch.randn(steps, batch, inputs), torch.randint(0, 10, (batch,))
    adam = torch.optim.Adam([*rnn.parameters(), *head.parameters()], lr=1e-3, **({"fused": True} if fused else {}))
    loss = torch.nn.CrossEntropyLoss()

    def step():
        adam.zero_grad(set_to_none=True)
        loss(head(rnn(x)[0][-1]), y).backward()
        adam.step()

    return step


def main():
    print(json.dumps({"version": torch.__version__}), flush=True)
    for line in sys.stdin:
        cell, *numbers, seconds = line.split()
        inputs, hidden, steps, batch, threads, fused = map(int, numbers)
        torch.set_num_threads(threads)
        key = (cell, *numbers)
        if key not in MODELS:
            MODELS[key] = make(cell, inputs, hidden, steps, batch, fused)
            for _ in range(3):
                MODELS[key]()
        step, times = MODELS[key], []
        clock = time.process_time if threads == 1 else time.perf_counter
        step()
        end = time.perf_counter() + float(seconds)
        while time.perf_counter() < end or len(times) < 3:
            start = clock()
            step()
            times.append((clock() - start) * 1e3)
        print(json.dumps({"median": statistics.median(times)}), flush=True)


if __name__ == "__main__":
    main()
