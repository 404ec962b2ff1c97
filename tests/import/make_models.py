"""Makes the small models of `models.zip`, with inputs and outputs, by PyTorch, Keras, scikit-learn and onnxruntime.

    python -m venv venv && venv/bin/pip install -r tests/import/requirements.txt
    venv/bin/python tests/import/make_models.py

Each case is a file of a model and an entry of cases.json: the frames of a sequence, the outputs of the framework, and
what a state_dict does not say. tools/crates/import/tests/models.rs reads them.
"""

import io
import json
import os
import pathlib
import tempfile
import warnings
import zipfile

os.environ["KERAS_BACKEND"] = "torch"

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save as save_safetensors
from torch import nn

HERE = pathlib.Path(__file__).parent
CASES, FILES = [], {}
RANDOM = np.random.default_rng(15)


def case(name, ending, data, frames, outputs, **more):
    """One model: frames `[steps, inputs]`, outputs `[outputs]` or `[steps, outputs]`."""
    file = f"{name}.{ending}"
    assert file not in FILES, file
    FILES[file] = data
    outputs = np.asarray(outputs, dtype=np.float64)
    frames = np.asarray(frames, dtype=np.float64)
    more["per_step"] = outputs.ndim == 2
    rounded = [float(f"{v:.9g}") for v in outputs.ravel()]
    CASES.append({"file": file, "inputs": int(frames.shape[1]), "frames": frames.ravel().tolist(), "outputs": rounded, **more})


def frames(steps, inputs):
    """A sequence, exact in f32."""
    return np.round(RANDOM.normal(size=(steps, inputs)), 3).astype(np.float32)


# PyTorch: state_dicts.


class Net(nn.Module):
    """Recurrent layers, maybe an embedding before and linear layers after them."""

    def __init__(self, rnn, head=None, embedding=None, norm=None, last=True):
        super().__init__()
        if embedding is not None:
            self.embedding = embedding
        self.rnn = rnn
        if norm is not None:
            self.norm = norm
        if head is not None:
            self.head = head
        self.last = last

    def forward(self, x):
        if hasattr(self, "embedding"):
            x = self.embedding(x)
        x, _ = self.rnn(x)
        if hasattr(self, "norm"):
            x = self.norm(x)
        if self.last:
            x = x[:, -1]
        return self.head(x) if hasattr(self, "head") else x


class Ends(nn.Module):
    """The last states h_n of both directions, one after the other."""

    def __init__(self, rnn, head):
        super().__init__()
        self.rnn, self.head = rnn, head

    def forward(self, x):
        _, h = self.rnn(x)
        h = h[0] if isinstance(h, tuple) else h
        return self.head(torch.cat((h[-2], h[-1]), dim=1))


def stronger(module):
    """Weights away from where training starts, so that every gate moves."""
    with torch.no_grad():
        for p in module.parameters():
            p.mul_(1.7)
    return module.eval()


def torch_outputs(net, x, symbols=False):
    x = torch.tensor(x[:, 0].astype(np.int64) if symbols else x)
    with torch.no_grad():
        return net(x[None])[0].numpy()


def state_dict(name, net, steps=7, inputs=3, ending="safetensors", symbols=0, **more):
    net = stronger(net)
    x = RANDOM.integers(0, symbols, size=(steps, 1)).astype(np.float32) if symbols else frames(steps, inputs)
    y = torch_outputs(net, x, symbols > 0)
    state = net.state_dict()
    if ending == "safetensors":
        data = save_safetensors({k: v.contiguous() for k, v in state.items()})
    else:
        buffer = io.BytesIO()
        torch.save(more.pop("wrap", lambda s: s)(state), buffer)
        data = buffer.getvalue()
    case(f"torch-{name}", ending, data, x, y, symbols=symbols, **more)


def layers(text):
    return f"layers = [{text}]"


