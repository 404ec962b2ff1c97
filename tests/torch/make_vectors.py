#!/usr/bin/env python3
"""Writes vectors.json: outputs, losses and gradients of small networks, as PyTorch computes them in f64.

    pip install torch && python3 make_vectors.py > vectors.json

LSTM, with a projected state too, GRU and the simple networks with tanh and relu run through torch.nn, in one direction or both, the embedding,
layer normalisation, convolutions and the delay line (as a causal Conv1d, together with the dense layer after it), class weights and
label smoothing too. What torch.nn does not have is written out and differentiated by autograd: the GRU with reset
before the product, the simple network with sigmoid, the LSTM's variants, the residual cells, minGRU, minLSTM, LiGRU
and FastGRNN, and the narx network with its loop closed.
Parameters carry this project's names and order: b is the sum of PyTorch's two biases but for the GRU's candidate,
whose two halves n and m keep one each.
"""
import json
import os

os.environ["CUDA_VISIBLE_DEVICES"] = ""
import torch
from torch.nn.functional import conv1d, cross_entropy, embedding, layer_norm, linear, one_hot

I, H, CLASSES, LENGTHS = 3, 4, 3, [5, 2, 4]
# Matrices in W and U, vectors in b, diagonals in V.
ROWS = {"srn": (1, 1, 1, 0), "srn-sigmoid": (1, 1, 1, 0), "srn-relu": (1, 1, 1, 0), "gru": (3, 3, 4, 0),
        "gru-before": (3, 3, 3, 0), "lstm": (4, 4, 4, 0), "lstm-no-forget": (3, 3, 3, 0), "lstm-coupled": (3, 3, 3, 0),
        "lstm-peephole": (4, 4, 4, 3), "residual-1": (1, 0, 1, 0), "residual-2": (1, 1, 1, 0),
        "tree-lstm": (5, 0, 5, 0), "min-gru": (2, 0, 2, 0), "li-gru": (2, 2, 2, 0), "fast-grnn": (1, 1, 1, 1),
        "min-lstm": (3, 0, 3, 0)}
ROWS |= {"lstm-projected": ROWS["lstm"]} | {f"{v}-low-rank": ROWS[v] for v in ["lstm", "gru", "fast-grnn"]}
# Numbers that all units share.
SHARED = {"fast-grnn": 2, "fast-grnn-low-rank": 2}
MODULES = {"srn": torch.nn.RNN, "srn-relu": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM,
           "lstm-projected": torch.nn.LSTM}


def module(variant, inputs, directions):
    """The torch.nn module of a layer whose weights are functions of p, as a callable of frames and maybe a
    state to begin with. `directions` has one p or two."""
    kind = {"nonlinearity": {"srn": "tanh", "srn-relu": "relu"}[variant]} if variant.startswith("srn") else {}
    if variant == "lstm-projected":
        kind = {"proj_size": len(directions[0]["p"])}
    net = MODULES[variant](inputs, H, bidirectional=len(directions) == 2, **kind).double()
    zero, weights = torch.zeros(H, dtype=torch.float64), {}
    for p, suffix in zip(directions, ["", "_reverse"]):
        if variant == "gru":
            b_ih, b_hh = p["b"][: 3 * H], torch.cat([zero, zero, p["b"][3 * H:]])
        else:
            b_ih, b_hh = p["b"], torch.zeros_like(p["b"])
        weights |= {f"weight_ih_l0{suffix}": p["w"], f"weight_hh_l0{suffix}": p["u"],
                    f"bias_ih_l0{suffix}": b_ih, f"bias_hh_l0{suffix}": b_hh}
        if "p" in p:
            weights[f"weight_hr_l0{suffix}"] = p["p"]
    return lambda x, *state: torch.func.functional_call(net, weights, (x, *state))[0]


