#!/usr/bin/env python3
"""PyTorch's side of `cargo xtask bench accuracy`: trains one network, and prints what each epoch reached.

Reads JSON from the file that is its argument: cell, inputs, hidden, classes, mean, batch, epochs, rate, warmup, clip, weight_decay, seed,
threads, data (a file of f32), and for each of train and valid a list of [place in values, steps, class]. Writes a JSON object an epoch:
seconds since training began, share of the validation sequences that are right.
"""
import json
import math
import os
import sys
import time
import warnings

os.environ["CUDA_VISIBLE_DEVICES"] = ""
warnings.filterwarnings("ignore")
import torch


class Net(torch.nn.Module):
    def __init__(self, c):
        super().__init__()
        kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "srn": torch.nn.RNN}[c["cell"]]
        self.rnn, self.head = kind(c["inputs"], c["hidden"], batch_first=True), torch.nn.Linear(c["hidden"], c["classes"])
        self.mean = c["mean"]

    def forward(self, x, steps):
        h = self.rnn(x)[0]
        if self.mean:
            within = (torch.arange(h.shape[1])[None, :] < steps[:, None]).unsqueeze(2)
            return self.head((h * within).sum(1) / steps[:, None])
        return self.head(h[torch.arange(len(steps)), steps - 1])


def main():
    c = json.load(open(sys.argv[1]))
    torch.set_num_threads(c["threads"])
    torch.manual_seed(c["seed"])
    values = torch.from_file(c["data"], size=os.path.getsize(c["data"]) // 4, dtype=torch.float32)
    sets = {}
    for name in ("train", "valid"):
        frames = [values[at : at + n * c["inputs"]].view(n, c["inputs"]) for at, n, _ in c[name]]
        sets[name] = (frames, torch.tensor([k for _, _, k in c[name]]))

    def batches(name, order):
        frames, classes = sets[name]
        for part in order.split(c["batch"]):
            chosen = [frames[i] for i in part]
            yield torch.nn.utils.rnn.pad_sequence(chosen, True), torch.tensor([len(f) for f in chosen]), classes[part]

    net = Net(c)
    matrices = [p for p in net.parameters() if p.dim() > 1]
    vectors = [p for p in net.parameters() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": c["weight_decay"]}, {"params": vectors, "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, lr=c["rate"], fused=True)
    per_epoch = math.ceil(len(c["train"]) / c["batch"])
    warm, all_steps = c["warmup"] * per_epoch, c["epochs"] * per_epoch

    def factor(step):
        if step < warm:
            return (step + 1) / warm
        return 0.5 + 0.5 * math.cos(math.pi * (step - warm) / max(1, all_steps - warm))

    schedule = torch.optim.lr_scheduler.LambdaLR(adam, factor)
    loss = torch.nn.CrossEntropyLoss()
    begin = time.perf_counter()
    for _ in range(c["epochs"]):
        net.train()
        for x, steps, classes in batches("train", torch.randperm(len(c["train"]))):
            adam.zero_grad(set_to_none=True)
            loss(net(x, steps), classes).backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), c["clip"])
            adam.step()
            schedule.step()
        net.eval()
        right = 0
        with torch.no_grad():
            for x, steps, classes in batches("valid", torch.arange(len(c["valid"]))):
                right += int((net(x, steps).argmax(1) == classes).sum())
        print(json.dumps({"seconds": time.perf_counter() - begin, "accuracy": right / len(c["valid"])}), flush=True)


if __name__ == "__main__":
    main()