def torch_models():
    cells = {
        "rnn": nn.RNN,
        "gru": nn.GRU,
        "lstm": nn.LSTM,
    }
    variants = {"rnn": "srn", "gru": "gru", "lstm": "lstm"}
    for name, cell in cells.items():
        for ending in ["safetensors", "pt"]:
            make = lambda **k: cell(3, 5, batch_first=True, **k)
            state_dict(name, Net(make(), nn.Linear(5, 4)), ending=ending, expect=[variants[name], "dense"])
            state_dict(f"{name}-steps", Net(make(), nn.Linear(5, 4), last=False), ending=ending)
        state_dict(f"{name}-no-bias", Net(make(bias=False), nn.Linear(5, 4, bias=False)))
        state_dict(f"{name}-stacked", Net(make(num_layers=2), nn.Linear(5, 4)), expect=[variants[name]] * 2 + ["dense"])
        state_dict(f"{name}-both", Net(make(bidirectional=True), nn.Linear(10, 4)))
        state_dict(f"{name}-both-stacked", Net(make(num_layers=2, bidirectional=True), nn.Linear(10, 2), last=False), ending="pt")
    recipe = layers('{ layer = "cell", variant = "srn-relu", units = 5 }, { layer = "pool", over = "last" }')
    state_dict("rnn-relu", Net(nn.RNN(3, 5, nonlinearity="relu", batch_first=True), nn.Linear(5, 4)), recipe=recipe)
    state_dict("rnn-relu", Net(nn.RNN(3, 5, nonlinearity="relu", batch_first=True), nn.Linear(5, 4)), recipe=recipe, ending="pt")
    head = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 5), nn.Tanh(), nn.Linear(5, 3))
    recipe = layers(
        '{ layer = "cell", variant = "gru", units = 6 }, { layer = "pool", over = "last" }, '
        '{ layer = "dense", outputs = 8, activation = "relu" }, { layer = "dense", outputs = 5, activation = "tanh" }'
    )
    state_dict("gru-head", Net(nn.GRU(3, 6, batch_first=True), head), recipe=recipe)
    state_dict("embedding", Net(nn.GRU(4, 6, batch_first=True), nn.Linear(6, 3), nn.Embedding(11, 4)), symbols=11)
    state_dict("embedding", Net(nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 3), nn.Embedding(11, 4)), symbols=11, ending="pt")
    state_dict("norm", Net(nn.LSTM(3, 6, batch_first=True), nn.Linear(6, 3), norm=nn.LayerNorm(6)), last_tolerance=3e-5)
    wrap = lambda s: {"epoch": 3, "state_dict": s, "best": 0.5, "history": [1.0, 2.0], "args": {"lr": 1e-3}}
    state_dict("checkpoint", Net(nn.GRU(3, 5, batch_first=True), nn.Linear(5, 4)), ending="pth", wrap=wrap)
    state_dict("half", Net(nn.GRU(3, 5, batch_first=True), nn.Linear(5, 4)).half().float(), ending="pt")
    state_dict("cell-alone", Net(nn.GRU(3, 5, batch_first=True)))
    recipe = layers('{ layer = "cell", variant = "lstm", units = 5, bidirectional = true }, { layer = "pool", over = "ends" }')
    state_dict("ends", Ends(nn.LSTM(3, 5, batch_first=True, bidirectional=True), nn.Linear(10, 4)), recipe=recipe)
    projected = lambda **k: nn.LSTM(3, 6, proj_size=4, batch_first=True, **k)
    state_dict("lstm-projected", Net(projected(), nn.Linear(4, 3)), expect=["lstm-projected", "dense"])
    state_dict("lstm-projected-both", Net(projected(num_layers=2, bidirectional=True), nn.Linear(8, 3), last=False), ending="pt")


# ONNX: made by hand, node by node, and by torch.onnx.


def run_onnx(model, x, batch_axis):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: np.expand_dims(x, batch_axis)}
    return session.run(None, feed)[0]


def tensor(name, value):
    return numpy_helper.from_array(np.asarray(value), name)


def weights(*shape):
    return (RANDOM.normal(size=shape) * 0.7).astype(np.float32)