def by_hand(variant, p):
    """The cells that torch.nn does not have."""
    def run(x):
        h, c, out = torch.zeros(H, dtype=torch.float64), torch.zeros(H, dtype=torch.float64), []
        for frame in x:
            a = p["w"] @ frame + p["b"]
            if variant == "residual-1":
                h = h + torch.tanh(a)
            elif variant == "residual-2":
                h = h + torch.tanh(a + p["u"] @ h)
            elif variant == "srn-sigmoid":
                h = torch.sigmoid(a + p["u"] @ h)
            elif variant == "gru-before":
                r, z = torch.sigmoid(a[: 2 * H] + p["u"][: 2 * H] @ h).chunk(2)
                n = torch.tanh(a[2 * H:] + p["u"][2 * H:] @ (r * h))
                h = z * h + (1 - z) * n
            elif variant == "tree-lstm":
                # In a sequence c_left is that of the step before and c_right 0.
                i, f, _, g, o = a.chunk(5)
                c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
                h = torch.sigmoid(o) * torch.tanh(c)
            elif variant == "lstm-peephole":
                i, f, g, o = (a + p["u"] @ h).chunk(4)
                v_i, v_f, v_o = p["v"].chunk(3)
                i, f = torch.sigmoid(i + v_i * c), torch.sigmoid(f + v_f * c)
                c = f * c + i * torch.tanh(g)
                h = torch.sigmoid(o + v_o * c) * torch.tanh(c)
            elif variant == "min-gru":
                z, n = a.chunk(2)
                h = torch.sigmoid(z) * h + (1 - torch.sigmoid(z)) * torch.tanh(n)
            elif variant == "li-gru":
                z, n = (a + p["u"] @ h).chunk(2)
                h = torch.sigmoid(z) * h + (1 - torch.sigmoid(z)) * torch.relu(n)
            elif variant == "fast-grnn":
                zeta, nu = torch.sigmoid(p["s"])
                a = a + p["u"] @ h
                z, n = torch.sigmoid(a), torch.tanh(a + p["v"])
                h = (zeta * (1 - z) + nu) * n + z * h
            elif variant == "min-lstm":
                f, i, g = a.chunk(3)
                f, i = torch.sigmoid(f) + 2.0 ** -29, torch.sigmoid(i) + 2.0 ** -29
                h = f / (f + i) * h + i / (f + i) * torch.tanh(g)
            else:
                i, g, o = (a + p["u"] @ h).chunk(3)
                i = torch.sigmoid(i)
                c = (c if variant == "lstm-no-forget" else (1 - i) * c) + i * torch.tanh(g)
                h = torch.sigmoid(o) * torch.tanh(c)
            out.append(h)
        return torch.stack(out)
    return run


def cell(layer, x, p):
    """A recurrent layer; `p` has its tensors by their letters."""
    forward = {k: v for k, v in p.items() if "." not in k}
    reverse = {k.removeprefix("reverse."): v for k, v in p.items() if "." in k}
    variant, directions = layer["variant"], [forward, reverse] if reverse else [forward]
    if variant.endswith("-low-rank"):
        # U = U1 U2, where the rest is that of the cell.
        variant = variant.removesuffix("-low-rank")
        directions = [{**d, "u": d["u"] @ d["p"]} for d in directions]
        directions = [{k: v for k, v in d.items() if k != "p"} for d in directions]
    if variant in MODULES:
        return module(variant, x.shape[1], directions)(x)
    h = by_hand(variant, directions[0])(x)
    return torch.cat([h, by_hand(variant, directions[1])(x.flip(0)).flip(0)], 1) if reverse else h


def narx(layer, x, p):
    """The frames' last values are the measured outputs of the step before."""
    n, activate = layer["outputs"], {"tanh": torch.tanh, "linear": lambda z: z}[layer["activation"]]
    zero, out, tails = torch.zeros_like(x[0]), [], []
    for t, frame in enumerate(x):
        own = out[-1] if out else zero[:n]
        tails.append(own if layer["closed"] and t >= layer["warmup"] else frame[-n:])
        past = [x[t - k, :-n] if t >= k else zero[:-n] for k in range(layer["input_taps"] + 1)]
        past += [tails[t - k] if t >= k else zero[:n] for k in range(layer["output_taps"])]
        y = p["w"] @ torch.cat(past) + p["b"]
        y = p["v"] @ activate(y) + p["c"] if layer["hidden"] else y
        out.append(y + tails[-1] if layer.get("residual") else y)
    return torch.stack(out)


