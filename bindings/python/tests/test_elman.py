"""The wheel gives the device's integers: golden models of the repository, and frames whose logits the core computed."""

import json
import os
import pathlib
import threading
import time

import numpy as np
import pytest

import elman

ROOT = pathlib.Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "tests" / "golden"
# What `cargo xtask bindings` wrote with the core itself: frames, their logits, a model for measuring.
CASES = os.environ.get("ELMAN_CASES")
needs_cases = pytest.mark.skipif(not CASES, reason="`cargo xtask bindings --only python` writes the cases (ELMAN_CASES)")
STREAMS = ["gru", "lstm", "srn", "residual-2", "sensors", "gestures", "listens"]


def frames(model, steps, seed=1):
    shape = (steps, model.inputs)
    return np.random.default_rng(seed).integers(-8000, 8000, shape).astype(np.int16)


@pytest.mark.parametrize("name", STREAMS)
def test_steps_are_runs_and_snapshots_go_on(name):
    model = elman.load(GOLDEN / f"{name}.elman")
    x = frames(model, 40)
    whole = model.run(x)
    assert whole.shape == (40, model.outputs) and whole.dtype == np.int16
    stream = model.stream()
    assert np.array_equal(np.stack([stream.step(frame) for frame in x]), whole)
    stream.reset()
    first = stream.steps(x[:20])
    snapshot = stream.snapshot()
    assert len(snapshot) == model.memory_bytes + 4
    stream.steps(x[:7])
    stream.restore(snapshot)
    assert np.array_equal(np.concatenate([first, stream.steps(x[20:])]), whole)
    assert stream.hidden_state(0).dtype == np.int16 and stream.carried_state(0).dtype == np.int32
    # Weights are packed in another way for each core; bits are the same.
    for core in ["m0", "m4", "m55"]:
        assert np.array_equal(model.for_core(core).run(x), whole)
    assert np.array_equal(elman.load(model.blob).run(x), whole)


@needs_cases
def test_bits_are_those_of_the_core():
    cases = json.loads(pathlib.Path(CASES, "bits.json").read_text())
    assert len(cases) >= 15
    for case in cases:
        model = elman.load(GOLDEN / f"{case['model']}.elman")
        x = np.array(case["frames"], np.int16).reshape(-1, model.inputs)
        y = np.array(case["logits"], np.int16).reshape(-1, model.outputs)
        assert np.array_equal(model.run(x), y), case["model"]


def test_a_model_says_what_it_is():
    model = elman.load(GOLDEN / "gru.elman")
    assert model.labels == ["one", "two", "three"] and model.outputs == 3 and model.inputs == 4
    assert model.max_steps == 0 and model.sample_rate is None
    cost = model.cost()
    assert cost["blob_bytes"] == model.blob_bytes == len(model.blob)
    assert cost["memory_bytes"] == model.memory_bytes
    assert cost["macs"] == sum(layer["macs"] for layer in cost["layers"]) > 0
    assert {"m0", "m4", "m55"} <= set(cost["instructions"])
    assert "gru" in repr(model) or model.name in repr(model)


def test_numbers_are_rounded_and_saturate():
    model = elman.load(GOLDEN / "gru.elman")
    scale = 2.0**model.in_frac
    x = model.quantize(np.array([[1.5 / scale, -2.0 / scale, 1e9, -1e9]]))
    assert x.dtype == np.int16 and x[0, 1:].tolist() == [-2, 32767, -32768] and x[0, 0] in (1, 2)
    logits = model.run(x)
    assert np.allclose(model.dequantize(logits), logits / 2.0**model.out_frac)
    p = model.softmax(logits)
    assert abs(p.sum() - 1) < 1e-3 and p.argmax() == logits.argmax()


def test_sensors_are_read_in_their_units():
    model = elman.load(GOLDEN / "sensors.elman")
    x = model.quantize(np.zeros((5, model.inputs), np.float32))
    y = model.dequantize(model.run(x))
    assert y.shape == (5, model.outputs) and np.isfinite(y).all()


def test_whole_sequences():
    model = elman.load(GOLDEN / "both-ways.elman")
    assert model.max_steps > 0
    assert model.run(frames(model, model.max_steps)).shape == (model.max_steps, model.outputs)
    with pytest.raises(elman.ElmanError, match="at most"):
        model.run(frames(model, model.max_steps + 1))
    with pytest.raises(elman.ElmanError, match="reads backward"):
        model.stream()