def onnx_model(nodes, constants, x_shape, y_shape, opset=17):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x_shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, y_shape)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def by_hand(name, op, gates, direction="forward", peepholes=False, bias=True, layout=0, last="slice", head="gemm", **attributes):
    """A recurrent node over [T, 1, 3] (layout 0) or [1, T, 3] (layout 1), then the last step, then a dense layer."""
    inputs, units, count = 3, 4, 2 if direction == "bidirectional" else 1
    constants = [
        tensor("W", weights(count, gates * units, inputs)),
        tensor("R", weights(count, gates * units, units)),
    ]
    names = ["x", "W", "R", "B" if bias else "", "", ""]
    if bias:
        constants.append(tensor("B", weights(count, 2 * gates * units)))
    if op == "LSTM":
        names.append("")
        if peepholes:
            names.append("P")
            constants.append(tensor("P", weights(count, 3 * units)))
    while names[-1] == "":
        names.pop()
    nodes = [
        helper.make_node(op, names, ["Y", "Y_h"], name="rnn", hidden_size=units, direction=direction, layout=layout, **attributes)
    ]
    width = units * count
    i64 = lambda name, *v: constants.append(tensor(name, np.array(v, dtype=np.int64)))
    if last == "h":
        # [dirs, B, H] or [B, dirs, H]
        i64("axes0", 1 if layout else 0)
        nodes.append(helper.make_node("Squeeze", ["Y_h", "axes0"], ["v"]))
    elif last == "ends":
        # [2, B, H] -> [B, 2 H]
        nodes.append(helper.make_node("Transpose", ["Y_h"], ["Yt"], perm=[1, 0, 2]))
        i64("flat", 0, -1)
        nodes.append(helper.make_node("Reshape", ["Yt", "flat"], ["v"]))
    else:
        # [T, dirs, B, H] -> [T, B, dirs * H]
        if layout == 0:
            nodes.append(helper.make_node("Transpose", ["Y"], ["Yt"], perm=[0, 2, 1, 3]))
        else:
            nodes.append(helper.make_node("Identity", ["Y"], ["Yt"]))
        i64("flat", 0, 0, -1)
        nodes.append(helper.make_node("Reshape", ["Yt", "flat"], ["Yr"]))
        time = 1 if layout else 0
        if last == "slice":
            i64("from", -1), i64("to", 2**63 - 1), i64("axis", time)
            nodes.append(helper.make_node("Slice", ["Yr", "from", "to", "axis"], ["Ys"]))
            nodes.append(helper.make_node("Squeeze", ["Ys", "axis"], ["v"]))
        elif last == "gather":
            constants.append(tensor("index", np.array(-1, dtype=np.int64)))
            nodes.append(helper.make_node("Gather", ["Yr", "index"], ["v"], axis=time))
        elif last == "mean":
            nodes.append(helper.make_node("ReduceMean", ["Yr"], ["v"], axes=[time], keepdims=0))
        elif last == "max":
            nodes.append(helper.make_node("ReduceMax", ["Yr"], ["v"], axes=[time], keepdims=0))
        else:
            nodes.append(helper.make_node("Identity", ["Yr"], ["v"]))
    if head == "gemm":
        constants += [tensor("Wd", weights(3, width)), tensor("bd", weights(3))]
        nodes.append(helper.make_node("Gemm", ["v", "Wd", "bd"], ["y"], transB=1, alpha=0.5, beta=2.0))
    else:
        constants += [tensor("Wd", weights(width, 5)), tensor("bd", weights(5)), tensor("We", weights(5, 3))]
        nodes.append(helper.make_node("MatMul", ["v", "Wd"], ["d"]))
        nodes.append(helper.make_node("Add", ["bd", "d"], ["e"]))
        nodes.append(helper.make_node({"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}[head.split("-")[0]], ["e"], ["f"]))
        nodes.append(helper.make_node("MatMul", ["f", "We"], ["s" if "softmax" in head else "y"]))
        if "softmax" in head:
            nodes.append(helper.make_node("Softmax", ["s"], ["y"], axis=-1))
    shape = ["T", 1, inputs] if layout == 0 else [1, "T", inputs]
    rank = ["a", "b", "c"] if last == "steps" else ["a", "b"]
    model = onnx_model(nodes, constants, shape, rank)
    x = frames(6, inputs)
    if layout == 1:
        # onnxruntime has no layout 1: the same model with layout 0 gives the outputs.
        y = layout_zero(op, nodes, constants, x, rank)
    else:
        y = run_onnx(model, x, 1)
    y = y[0] if last != "steps" else (y[0] if layout else y[:, 0])
    case(f"onnx-{name}", "onnx", model.SerializeToString(), x, y)


def layout_zero(op, nodes, constants, x, rank):
    """What a recurrent node of layout 1 gives, by one of layout 0 and transposes."""
    copies = []
    for node in nodes:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        if copy.op_type == op:
            kept = [a for a in copy.attribute if a.name != "layout"]
            del copy.attribute[:]
            copy.attribute.extend(kept)
            copy.input[0], copy.output[0], copy.output[1] = "x0", "Y0", "Yh0"
            copies.append(helper.make_node("Transpose", ["x"], ["x0"], perm=[1, 0, 2]))
            copies.append(copy)
            copies.append(helper.make_node("Transpose", ["Y0"], ["Y"], perm=[2, 0, 1, 3]))
            copies.append(helper.make_node("Transpose", ["Yh0"], ["Y_h"], perm=[1, 0, 2]))
        else:
            copies.append(copy)
    return run_onnx(onnx_model(copies, constants, [1, "T", 3], rank), x, 0)


def exported(name, net, inputs=3, symbols=0, dynamo=False, wrap=None, steps=6, **more):
    """A module as torch.onnx writes it, batch first."""
    net = stronger(net)
    whole = net if wrap is None else wrap(net).eval()
    x = RANDOM.integers(0, symbols, size=(steps, 1)).astype(np.float32) if symbols else frames(steps, inputs)
    feed = torch.tensor(x[:, 0].astype(np.int64) if symbols else x)[None]
    with torch.no_grad():
        y = whole(feed)[0].numpy()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.onnx")
        if dynamo:
            shapes = ({1: torch.export.Dim("steps", min=2, max=1000)},) if more.pop("dynamic", True) else None
            torch.onnx.export(whole, (feed,), path, dynamo=True, dynamic_shapes=shapes, external_data=False, verbose=False)
        else:
            axes = {"x": {0: "batch"} if more.pop("fixed", False) else {0: "batch", 1: "steps"}}
            torch.onnx.export(whole, (feed,), path, dynamo=False, input_names=["x"], dynamic_axes=axes)
        case(f"onnx-torch-{name}", "onnx", pathlib.Path(path).read_bytes(), x, y, symbols=symbols, **more)


class Then(nn.Module):
    def __init__(self, net, after):
        super().__init__()
        self.net, self.after = net, after

    def forward(self, x):
        return self.after(self.net(x))


class State(nn.Module):
    """The last state h_n of a recurrent layer, as tutorials have it."""

    def __init__(self, rnn, head):
        super().__init__()
        self.rnn, self.head = rnn, head

    def forward(self, x):
        _, h = self.rnn(x)
        h = h[0] if isinstance(h, tuple) else h
        return self.head(h[-1])


class Mean(nn.Module):
    def __init__(self, rnn, head):
        super().__init__()
        self.rnn, self.head = rnn, head

    def forward(self, x):
        return self.head(self.rnn(x)[0].mean(dim=1))


def onnx_models():
    sets = {"rnn": ("RNN", 1), "gru": ("GRU", 3), "lstm": ("LSTM", 4)}
    for name, (op, gates) in sets.items():
        by_hand(name, op, gates)
        by_hand(f"{name}-both", op, gates, direction="bidirectional", last="mean", head="tanh")
        by_hand(f"{name}-layout", op, gates, layout=1, last="gather")
        by_hand(f"{name}-no-bias", op, gates, bias=False, last="h", head="relu-softmax")
        by_hand(f"{name}-ends", op, gates, direction="bidirectional", last="ends")
        by_hand(f"{name}-reverse", op, gates, direction="reverse", last="h")
        by_hand(f"{name}-steps", op, gates, direction="bidirectional", last="steps", head="sigmoid")
    by_hand("gru-after", "GRU", 3, linear_before_reset=1)
    by_hand("gru-after-both", "GRU", 3, direction="bidirectional", linear_before_reset=1, last="max")
    by_hand("rnn-relu", "RNN", 1, activations=["Relu"])
    by_hand("rnn-sigmoid", "RNN", 1, activations=["Sigmoid"])
    by_hand("lstm-peepholes", "LSTM", 4, peepholes=True)
    by_hand("lstm-peepholes-both", "LSTM", 4, peepholes=True, direction="bidirectional", last="mean")
    by_hand("lstm-coupled", "LSTM", 4, input_forget=1)
    flat = nn.Sequential(nn.Flatten(), nn.Linear(30, 4))
    exported("flatten", Then(Net(nn.GRU(3, 5, batch_first=True), last=False), flat), fixed=True)
    for dynamo in [False, True]:
        tag = "-dynamo" if dynamo else ""
        make = lambda c, n=3, **k: c(n, 5, batch_first=True, **k)
        # The exporter with dynamo unrolls an nn.RNN into its steps.
        if not dynamo:
            exported("rnn", Net(make(nn.RNN), nn.Linear(5, 4)))
        exported(f"gru{tag}", Net(make(nn.GRU), nn.Linear(5, 4)), dynamo=dynamo)
        exported(f"lstm{tag}", Net(make(nn.LSTM), nn.Linear(5, 4)), dynamo=dynamo)
        exported(f"gru-both{tag}", Net(make(nn.GRU, num_layers=2, bidirectional=True), nn.Linear(10, 4), last=False), dynamo=dynamo)
        exported(f"gru-ends{tag}", Ends(make(nn.GRU, num_layers=2, bidirectional=True), nn.Linear(10, 4)), dynamo=dynamo)
        exported(f"lstm-state{tag}", State(make(nn.LSTM), nn.Linear(5, 4)), dynamo=dynamo)
        exported(f"gru-mean{tag}", Mean(make(nn.GRU), nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 2))), dynamo=dynamo)
        exported(f"softmax{tag}", Net(make(nn.LSTM), nn.Linear(5, 4)), dynamo=dynamo, wrap=lambda n: Then(n, nn.Softmax(dim=-1)))
        exported(f"sigmoid{tag}", Net(make(nn.GRU), nn.Linear(5, 1)), dynamo=dynamo, wrap=lambda n: Then(n, nn.Sigmoid()))
        embedding = nn.Embedding(9, 4)
        exported(f"embedding{tag}", Net(make(nn.GRU, 4), nn.Linear(5, 3), embedding), symbols=9, dynamo=dynamo)


# Keras.


def keras_models():
    import keras
    from keras import layers as k

    def save(name, layer_list, inputs=3, symbols=0, steps=6, functional=False, legacy=False, weights_only=None, **more):
        keras.utils.set_random_seed(len(CASES))
        inp = keras.Input((steps if not more.get("open") else None,) if symbols else (None, inputs))
        more.pop("open", None)
        if more.pop("fixed", False):
            inp = keras.Input((steps, inputs))
        if functional:
            y = inp
            for layer in layer_list:
                y = layer(y)
            model = keras.Model(inp, y)
        else:
            model = keras.Sequential([inp, *layer_list])
        model.set_weights([(w * 1.5 + RANDOM.normal(size=w.shape) * 0.1).astype(np.float32) for w in model.get_weights()])
        x = RANDOM.integers(1, symbols, size=(steps, 1)).astype(np.float32) if symbols else frames(steps, inputs)
        y = np.asarray(model.predict(x[None, :, 0] if symbols else x[None], verbose=0))[0]
        for ending in ["keras", "h5"] if legacy else ["keras"]:
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, f"m.{ending}")
                model.save(path)
                case(f"keras-{name}", ending, pathlib.Path(path).read_bytes(), x, y, symbols=symbols, **more)
        if weights_only:
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "m.weights.h5")
                model.save_weights(path)
                case(f"keras-{name}-weights", "h5", pathlib.Path(path).read_bytes(), x, y, symbols=symbols, recipe=weights_only)

    # The weights alone do not tell the order of gates of a GRU, so a recipe names the cell.
    recipe = layers('{ layer = "cell", variant = "gru", units = 4 }, { layer = "pool", over = "last" }')
    save("gru", [k.GRU(4), k.Dense(3)], legacy=True, weights_only=recipe, expect=["gru", "dense"])
    save("gru-before", [k.GRU(4, reset_after=False), k.Dense(3)], legacy=True, expect=["gru-before", "dense"])
    save("lstm", [k.LSTM(4), k.Dense(3, activation="softmax")], legacy=True)
    save("rnn", [k.SimpleRNN(4), k.Dense(3)], legacy=True)
    save("rnn-relu", [k.SimpleRNN(4, activation="relu"), k.Dense(3)])
    save("no-bias", [k.LSTM(4, use_bias=False), k.Dense(3, use_bias=False)])
    save("gru-no-bias", [k.GRU(4, use_bias=False), k.Dense(3)])
    save("stacked", [k.GRU(4, return_sequences=True), k.Dropout(0.3), k.LSTM(5), k.Dense(3)], functional=True)
    save("both", [k.Bidirectional(k.GRU(4, return_sequences=True)), k.GlobalAveragePooling1D(), k.Dense(3)], legacy=True)
    save("both-lstm", [k.Bidirectional(k.LSTM(4, return_sequences=True)), k.GlobalMaxPooling1D(), k.Dense(3)])
    recipe = layers('{ layer = "cell", variant = "gru", units = 4, bidirectional = true }, { layer = "pool", over = "ends" }')
    save("ends", [k.Bidirectional(k.GRU(4)), k.Dense(3)], legacy=True, weights_only=recipe)
    save("ends-lstm", [k.Bidirectional(k.LSTM(4, return_sequences=True)), k.Bidirectional(k.LSTM(3)), k.Dense(3)])
    save("steps", [k.Bidirectional(k.LSTM(4, return_sequences=True)), k.TimeDistributed(k.Dense(2))])
    save("masking", [k.Masking(), k.LSTM(4), k.Dense(1, activation="sigmoid")])
    save("deep", [k.GRU(6), k.Dense(5, activation="relu"), k.Dense(4, activation="tanh"), k.Dense(3), k.Softmax()], functional=True)
    save("embedding", [k.Embedding(10, 4), k.LSTM(5), k.Dense(3, activation="softmax")], symbols=10, legacy=True)
    save("norm", [k.LSTM(5, return_sequences=True), k.LayerNormalization(), k.GlobalAveragePooling1D(), k.Dense(2)])
    save("flatten", [k.LSTM(4, return_sequences=True), k.Flatten(), k.Dense(5, activation="relu"), k.Dense(3)], fixed=True, legacy=True)
    save("batch-norm", [k.BatchNormalization(), k.GRU(4), k.Dense(3)])