def run(layers, x, parameters):
    delay = None
    for i, layer in enumerate(layers):
        p = {k.removeprefix(f"layers.{i}."): v for k, v in parameters.items() if k.startswith(f"layers.{i}.")}
        kind = layer["layer"]
        if kind == "cell":
            x = cell(layer, x, p)
        elif kind == "narx":
            x = narx(layer, x, p)
        elif kind == "embedding":
            x = embedding(x[:, 0].long(), p["e"])
        elif kind == "one-hot":
            x = one_hot(x[:, 0].long(), layer["rows"]).double()
        elif kind == "pool":
            x = {"last": x[-1:], "mean": x.mean(0, keepdim=True), "sum": x.sum(0, keepdim=True)}[layer["over"]]
        elif kind == "norm":
            x = layer_norm(x, x.shape[1:], p["g"], p["b"], layer["epsilon"])
        elif kind == "delay":
            delay = layer
        elif kind == "stride":
            x = x[:: layer["by"]]
        elif kind == "conv" and layer.get("depthwise"):
            # d has a row a frame, the newest first.
            padded = torch.nn.functional.pad(x.T, ((layer["kernel"] - 1) * layer["dilation"], 0))
            x = conv1d(padded[None], p["d"].flip(0).T[:, None], dilation=layer["dilation"], stride=layer["stride"],
                       groups=x.shape[1])[0].T
            x = {"linear": lambda z: z, "relu": torch.relu}[layer["activation"]](linear(x, p["w"], p["b"]))
        elif kind == "conv":
            kernel = p["w"].reshape(len(p["w"]), layer["kernel"], x.shape[1]).flip(1).transpose(1, 2)
            padded = torch.nn.functional.pad(x.T, ((layer["kernel"] - 1) * layer["dilation"], 0))
            x = conv1d(padded[None], kernel, p["b"], dilation=layer["dilation"], stride=layer["stride"])[0].T
            x = {"linear": lambda z: z, "relu": torch.relu}[layer["activation"]](x)
        elif delay:
            # W = [W_0, W_1, ...] by delay; the kernel runs from the oldest frame to the newest.
            taps, stride = delay["taps"] + 1, delay["stride"]
            kernel = p["w"].reshape(len(p["w"]), taps, x.shape[1]).flip(1).transpose(1, 2)
            padded = torch.nn.functional.pad(x.T, ((taps - 1) * stride, 0))
            x, delay = conv1d(padded[None], kernel, p["b"], dilation=stride)[0].T, None
        else:
            x = linear(x, p["w"], p["b"])
    return x


def shapes(layers, inputs):
    """Names and shapes of all tensors."""
    for i, layer in enumerate(layers):
        kind = layer["layer"]
        if kind == "cell":
            w, u, b, v = (n * H for n in ROWS[layer["variant"]])
            for prefix in ["", "reverse."] if layer.get("bidirectional") else [""]:
                s, rank = SHARED.get(layer["variant"], 0), layer.get("rank", 0)
                for name, shape in [("w", (w, inputs)), ("u", (u, rank or H)), ("b", (b,)), ("v", (v,)), ("s", (s,)),
                                    ("p", (rank, H))]:
                    if shape[0]:
                        yield f"layers.{i}.{prefix}{name}", shape
            inputs = rank if layer["variant"] == "lstm-projected" else H
            inputs *= 2 if layer.get("bidirectional") else 1
        elif kind == "embedding":
            inputs = layer["units"]
            yield f"layers.{i}.e", (layer["rows"], inputs)
        elif kind == "one-hot":
            inputs = layer["rows"]
        elif kind == "norm":
            yield f"layers.{i}.g", (inputs,)
            yield f"layers.{i}.b", (inputs,)
        elif kind == "delay":
            inputs *= layer["taps"] + 1
        elif kind == "conv":
            separable = layer.get("depthwise")
            yield f"layers.{i}.w", (layer["outputs"], inputs * (1 if separable else layer["kernel"]))
            yield f"layers.{i}.b", (layer["outputs"],)
            if separable:
                yield f"layers.{i}.d", (layer["kernel"], inputs)
            inputs = layer["outputs"]
        elif kind == "dense":
            yield f"layers.{i}.w", (layer["outputs"], inputs)
            yield f"layers.{i}.b", (layer["outputs"],)
            inputs = layer["outputs"]
        elif kind == "narx":
            n, hidden = layer["outputs"], layer["hidden"]
            seen = (inputs - n) * (layer["input_taps"] + 1) + n * layer["output_taps"]
            yield f"layers.{i}.w", (hidden or n, seen)
            yield f"layers.{i}.b", (hidden or n,)
            if hidden:
                yield f"layers.{i}.v", (n, hidden)
                yield f"layers.{i}.c", (n,)


