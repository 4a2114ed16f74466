"""The one way to an answer: pictures in, predictions out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from app.runtime import Device, DeviceError, ModelFileError, open_session
from exports.metadata import MetadataError, ModelMetadata
from exports.notes import Note
from exports.preprocessing import SIZE, Floats, Framed, Pixels, frame, normalize, to_colours, unsqueeze

__all__ = ["Classifier", "DeviceError", "ModelFileError", "Prediction", "softmax"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a classifier says of one picture.

    Attributes:
        status: ``ok``, or ``blank`` where there is nothing to read; then there is no label and no probability.
        class_names: of the model, in the order of ``probabilities``.
        probabilities: one for each class, adding up to 1; empty where the picture is blank.
        pixels: (28, 28) uint8, what the network saw.
        notes: how it came to be.
    """

    status: Literal["ok", "blank"]
    class_names: tuple[str, ...]
    probabilities: tuple[float, ...]
    pixels: Pixels
    notes: tuple[Note, ...]

    @property
    def class_id(self) -> int | None:
        return int(np.argmax(self.probabilities)) if self.probabilities else None

    @property
    def label(self) -> str | None:
        return None if self.class_id is None else self.class_names[self.class_id]

    @property
    def confidence(self) -> float | None:
        return max(self.probabilities, default=None)

    def top(self, k: int) -> list[tuple[str, float]]:
        """Return the ``k`` most probable classes, best first."""
        ranked = sorted(zip(self.class_names, self.probabilities, strict=False), key=lambda pair: -pair[1])
        return ranked[:k]


class Classifier:
    """A session, its metadata and the preprocessing they ask for.

    Args:
        path: an exported ``.onnx`` file.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        ModelFileError: the file cannot be opened or breaks its contract.
        DeviceError: ``cuda`` was asked for and is not to be had.
    """

    def __init__(self, path: Path, device: Device = "auto") -> None:
        self.path = path
        self.runtime = open_session(path, device)
        try:
            self.metadata = ModelMetadata.from_props(self.runtime.session.get_modelmeta().custom_metadata_map)
            self._check_graph()
        except MetadataError as error:
            raise ModelFileError(f"{path}: {error}.") from error

    def predict(self, images: Sequence[Image.Image]) -> list[Prediction]:
        """Read pictures of any size and mode, one prediction each, in their order.

        Raises:
            ValueError: a picture of values that are not finite (``to_colours``).
        """
        framed = [self._frame(image) for image in images]
        readable = [picture.pixels for picture in framed if not picture.blank]
        logits = iter(self.logits(np.stack(readable)) if readable else ())
        return [self._prediction(picture, None if picture.blank else next(logits)) for picture in framed]

    def logits(self, pixels: Pixels) -> Floats:
        """Run the network on pictures that are framed already: (N, 28, 28) uint8 -> (N, classes) float32."""
        images = unsqueeze(normalize(pixels, self.metadata.input))
        return self.runtime.session.run(["logits"], {"images": images})[0]

    def _frame(self, image: Image.Image) -> Framed:
        picture, notes = to_colours(image)
        framed = frame(picture, self.metadata.input)
        return Framed(framed.pixels, notes + framed.notes, framed.blank)

    def _prediction(self, picture: Framed, logits: Floats | None) -> Prediction:
        return Prediction(
            status="ok" if logits is not None else "blank",
            class_names=self.metadata.class_names,
            probabilities=() if logits is None else tuple(float(value) for value in softmax(logits)),
            pixels=picture.pixels,
            notes=picture.notes,
        )

    def _check_graph(self) -> None:
        """Hold the graph to its contract: ``images`` (batch, 1, 28, 28) -> ``logits`` (batch, classes), float32."""
        found = [
            (value.name, *value.shape[1:], value.type)
            for value in (*self.runtime.session.get_inputs(), *self.runtime.session.get_outputs())
        ]
        expected = [
            ("images", 1, SIZE, SIZE, "tensor(float)"),
            ("logits", len(self.metadata.class_names), "tensor(float)"),
        ]
        if found != expected:
            raise ModelFileError(f"{self.path}: its inputs and outputs are {found}, expected {expected}.")
        batch = self.runtime.session.get_inputs()[0].shape[0]
        if isinstance(batch, int):
            raise ModelFileError(f"{self.path}: it takes batches of exactly {batch}; any number is expected.")


def softmax(logits: Floats) -> Floats:
    """Probabilities of one image: (classes,) -> (classes,) float32, computed alike whatever batch it came in."""
    exponents = np.exp(logits.astype(np.float64) - logits.max())
    return (exponents / exponents.sum()).astype(np.float32)