def test_a_listener_gives_the_same_events_however_samples_are_cut():
    model = elman.load(GOLDEN / "listens.elman")
    samples = np.random.default_rng(5).integers(-20000, 20000, 60_000).astype(np.int16)
    samples *= (np.arange(60_000) // 4000 % 2).astype(np.int16)
    all_at_once = model.listener().push(samples)
    listener = model.listener()
    blocks = [event for k in range(0, 60_000, 777) for event in listener.push(samples[k : k + 777])]
    key = lambda e: (e.class_index, e.label, e.step, e.score, e.milliseconds)  # noqa: E731
    assert list(map(key, blocks)) == list(map(key, all_at_once))
    assert all(0 <= e.score <= 1 and e.label in model.labels for e in blocks)
    listener.reset()
    assert list(map(key, listener.push(samples))) == list(map(key, all_at_once))
    with pytest.raises(elman.ElmanError, match="no audio front end"):
        elman.load(GOLDEN / "gru.elman").listener()


def test_mistakes_have_sentences(tmp_path):
    blob = elman.load(GOLDEN / "gru.elman").blob
    with pytest.raises(elman.ElmanError):
        elman.load(blob[:-4])
    damaged = bytearray(blob)
    damaged[len(blob) // 2] ^= 1
    with pytest.raises(elman.ElmanError, match="CRC"):
        elman.load(bytes(damaged))
    with pytest.raises(elman.ElmanError, match="does not exist"):
        elman.load(tmp_path / "nothing.elman")
    model = elman.load(blob)
    with pytest.raises(elman.ElmanError, match="4"):
        model.run(np.zeros((3, 5), np.int16))
    with pytest.raises(TypeError):
        model.run(np.zeros((3, 4)))
    with pytest.raises(elman.ElmanError, match="snapshot"):
        model.stream().restore(elman.load(GOLDEN / "lstm.elman").stream().snapshot() + bytes(64))
    with pytest.raises(elman.ElmanError, match="contiguous"):
        model.run(np.zeros((3, 8), np.int16)[:, ::2])
    with pytest.raises(elman.ElmanError, match="no core"):
        model.for_core("m5")


def test_threads_share_a_model():
    model = elman.load(GOLDEN / "lstm.elman")
    x = frames(model, 500)
    expected, found = model.run(x), []
    threads = [threading.Thread(target=lambda: found.append(model.run(x))) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len(found) == 4 and all(np.array_equal(y, expected) for y in found)


def test_a_stream_outlives_its_model():
    stream = elman.load(GOLDEN / "gru.elman").stream()
    x = frames(stream.model, 3)
    assert np.array_equal(stream.steps(x), elman.load(GOLDEN / "gru.elman").run(x))


@needs_cases
def test_speed_of_a_gru_of_64_units():
    """A GRU (32, 64) and a dense layer, as boards run it: steps a second from numpy."""
    model = elman.load(pathlib.Path(CASES, "gru-32x64.elman"))
    x = frames(model, 20_000)
    stream = model.stream()
    best = 0.0
    for _ in range(5):
        start = time.perf_counter()
        stream.steps(x)
        best = max(best, len(x) / (time.perf_counter() - start))
    single = x[:2000]
    start = time.perf_counter()
    for frame in single:
        stream.step(frame)
    one = len(single) / (time.perf_counter() - start)
    print(f"\nGRU (32, 64) and dense: {best:,.0f} steps a second by steps(), {one:,.0f} by step()")
    assert best >= 100_000


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru(weights, x):
    """PyTorch's GRU over [steps, values], then a linear layer on the last state: written out."""
    (w, u, b, c), h = (weights[f"gru.{n}_l0"] for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")), 0
    h = np.zeros(u.shape[1])
    for frame in x:
        a, m = np.split(w @ frame + b, 3), np.split(u @ h + c, 3)
        r, z = sigmoid(a[0] + m[0]), sigmoid(a[1] + m[1])
        h = (1 - z) * np.tanh(a[2] + r * m[2]) + z * h
    return weights["fc.weight"] @ h + weights["fc.bias"]


def safetensors(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = tensor.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def weights_of_a_gru(rng):
    shapes = {"gru.weight_ih_l0": (36, 3), "gru.weight_hh_l0": (36, 12), "gru.bias_ih_l0": 36, "gru.bias_hh_l0": 36}
    shapes |= {"fc.weight": (4, 12), "fc.bias": 4}
    weights = {name: rng.uniform(-0.6, 0.6, shape).astype(np.float32) for name, shape in shapes.items()}
    # As training would have them, for inputs of these deviations.
    weights["gru.weight_ih_l0"] /= np.float32([1, 20, 300])
    return weights


def test_a_state_dict_becomes_a_blob(tmp_path):
    rng = np.random.default_rng(5)
    weights = weights_of_a_gru(rng)
    safetensors(tmp_path / "m.safetensors", weights)
    (tmp_path / "frames").mkdir()
    examples = rng.normal(0, [1, 20, 300], (40, 25, 3)).astype(np.float32)
    np.save(tmp_path / "frames" / "x.npy", examples)
    notes = elman.convert.convert(tmp_path / "m.safetensors", tmp_path / "frames", tmp_path / "run", "a,b,c,d")
    assert any("last" in note for note in notes)
    model = elman.load(tmp_path / "run")
    assert model.labels == ["a", "b", "c", "d"]
    weights = {name: tensor.astype(np.float64) for name, tensor in weights.items()}
    for example in examples[:5]:
        ours = model.dequantize(model.run(model.quantize(example)))[-1]
        assert np.abs(ours - gru(weights, example)).max() < 0.05
    with pytest.raises(elman.ElmanError, match="gru.weight_hh_l0"):
        safetensors(tmp_path / "bad.safetensors", {"gru.weight_ih_l0": np.zeros((36, 3))})
        elman.convert.convert(tmp_path / "bad.safetensors", tmp_path / "frames", tmp_path / "bad", None)


def test_a_live_module_becomes_a_blob():
    torch = pytest.importorskip("torch")

    class Net(torch.nn.Module):
        def __init__(self, mean):
            super().__init__()
            self.lstm, self.fc, self.mean = torch.nn.LSTM(2, 10, batch_first=True), torch.nn.Linear(10, 3), mean

        def forward(self, x):
            h = self.lstm(x)[0]
            return self.fc(h.mean(1) if self.mean else h[:, -1])

    torch.manual_seed(3)
    frames, net = torch.randn(50, 30, 2) * 4, Net(False)
    net.fc.weight.data *= 4
    model = elman.from_torch(net, frames, ["a", "b", "c"])
    with torch.no_grad():
        theirs = net(frames).argmax(1).numpy()
    ours = [model.run(model.quantize(x))[-1].argmax() for x in frames.numpy()]
    assert np.mean(theirs == ours) >= 0.96
    # A state_dict has no equations: that the mean is read is found out, and a recipe says it.
    mean = Net(True)
    mean.load_state_dict(net.state_dict())
    with pytest.raises(elman.ElmanError, match="otherwise"):
        elman.from_torch(mean, frames)
    recipe = """[network]
    layers = [{ layer = "cell", variant = "lstm", units = 10 }, { layer = "pool", over = "mean" }]"""
    assert elman.from_torch(mean, frames, recipe=recipe).outputs == 3


def test_from_keras(monkeypatch):
    if "KERAS_BACKEND" not in os.environ:
        monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(3)
    layers = keras.layers
    networks = {
        "gru": [layers.GRU(12), layers.Dense(3)],
        "gru-before": [layers.GRU(7, reset_after=False), layers.Dense(3)],
        "lstm": [layers.LSTM(8, return_sequences=True), layers.LSTM(6), layers.Dense(3)],
        "both": [layers.Bidirectional(layers.SimpleRNN(5, return_sequences=True)), layers.GRU(5), layers.Dense(3)],
    }
    frames = np.random.default_rng(3).normal(size=(50, 20, 4)).astype(np.float32)
    for name, stack in networks.items():
        net = keras.Sequential([keras.Input((20, 4)), *stack])
        model = elman.from_keras(net, frames, ["a", "b", "c"])
        assert model.labels == ["a", "b", "c"], name
        wanted = np.asarray(net.predict(frames[:8], verbose=0))
        ours = np.stack([model.dequantize(model.run(model.quantize(f)))[-1] for f in frames[:8]])
        assert np.abs(ours - wanted).max() < 0.05 * np.abs(wanted).max(), name
