"""Types of the compiled module."""

import os
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

__version__: str

class ElmanError(ValueError):
    """Why a model does not load or run, with the numbers and the way out."""

def load(source: Union[str, os.PathLike[str], bytes]) -> Model:
    """Loads a model: the path of a blob or of a run folder, or a blob's bytes. Every byte is validated."""

def convert(
    file: Union[str, os.PathLike[str]],
    frames: Union[str, os.PathLike[str]],
    run: Union[str, os.PathLike[str]],
    labels: Optional[str] = None,
    recipe: Union[str, os.PathLike[str], None] = None,
) -> list[str]:
    """Imports the network of a file into the run folder `run` and quantizes it; `frames` are a folder of examples that calibrate,
    `labels` are apart by commas or a file with one a line. Gives what was assumed."""

class Model:
    """A loaded model. It does not change: any number of threads may use it."""

    @property
    def name(self) -> str:
        """Name of the model."""
    @property
    def labels(self) -> list[str]:
        """Labels of the outputs; empty for a model that is no classifier."""
    @property
    def inputs(self) -> int:
        """Elements of an input frame."""
    @property
    def external_inputs(self) -> int:
        """Elements of a frame in closed loop: all but those fed back."""
    @property
    def outputs(self) -> int:
        """Elements of the output."""
    @property
    def in_frac(self) -> int:
        """Fraction bits of a frame: an element x stands for x / 2**in_frac."""
    @property
    def out_frac(self) -> int:
        """Fraction bits of the output."""
    @property
    def max_steps(self) -> int:
        """Steps of the longest sequence of a model that reads backward; 0 for one that runs as a stream."""
    @property
    def sample_rate(self) -> Optional[int]:
        """Samples a second of the audio front end; None where the input is no sound."""
    @property
    def crc(self) -> int:
        """CRC-32C of the blob, which marks snapshots."""
    @property
    def blob(self) -> bytes:
        """The blob."""
    @property
    def blob_bytes(self) -> int:
        """Bytes of the blob: flash of a device."""
    @property
    def memory_bytes(self) -> int:
        """Bytes of memory of a stream or sequence on a device."""
    @property
    def listener_bytes(self) -> int:
        """Bytes of memory of a listener on a device: front end, network and detector."""
    def for_core(self, core: str) -> Model:
        """The model with its weights packed for a core: m0, m3, m4, m7, m33, m55, rv32."""
    def cost(self) -> dict[str, Any]:
        """Bytes (exact), multiplications and estimated instructions of a step: of the model, its layers, by core."""
    def quantize(self, values: npt.ArrayLike) -> npt.NDArray[np.int16]:
        """Numbers as elements of frames, in the shape of the input; they saturate.

        Of a model with scaling the last axis is the channels, in the units that it was trained on.
        """
    def dequantize(self, logits: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        """Outputs as numbers: logits / 2**out_frac, or in the units that the model was trained on."""
    def softmax(self, logits: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        """Probabilities over the last axis, as the device's integers give them (multiples of 2**-15)."""
    def run(self, frames: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
        """A whole sequence [steps, inputs] from the start; logits of each step, [steps, outputs]."""
    def stream(self) -> Stream:
        """A stream at its start."""
    def listener(self) -> Listener:
        """A listener at the start of a stream of samples."""

class Stream:
    """A model that runs step by step; its states change only by its methods. One thread at a time."""

    @property
    def model(self) -> Model:
        """The model."""
    def step(self, frame: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
        """A step: takes [inputs], gives logits [outputs]."""
    def step_closed(self, frame: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
        """A step in closed loop: takes [external_inputs]; what is fed back is the model's own last output."""
    def steps(self, frames: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
        """Steps: takes [steps, inputs], gives logits [steps, outputs]. Other threads run meanwhile."""
    def reset(self) -> None:
        """States as at the start."""
    def snapshot(self) -> bytes:
        """The states, as a device's snapshot has them."""
    def restore(self, snapshot: bytes) -> None:
        """Takes the states of a snapshot of the same model."""
    def hidden_state(self, layer: int) -> npt.NDArray[np.int16]:
        """Hidden state of a layer (its output, where it is not recurrent)."""
    def carried_state(self, layer: int) -> npt.NDArray[np.int32]:
        """Carried state of a layer: c of an LSTM, the 32-bit h of a GRU; empty where it has none."""

class Listener:
    """Front end, network and detector: samples in, events out. One thread at a time."""

    @property
    def model(self) -> Model:
        """The model."""
    def push(self, samples: npt.NDArray[np.int16]) -> list[Event]:
        """Takes samples of 16 bits, however many; all events in them."""
    def reset(self) -> None:
        """Everything as at the start of a stream of samples."""

class Event:
    """A detected word."""

    @property
    def class_index(self) -> int:
        """Number of the class."""
    @property
    def label(self) -> Optional[str]:
        """Its label."""
    @property
    def step(self) -> int:
        """Number of the frame."""
    @property
    def score(self) -> float:
        """Mean probability of the class."""
    @property
    def milliseconds(self) -> int:
        """From the start of the stream to the end of the event's frame."""