def case(layers, inputs=I, symbols=0, class_weights=None, label_smoothing=0.0):
    pooled = any(layer["layer"] == "pool" for layer in layers)
    values = layers[0]["layer"] == "narx"
    parameters = {k: (torch.randn(s, dtype=torch.float64) * 0.6).requires_grad_() for k, s in shapes(layers, inputs)}
    if symbols:
        sequences = [torch.randint(symbols, (n, 1)).double() for n in LENGTHS]
    else:
        sequences = [torch.randn((n, inputs), dtype=torch.float64) for n in LENGTHS]
    loss, outputs, wanted = 0, [], []
    weight = torch.tensor(class_weights, dtype=torch.float64) if class_weights else None
    for x in sequences:
        y = run(layers, x, parameters)
        outputs.append(y.detach().flatten().tolist())
        if values:
            wanted.append([round(v, 3) for v in torch.randn(y.numel()).tolist()])
            # Targets are f32.
            target = torch.tensor(wanted[-1], dtype=torch.float32).double().reshape(y.shape)
            loss = loss + 0.5 * ((y - target) ** 2).sum()
        else:
            wanted.append([int(torch.randint(CLASSES, ())) for _ in range(1 if pooled else len(x))])
            loss = loss + cross_entropy(y, torch.tensor(wanted[-1]), weight=weight, reduction="sum",
                                        label_smoothing=label_smoothing)
    loss.backward()
    return {
        "spec": {"inputs": inputs, "layers": layers},
        "parameters": {k: p.detach().flatten().tolist() for k, p in parameters.items()},
        "sequences": [x.flatten().tolist() for x in sequences],
        "values" if values else "classes": wanted,
        "class_weights": class_weights or [],
        "label_smoothing": label_smoothing,
        "outputs": outputs,
        "loss": loss.item(),
        "gradients": {k: p.grad.flatten().tolist() for k, p in parameters.items()},
    }


def units(variant, **more):
    return {"layer": "cell", "variant": variant, "units": H, **more}


def tree_case(leaf, compose, roots, every_node):
    """A recursive network over trees and a directed acyclic graph; nodes as [frame] or [left, right]."""
    head = {"layer": "dense", "outputs": CLASSES}
    layers, chains = [*leaf, compose, head], [len(leaf), 1, 1]
    lstm = compose.get("variant") == "tree-lstm"
    leaf_lstm = lstm and leaf[-1].get("variant") == "lstm"
    structure = {"kind": "tree", "chains": chains, "roots": roots, "every_node": every_node}
    widths = [("leaf", leaf, 1), ("compose", [compose], 2 * H), ("head", [head], roots * H)]
    names, k = [], 0
    for _, chain, inputs in widths:
        for name, shape in shapes(chain, inputs):
            _, number, letter = name.split(".")
            names.append((f"layers.{k + int(number)}.{letter}", shape))
        k += len(chain)
    parameters = {n: (torch.randn(s, dtype=torch.float64) * 0.6).requires_grad_() for n, s in names}
    of = lambda k: {n.split(".")[2]: p for n, p in parameters.items() if n.startswith(f"layers.{k}.")}
    zero = torch.zeros(H, dtype=torch.float64)

    def state(symbol):
        h, c = of(0)["e"][symbol], zero
        for k, layer in list(enumerate(leaf))[1:]:
            p = of(k)
            if layer["layer"] == "cell":
                i, _, g, o = (p["w"] @ h + p["b"]).chunk(4)
                c = torch.sigmoid(i) * torch.tanh(g)
                h = torch.sigmoid(o) * torch.tanh(c)
            else:
                h = torch.tanh(p["w"] @ h + p["b"])
        return h, (c if leaf_lstm else zero)

    def join(left, right):
        p = of(len(leaf))
        a = p["w"] @ torch.cat([left[0], right[0]]) + p["b"]
        if not lstm:
            return torch.tanh(a), zero
        i, f, k, g, o = a.chunk(5)
        c = torch.sigmoid(f) * left[1] + torch.sigmoid(k) * right[1] + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    last = of(len(layers) - 1)
    examples, loss = [], 0
    # A balanced tree, a chain, and a graph one of whose nodes has three parents.
    for nodes in ([[0], [1], [0, 1], [2], [3], [3, 4], [2, 5]], [[2], [1], [0, 1], [0], [2, 3], [3], [4, 5]],
                  [[0], [1], [0, 1], [2, 2], [3, 0], [2, 4]]):
        frames = torch.randint(6, (4,)).tolist()
        states = []
        for node in nodes:
            states.append(state(frames[node[0]]) if len(node) == 1 else join(states[node[0]], states[node[1]]))
        heads = [s[0] for s in states] if every_node else [torch.cat([s[0] for s in states[-roots:]])]
        y = torch.stack([last["w"] @ h + last["b"] for h in heads])
        classes = torch.randint(CLASSES, (len(heads),))
        loss = loss + cross_entropy(y, classes, reduction="sum")
        examples.append({"frames": frames, "nodes": nodes, "classes": classes.tolist(),
                         "outputs": y.detach().flatten().tolist()})
    loss.backward()
    return {"spec": {"inputs": 1, "layers": layers, "structure": structure},
            "parameters": {n: p.detach().flatten().tolist() for n, p in parameters.items()},
            "examples": examples, "loss": loss.item(),
            "gradients": {n: (torch.zeros_like(p) if p.grad is None else p.grad).flatten().tolist()
                          for n, p in parameters.items()}}


