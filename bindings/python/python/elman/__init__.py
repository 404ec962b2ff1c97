"""Recurrent networks for microcontrollers, on numpy arrays with the device's integers.

>>> import elman, numpy as np
>>> model = elman.load("runs/keywords/model.elman")          # doctest: +SKIP
>>> frames = model.quantize(np.zeros((100, model.inputs)))   # doctest: +SKIP
>>> logits = model.run(frames)                               # doctest: +SKIP
>>> model.labels[logits[-1].argmax()]                        # doctest: +SKIP
"""

from ._elman import ElmanError, Event, Listener, Model, Stream, __version__, load
from .convert import from_keras, from_torch

__all__ = ["ElmanError", "Event", "Listener", "Model", "Stream", "__version__", "from_keras", "from_torch", "load"]
