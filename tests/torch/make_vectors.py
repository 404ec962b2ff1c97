#!/usr/bin/env python3
"""Writes vectors.json: losses and gradients of small recurrent networks, as PyTorch computes them in f64.

    pip install torch && python3 make_vectors.py > vectors.json

LSTM, GRU and the simple networks with tanh and relu run through torch.nn; the GRU with reset before the product and
the simple network with sigmoid, which torch.nn does not have, are written out and differentiated by autograd.
Parameters carry this project's names and order: b is the sum of PyTorch's two biases but for the GRU's candidate,
whose two halves n and m keep one each.
"""
import json
import os

os.environ["CUDA_VISIBLE_DEVICES"] = ""
import torch

I, H, CLASSES, LENGTHS = 3, 4, 3, [5, 2, 4]
ROWS = {"srn": (1, 1, 1), "srn-sigmoid": (1, 1, 1), "srn-relu": (1, 1, 1),
        "gru": (3, 3, 4), "gru-before": (3, 3, 3), "lstm": (4, 4, 4)}


def module(variant, inputs, p):
    """The torch.nn module of a layer whose weights are functions of p, as a callable."""
    if variant == "lstm":
        net = torch.nn.LSTM(inputs, H)
    elif variant == "gru":
        net = torch.nn.GRU(inputs, H)
    else:
        net = torch.nn.RNN(inputs, H, nonlinearity={"srn": "tanh", "srn-relu": "relu"}[variant])
    net = net.double()
    zero = torch.zeros(H, dtype=torch.float64)
    if variant == "gru":
        b_ih, b_hh = p["b"][: 3 * H], torch.cat([zero, zero, p["b"][3 * H:]])
    else:
        b_ih, b_hh = p["b"], torch.zeros_like(p["b"])
    weights = {"weight_ih_l0": p["w"], "weight_hh_l0": p["u"], "bias_ih_l0": b_ih, "bias_hh_l0": b_hh}
    return lambda x: torch.func.functional_call(net, weights, (x,))[0]


def by_hand(variant, p):
    """The layers that torch.nn does not have."""
    def run(x):
        h, out = torch.zeros(H, dtype=torch.float64), []
        for frame in x:
            a = p["w"] @ frame + p["b"]
            if variant == "srn-sigmoid":
                h = torch.sigmoid(a + p["u"] @ h)
            else:
                r, z = torch.sigmoid(a[: 2 * H] + p["u"][: 2 * H] @ h).chunk(2)
                n = torch.tanh(a[2 * H:] + p["u"][2 * H:] @ (r * h))
                h = z * h + (1 - z) * n
            out.append(h)
        return torch.stack(out)
    return run


def case(variants, over):
    layers = [{"layer": "cell", "variant": v, "units": H} for v in variants]
    parameters, inputs = {}, I
    for i, v in enumerate(variants):
        w, u, b = ROWS[v]
        for letter, shape in [("w", (w * H, inputs)), ("u", (u * H, H)), ("b", (b * H,))]:
            parameters[f"layers.{i}.{letter}"] = torch.randn(shape, dtype=torch.float64) * 0.6
        inputs = H
    head = len(variants) + (over is not None)
    if over:
        layers.append({"layer": "pool", "over": over})
    layers.append({"layer": "dense", "outputs": CLASSES})
    parameters[f"layers.{head}.w"] = torch.randn((CLASSES, H), dtype=torch.float64)
    parameters[f"layers.{head}.b"] = torch.randn((CLASSES,), dtype=torch.float64)
    for p in parameters.values():
        p.requires_grad_()

    sequences = [torch.randn((n, I), dtype=torch.float64) for n in LENGTHS]
    classes = [[int(torch.randint(CLASSES, ())) for _ in range(n if over is None else 1)] for n in LENGTHS]
    loss, outputs = 0, []
    for x, wanted in zip(sequences, classes):
        for i, v in enumerate(variants):
            p = {letter: parameters[f"layers.{i}.{letter}"] for letter in "wub"}
            x = (by_hand(v, p) if v in ("srn-sigmoid", "gru-before") else module(v, x.shape[1], p))(x)
        x = {"last": lambda: x[-1:], "mean": lambda: x.mean(0, keepdim=True), None: lambda: x}[over]()
        y = torch.nn.functional.linear(x, parameters[f"layers.{head}.w"], parameters[f"layers.{head}.b"])
        outputs.append(y.detach().flatten().tolist())
        loss = loss + torch.nn.functional.cross_entropy(y, torch.tensor(wanted), reduction="sum")
    loss.backward()
    return {
        "spec": {"inputs": I, "layers": layers},
        "parameters": {k: p.detach().flatten().tolist() for k, p in parameters.items()},
        "sequences": [x.flatten().tolist() for x in sequences],
        "classes": classes,
        "outputs": outputs,
        "loss": loss.item(),
        "gradients": {k: p.grad.flatten().tolist() for k, p in parameters.items()},
    }


def main():
    torch.manual_seed(20)
    cases = [case([v], over) for v, over in
             [("srn", "last"), ("srn-sigmoid", "mean"), ("srn-relu", None), ("gru", "last"), ("gru-before", "last"),
              ("lstm", "last"), ("lstm", None)]]
    cases.append(case(["gru", "lstm"], "mean"))
    print(json.dumps({"torch": torch.__version__.split("+")[0], "cases": cases}))


if __name__ == "__main__":
    main()