def main():
    torch.manual_seed(20)
    dense, both = {"layer": "dense", "outputs": CLASSES}, {"bidirectional": True}
    pool = {over: {"layer": "pool", "over": over} for over in ["last", "mean", "sum"]}
    loop = {"layer": "narx", "outputs": 1, "input_taps": 1, "output_taps": 2, "activation": "tanh", "warmup": 0}
    embedded = {"layer": "embedding", "rows": 7, "units": 3}
    cases = [case([units(v), *over, dense]) for v, over in
             [("srn", [pool["last"]]), ("srn-sigmoid", [pool["mean"]]), ("srn-relu", []), ("gru", [pool["last"]]),
              ("gru-before", [pool["last"]]), ("lstm", [pool["last"]]), ("lstm", []), ("lstm-no-forget", []),
              ("lstm-coupled", []), ("lstm-peephole", []), ("residual-1", []), ("residual-2", [pool["sum"]])]]
    cases += [
        case([units("gru"), units("lstm"), pool["mean"], dense]),
        case([units("gru", **both), units("lstm", **both), dense]),
        case([units("lstm-peephole", **both), pool["mean"], dense]),
        case([embedded, units("gru"), dense], inputs=1, symbols=7),
        case([embedded, pool["mean"], dense], inputs=1, symbols=7),
        case([{"layer": "one-hot", "rows": 5}, pool["sum"], dense], inputs=1, symbols=5),
        case([{"layer": "delay", "taps": 2, "stride": 1}, dense]),
        case([units("srn"), {"layer": "delay", "taps": 2, "stride": 2}, dense]),
        case([units("gru"), dense], class_weights=[0.5, 2.0, 1.25]),
        case([units("gru"), dense], label_smoothing=0.1),
        case([units("gru"), dense], class_weights=[0.5, 2.0, 1.25], label_smoothing=0.2),
        case([{**loop, "hidden": 4, "closed": False}]),
        case([{**loop, "hidden": 4, "closed": True}]),
        case([{**loop, "hidden": 4, "closed": True, "warmup": 2}]),
        case([{**loop, "hidden": 4, "closed": True, "warmup": 2, "residual": True}]),
        case([{**loop, "hidden": 0, "outputs": 2, "closed": True}]),
        case([units("tree-lstm"), dense]),
        case([units("gru"), {"layer": "norm", "epsilon": 1e-5}, dense]),
        case([{"layer": "norm", "epsilon": 0.5}, units("lstm"), pool["last"], dense]),
    ]
    table, tanh = {"layer": "embedding", "rows": 6, "units": H}, {"activation": "tanh"}
    trees = [
        tree_case([table], {**dense, "outputs": H, **tanh}, 1, False),
        tree_case([table, {**dense, "outputs": H, **tanh}], units("tree-lstm"), 2, False),
        tree_case([table, units("lstm")], units("tree-lstm"), 1, True),
    ]
    # Cells that came later, after all others, whose numbers then stay.
    cases += [case([units("min-gru"), dense]), case([units("li-gru"), pool["last"], dense]),
              case([units("fast-grnn"), pool["mean"], dense]), case([units("min-lstm"), dense]),
              case([units("fast-grnn", **both), units("min-gru", **both), dense])]
    conv = {"layer": "conv", "outputs": 5, "kernel": 3, "stride": 2, "dilation": 1, "activation": "relu"}
    cases += [case([conv, units("gru"), pool["last"], dense]),
              case([{**conv, "stride": 1, "dilation": 2, "activation": "linear"}, units("gru"), dense]),
              case([units("gru"), {"layer": "stride", "by": 2}, units("lstm"), pool["mean"], dense])]
    low = lambda v, rank, **more: units(f"{v}-low-rank", rank=rank, **more)
    projected = units("lstm-projected", rank=3)
    cases += [case([projected, dense]), case([projected, {**projected, "rank": 2, **both}, pool["last"], dense]),
              case([low("lstm", 2), pool["last"], dense]), case([low("gru", 3), dense]),
              case([low("fast-grnn", 1), low("gru", 2, **both), pool["mean"], dense])]
    cases += [case([{**conv, "depthwise": True}, units("gru"), pool["last"], dense]),
              case([{**conv, "stride": 1, "kernel": 2, "dilation": 2, "activation": "linear", "depthwise": True}, dense])]
    print(json.dumps({"torch": torch.__version__.split("+")[0], "cases": cases, "trees": trees}))


if __name__ == "__main__":
    main()