# scikit-learn, as skl2onnx writes it.


def sklearn_models():
    from skl2onnx import to_onnx
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    warnings.filterwarnings("ignore")
    data = RANDOM.normal(loc=0.5, size=(200, 5)).astype(np.float32)
    two = (data[:, 0] + data[:, 1] > 1).astype(int)
    three = two + (data[:, 2] > 0.5)

    def save(name, model, target, zipmap=False):
        model.fit(data, target)
        options = None if not hasattr(model, "predict_proba") or zipmap else {"zipmap": False}
        onnx_file = to_onnx(model, data[:1], options=options, target_opset=17)
        x = frames(6, 5)
        y = model.predict_proba(x) if hasattr(model, "predict_proba") else model.predict(x)[:, None]
        case(f"onnx-sklearn-{name}", "onnx", onnx_file.SerializeToString(), x, y)

    scaled = lambda model: make_pipeline(StandardScaler(), model)
    mlp = lambda *hidden, **k: MLPClassifier(hidden, max_iter=100, random_state=1, **k)
    save("mlp", scaled(mlp(8)), three)
    save("mlp-zipmap", scaled(mlp(8)), three, zipmap=True)
    save("mlp-two-classes", mlp(8, 5, activation="tanh"), two)
    save("mlp-regression", MLPRegressor(hidden_layer_sizes=(7,), activation="logistic", max_iter=50, random_state=1), data[:, 0])
    save("logistic", scaled(LogisticRegression()), three)
    save("logistic-two-classes", LogisticRegression(), two)
    save("linear", LinearRegression(), data[:, 0] - 2 * data[:, 3])


def main():
    torch.manual_seed(15)
    torch_models()
    onnx_models()
    keras_models()
    sklearn_models()
    with zipfile.ZipFile(HERE / "models.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        FILES["cases.json"] = json.dumps(CASES, separators=(",", ":")).encode()
        for name in sorted(FILES):
            # One time for all, so that the same models make the same file.
            archive.writestr(zipfile.ZipInfo(name), FILES[name], zipfile.ZIP_DEFLATED, 9)
    print(f"{len(CASES)} models, {(HERE / 'models.zip').stat().st_size} bytes")


if __name__ == "__main__":
    main()
