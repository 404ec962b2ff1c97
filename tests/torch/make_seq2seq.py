#!/usr/bin/env python3
"""Writes seq2seq.json: small encoder-decoders, teacher forced, as PyTorch computes them in f64.

    pip install torch && python3 make_seq2seq.py > seq2seq.json

Cells run through torch.nn (make_vectors.module), scaled dot attention through
torch.nn.functional.scaled_dot_product_attention; dot and additive attention are written out. One sequence at a time, so
that nothing is padded.
"""
import json

import torch
from make_vectors import H, MODULES, module
from torch.nn.functional import cross_entropy, embedding, linear, scaled_dot_product_attention

SYMBOLS, E, U = 5, 2, 3
SOURCES, TARGETS = [[1, 3, 2], [4], [2, 2, 1, 3]], [[2, 1, 4], [3], []]


def cell(variant, p, x, h_0=None):
    """A recurrent layer from the state h_0; c_0 is 0."""
    forward = {k: v for k, v in p.items() if "." not in k}
    reverse = {k.removeprefix("reverse."): v for k, v in p.items() if "." in k}
    run = module(variant, x.shape[1], [forward, reverse] if reverse else [forward])
    if h_0 is None:
        return run(x)
    start = (h_0[None], torch.zeros_like(h_0)[None]) if variant == "lstm" else h_0[None]
    return run(x, start)


def attend(score, q, k, h, p):
    if score == "Scaled":
        return scaled_dot_product_attention(q[None], k[None], h[None])[0]
    if score == "Dot":
        e = q @ k.T
    else:
        e = linear(torch.tanh(q[:, None] + k[None]), p["w"], p["b"])[:, :, 0]
    return torch.softmax(e, 1) @ h


def case(score, variants, both, maps):
    """`maps`: whether a bridge, query and key stand between."""
    dense = lambda outputs, f="linear": {"layer": "dense", "outputs": outputs, "activation": f}
    table = {"layer": "embedding", "rows": SYMBOLS, "units": E}
    states = 2 * H if both else H
    chains = [
        [table, {"layer": "cell", "variant": variants[0], "units": H, "bidirectional": both}],
        [dense(H, "tanh")] if maps else [],
        [table, {"layer": "cell", "variant": variants[1], "units": H}],
        [dense(U)] if maps and score != "None" else [],
        [dense(U)] if maps and score != "None" else [],
        [dense(1)] if score == "Additive" else [],
        [dense(4, "tanh"), dense(SYMBOLS)],
    ]
    width = H if score == "None" else H + states
    inputs = [1, states, 1, H, states, U, width]
    gates = {"gru": (3, 3, 4), "lstm": (4, 4, 4), "srn": (1, 1, 1)}
    parameters, places, i = {}, [], 0
    make = lambda *shape: (torch.randn(shape, dtype=torch.float64) * 0.6).requires_grad_()
    for chain, n in zip(chains, inputs):
        places.append(range(i, i + len(chain)))
        for layer in chain:
            if layer["layer"] == "embedding":
                parameters[f"layers.{i}.e"], n = make(SYMBOLS, E), E
            elif layer["layer"] == "dense":
                parameters[f"layers.{i}.w"], parameters[f"layers.{i}.b"] = make(layer["outputs"], n), make(layer["outputs"])
                n = layer["outputs"]
            else:
                for prefix in ["", "reverse."] if layer.get("bidirectional") else [""]:
                    w, u, b = (g * H for g in gates[layer["variant"]])
                    for name, shape in [("w", (w, n)), ("u", (u, H)), ("b", (b,))]:
                        parameters[f"layers.{i}.{prefix}{name}"] = make(*shape)
                n = 2 * H if layer.get("bidirectional") else H
            i += 1

    def of(i):
        return {k.removeprefix(f"layers.{i}."): v for k, v in parameters.items() if k.startswith(f"layers.{i}.")}

    def mapped(chain, x):
        for layer, i in zip(chains[chain], places[chain]):
            x = linear(x, of(i)["w"], of(i)["b"])
            x = torch.tanh(x) if layer["activation"] == "tanh" else x
        return x

    loss, outputs = 0, []
    for source, target in zip(SOURCES, TARGETS):
        x = embedding(torch.tensor(source), of(places[0][0])["e"])
        h = cell(variants[0], of(places[0][1]), x)
        start = mapped(1, torch.cat([h[-1, :H], h[0, H:]])[None])[0]
        read = embedding(torch.tensor([0, *target]), of(places[2][0])["e"])
        s = cell(variants[1], of(places[2][1]), read, start)
        if score != "None":
            c = attend(score, mapped(3, s), mapped(4, h), h, of(places[5][0]) if chains[5] else {})
            s = torch.cat([s, c], 1)
        y = mapped(6, s)
        outputs.append(y.detach().flatten().tolist())
        loss = loss + cross_entropy(y, torch.tensor([*target, 0]), reduction="sum")
    loss.backward()
    rounded = lambda values: [float(f"{v:.10g}") for v in values]
    return {
        "spec": {"inputs": 1, "layers": sum(chains, []),
                 "structure": {"kind": "seq2seq", "chains": [len(c) for c in chains], "score": score}},
        "parameters": {k: p.detach().flatten().tolist() for k, p in parameters.items()},
        "outputs": [rounded(y) for y in outputs],
        "loss": loss.item(),
        "gradients": {k: rounded(p.grad.flatten().tolist()) for k, p in parameters.items()},
    }


def main():
    torch.manual_seed(4)
    cases = [
        case("None", ["lstm", "lstm"], both=True, maps=True),
        case("Dot", ["srn", "gru"], both=False, maps=False),
        case("Scaled", ["gru", "lstm"], both=True, maps=True),
        case("Additive", ["gru", "gru"], both=True, maps=True),
    ]
    text = {"torch": torch.__version__.split("+")[0], "sources": SOURCES, "targets": TARGETS, "cases": cases}
    print(json.dumps(text))


if __name__ == "__main__":
    main()
