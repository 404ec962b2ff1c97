"""Live models of PyTorch and Keras to blobs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from ._elman import ElmanError, Model, convert, load

__all__ = ["from_keras", "from_torch"]

#: Least ratio of the framework's outputs to the difference from the integers', in dB. Another network is below.
LEAST_DB = 12.0


def _examples(frames) -> list[np.ndarray]:
    """Arrays of [steps, values]."""
    if hasattr(frames, "detach"):
        frames = frames.detach().cpu().numpy()
    arrays = [np.asarray(f.detach().cpu() if hasattr(f, "detach") else f, dtype=np.float32) for f in frames]
    if not arrays or any(a.ndim != 2 or a.shape[1:] != arrays[0].shape[1:] or len(a) == 0 for a in arrays):
        raise ElmanError("calibration_frames must be [examples, steps, values], or a list of arrays of [steps, values]")
    return arrays


def _converted(write, run, examples, labels, recipe, to) -> Model:
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        file, frames = write(scratch), scratch / "frames"
        frames.mkdir()
        # One file where the examples are as long as each other.
        if len({len(e) for e in examples}) == 1:
            np.save(frames / "x.npy", np.stack(examples))
        else:
            header = ",".join(f"x{i}" for i in range(examples[0].shape[1]))
            for k, example in enumerate(examples):
                np.savetxt(frames / f"{k:06}.csv", example, "%.9g", ",", header=header, comments="")
        if labels is not None:
            (scratch / "labels.txt").write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")
        if recipe is not None:
            (scratch / "recipe.toml").write_text(recipe, encoding="utf-8")
        folder = Path(to) if to is not None else scratch / "run"
        notes = convert(
            file,
            frames,
            folder,
            None if labels is None else str(scratch / "labels.txt"),
            None if recipe is None else scratch / "recipe.toml",
        )
        model = load(folder)
    _compare(model, run, examples[:16], notes)
    return model


def _compare(model, run, examples, notes) -> None:
    """A file of weights has no equations: what the live model answers shows whether those assumed are its own."""
    theirs, ours = [], []
    for example in examples:
        answer = np.asarray(run(example), dtype=np.float64)
        logits = np.asarray(model.dequantize(model.run(model.quantize(example))), dtype=np.float64)
        logits = logits if answer.ndim == 2 else logits[-1]
        if answer.shape != logits.shape:
            raise ElmanError(f"the model gives {answer.shape}, the imported network {logits.shape}; assumed: {notes}")
        # A softmax at the end is not part of the network: both without their mean.
        if np.all(answer >= 0) and np.allclose(answer.sum(-1), 1, atol=1e-3) and answer.shape[-1] > 1:
            answer = np.log(np.maximum(answer, 1e-6))
        if answer.shape[-1] > 1:
            answer, logits = (a - a.mean(-1, keepdims=True) for a in (answer, logits))
        theirs.append(answer.ravel())
        ours.append(logits.ravel())
    theirs, ours = np.concatenate(theirs), np.concatenate(ours)
    power, error = float((theirs**2).mean()), float(((theirs - ours) ** 2).mean())
    decibels = 10 * np.log10(max(power, 1e-12) / max(error, 1e-12))
    if decibels < LEAST_DB:
        raise ElmanError(
            f"the imported network answers otherwise than the model ({decibels:.1f} dB, at least {LEAST_DB:.0f} are needed); "
            f"assumed was: {'; '.join(notes) or 'nothing'}. Name the layers by `recipe`, or export the model to ONNX and use "
            "`elman import`"
        )


def from_torch(module, calibration_frames, labels=None, *, recipe=None, to=None) -> Model:
    """A blob from a PyTorch module.

    Its recurrent and linear layers make one chain in the order of its state_dict; `recipe`, the text of a recipe with a table
    [network], says otherwise. `calibration_frames` are [examples, steps, values] as the module reads them, or a list of
    [steps, values]. The module is run on some of them with a batch of one first in the shape, and must answer as the
    integers do. `to` keeps the run folder.
    """
    import torch

    examples = _examples(calibration_frames)

    def write(folder):
        torch.save(module.state_dict(), folder / "model.pt")
        return folder / "model.pt"

    def run(example):
        with torch.no_grad():
            answer = module(torch.from_numpy(example)[None])
        answer = answer[0] if isinstance(answer, tuple) else answer
        return answer[0].cpu().numpy()

    was_training = module.training
    module.eval()
    try:
        return _converted(write, run, examples, labels, recipe, to)
    finally:
        module.train(was_training)


def from_keras(model, calibration_frames, labels=None, *, recipe=None, to=None) -> Model:
    """A blob from a Keras model; arguments as of :func:`from_torch`."""
    examples = _examples(calibration_frames)

    def write(folder):
        model.save(folder / "model.keras")
        return folder / "model.keras"

    return _converted(write, lambda example: model.predict(example[None], verbose=0)[0], examples, labels, recipe, to)
