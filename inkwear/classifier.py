"""The one way to an answer: pictures in, predictions out."""

import copy
import hashlib
import math
import os
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from PIL import Image

from inkwear.images.decode import FULL_SIZE
from inkwear.onnx.metadata import MetadataError, ModelMetadata
from inkwear.onnx.sandbox import read_trusted
from inkwear.onnx.session import Device, DeviceError, ModelFileError, open_session, share_session
from inkwear.prediction import Digit, Prediction, Prepared, Segmented
from inkwear.preprocess.framing import FRAMED_ALREADY, are_framed_already, find, frame_found, framed_already
from inkwear.preprocess.notes import Note
from inkwear.preprocess.steps import SIZE, Floats, Framed, Pixels, normalize, to_colors, unsqueeze

if TYPE_CHECKING:
    from inkwear.numbers.line_reader import LineReader


REFERENCE_TOLERANCE = 1e-3
"""Largest difference of a logit from the file's own reference, on any processor."""


class Classifier:
    """A session, its metadata and the preprocessing they ask for.

    Args:
        path: an exported ``.onnx`` file.
        device: ``auto``, ``cpu`` or ``cuda``.
        data: what the file holds, where the caller knows that it may be opened; otherwise it is read, held against its
            digests and, where it is foreign, examined (``inkwear.onnx.sandbox``).

    Attributes:
        digest: SHA-256 of the bytes it was opened from, whatever has become of the file since.
        device_failed: whether CUDA has failed since it was opened there; who asks a catalog next is given another.
        seconds: what the network took for one picture when it checked itself; infinite before that.

    Raises:
        ModelFileError: the file cannot be opened, is damaged, breaks its contract or failed the examination.
        DeviceError: ``cuda`` was asked for and is not to be had.
    """

    def __init__(self, path: str | os.PathLike[str], device: Device = "auto", data: bytes | None = None) -> None:
        self.path = path = Path(path)
        self.seconds = math.inf
        self.device_failed = False
        data = read_trusted(path) if data is None else data
        self.digest = hashlib.sha256(data).hexdigest()
        self.runtime = open_session(path, device, data)
        try:
            self.metadata = ModelMetadata.from_props(self.runtime.session.get_modelmeta().custom_metadata_map)
            self._check_graph()
        except MetadataError as error:
            raise ModelFileError(f"{path}: {error}.") from error

    def on(self, device: Device) -> Self | None:
        """The same classifier under another name of its device, sharing the session; None for another device."""
        runtime = share_session(self.runtime, device)
        if runtime is None:
            return None
        twin = copy.copy(self)
        twin.runtime = runtime
        return twin

    def self_test(self) -> None:
        """Read the reference picture that the file carries.

        Raises:
            ModelFileError: the logits are not those that the file states.
            DeviceError: CUDA fails, on which it was opened.
        """
        reference = self.metadata.reference
        for _ in range(3):  # the first run of a session takes longer
            started = time.perf_counter()
            logits = self.logits(reference.image()[None])[0]
            self.seconds = min(self.seconds, time.perf_counter() - started)
        off = float(np.abs(logits - np.array(reference.logits, np.float32)).max())
        if not off <= REFERENCE_TOLERANCE:  # nor NaN
            raise ModelFileError(
                f"{self.path}: it reads its own reference picture otherwise than it states (a logit is off by "
                f"{off:.2g}; {REFERENCE_TOLERANCE:g} is allowed), so the file is damaged; export it again."
            )

    def predict(self, images: Sequence[Image.Image], draft: bool = False) -> list[Prediction]:
        """Read pictures of any size and mode, one prediction each, in their order.

        Args:
            images: opened by ``inkwear.images.decode``.
            draft: of a drawing whose pen is still down: digits that touch are not looked for, which takes long.

        Raises:
            ValueError: a picture of values that are not finite (``to_colors``).
        """
        return self.predict_prepared([self.prepare(image, draft) for image in images])

    def prepare(self, image: Image.Image, draft: bool = False) -> Prepared:
        """Find and frame what is in one picture; ``draft`` and what is raised as in ``predict``."""
        return self._prepare_framed_already(image) or self.frame(self.segment(image), draft)

    def segment(self, image: Image.Image) -> Segmented:
        """Turn a picture upright and look for what is in it.

        Raises:
            ValueError: a picture of values that are not finite (``to_colors``).
        """
        picture, notes = to_colors(image)
        foreground, found = find(picture, self.metadata.input)
        longer_side = max(image.info.get(FULL_SIZE, image.size))
        return Segmented(picture, notes, foreground, tuple(found), longer_side)

    def frame(self, found: Segmented, draft: bool = False) -> Prepared:
        """Frame what was found as one thing, and as digits where it may be a number; ``draft`` as in ``predict``."""
        spec = self.metadata.input
        framed = frame_found(found.picture, found.foreground, list(found.found), spec)
        framed = Framed(framed.pixels, found.notes + framed.notes, framed.blank)
        may_be_number = self._reads_digits and not framed.blank and max(found.picture.shape[:2]) > SIZE
        if not may_be_number:
            return Prepared(framed, ())
        from inkwear.numbers.segment import split, whole  # when there may be one: an image of a data set is none

        lines = tuple(split(found.foreground, spec, cuts=not draft))
        if not lines:
            return Prepared(framed, ())
        enlarged = found.longer_side / max(found.foreground.shape)
        return Prepared(framed, found.notes + found.found, lines, whole(found.foreground, framed.pixels), enlarged)

    def predict_prepared(self, prepared_images: Sequence[Prepared]) -> list[Prediction]:
        """Let the network read what was framed, one prediction each, in their order."""
        together = [pixels for prepared in prepared_images for pixels in prepared.pixels()]
        logits = self.logits(np.stack(together)) if together else np.empty((0, 0), np.float32)
        probabilities = softmax(logits, self.metadata.temperature)
        as_numbers: list[list[float]] = probabilities.tolist()  # all at once, which is many times as fast as singly
        predictions, end = [], 0
        for prepared in prepared_images:
            start, end = end, end + prepared.count
            digits = self._digits(prepared, logits[start:end], probabilities[start:end]) if prepared.single else ()
            ours = () if prepared.framed.blank else tuple(as_numbers[start])
            predictions.append(self._prediction(prepared, digits, ours))
        return predictions

    def logits(self, pixels: Pixels) -> Floats:
        """Run the network on pictures that are framed already: (N, 28, 28) uint8 -> (N, classes) float32.

        Raises:
            DeviceError: CUDA fails, on which it was opened.
        """
        images = unsqueeze(normalize(pixels, self.metadata.input))
        try:
            return self.runtime.run("logits", {"images": images})
        except DeviceError:
            self.device_failed = True
            raise

    def prepare_framed(self, pictures: Pixels) -> list[Prepared | None]:
        """Take what is framed already as it is: (N, 28, 28) uint8 gray; None for what needs the long way."""
        framed = are_framed_already(pictures, self.metadata.input)
        return [
            Prepared(Framed(picture, FRAMED_ALREADY), ()) if is_framed else None
            for picture, is_framed in zip(pictures, framed.tolist(), strict=True)
        ]

    def _prepare_framed_already(self, image: Image.Image) -> Prepared | None:
        """The same for one picture of any size and mode, with the notes of how it became gray."""
        if image.size != (SIZE, SIZE):
            return None
        picture, notes = to_colors(image)
        framed = framed_already(picture, self.metadata.input)
        return Prepared(Framed(framed.pixels, notes + framed.notes), ()) if framed else None

    @property
    def _reads_digits(self) -> bool:
        """Whether classes can stand side by side: single characters, written with strokes."""
        return self.metadata.input.stroke is not None and all(len(name) == 1 for name in self.metadata.class_names)

    def _prediction(
        self, prepared: Prepared, digits: tuple[Digit, ...], probabilities: tuple[float, ...]
    ) -> Prediction:
        """Say what a picture shows: nothing, a number of these ``digits``, or one thing of these ``probabilities``."""
        names = self.metadata.class_names
        if prepared.framed.blank:
            return Prediction("blank", names, (), prepared.framed.pixels, prepared.framed.notes)
        if digits:
            status = self._status(min(digit.confidence for digit in digits))
            notes = (*prepared.found, Note("number", {"digits": len(digits)}))
            return Prediction(status, names, (), prepared.framed.pixels, notes, digits)
        status = self._status(max(probabilities))
        return Prediction(status, names, probabilities, prepared.framed.pixels, prepared.framed.notes)

    def _status(self, confidence: float) -> Literal["ok", "unsure"]:
        return "unsure" if confidence < self.metadata.reject_threshold else "ok"

    def _digits(self, prepared: Prepared, logits: Floats, probabilities: Floats) -> tuple[Digit, ...]:
        """The digits of a number; none where it is one digit."""
        from inkwear.numbers.components import enlarged_box
        from inkwear.numbers.decode import read_number

        pixels, boxes = prepared.pixels(), prepared.boxes()
        chosen = read_number(prepared, logits, probabilities, self.metadata.temperature, lambda: self.line_reader)
        return tuple(
            Digit(
                label=self.metadata.class_names[class_id],
                confidence=confidence,
                box=enlarged_box(boxes[index], prepared.enlarged),
                pixels=pixels[index],
            )
            for index, class_id, confidence in chosen
        )

    @cached_property
    def line_reader(self) -> "LineReader | None":
        """The reader of lines beside the model, on the device that the model is on, opened when first needed."""
        from inkwear.numbers.line_reader import find_reader

        return find_reader(self.path, self.metadata.class_names, self.runtime.device)

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


def softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    """Probabilities: (…, classes) -> (…, classes) float32, each image's computed alike whatever batch it came in."""
    exponents = np.exp((logits.astype(np.float64) - logits.max(axis=-1, keepdims=True, initial=-np.inf)) / temperature)
    return (exponents / exponents.sum(axis=-1, keepdims=True)).astype(np.float32)
