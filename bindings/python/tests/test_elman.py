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
