"""The one way to an answer: pictures in, predictions out."""

import copy
import hashlib
import math
import os
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import numpy as np
from PIL import Image

from inkwear.errors import DeviceError, MetadataError, ModelFileError
from inkwear.images.decode import FULL_SIZE
from inkwear.numbers import components, decode
from inkwear.numbers.answer import answer
from inkwear.numbers.line_reader import LineReader, find_reader
from inkwear.numbers.reading import read_page
from inkwear.onnx.metadata import ModelMetadata
from inkwear.onnx.sandbox import read_trusted
from inkwear.onnx.session import Device, Runtime, open_session, share_session
from inkwear.prediction import Digit, Prediction, Prepared, Segmented
from inkwear.preprocess.framing import FRAMED_ALREADY, are_framed_already, find, frame_found, framed_already
from inkwear.preprocess.notes import Note
from inkwear.preprocess.steps import SIZE, Floats, Framed, Pixels, normalize, to_colors, unsqueeze

REFERENCE_TOLERANCE = 1e-3
"""Largest difference of a logit from the reference in the file, on any processor."""

MAX_WHOLE = 64
"""Squares larger than 28×28 that the network is given at once; of 10,000 it would need more than 20 GB."""


class Classifier:
    """A model file that is open for reading pictures, with the preprocessing that it asks for.

    Args:
        path: an exported ``.onnx`` file.
        device: ``auto``, ``cpu`` or ``cuda``.
        data: the content of the file, if the caller knows that it may be loaded; otherwise the file is read and, if it
            is not listed in ``SHA256SUMS``, loaded in the sandbox first (``inkwear.onnx.sandbox``).

    Attributes:
        digest: SHA-256 of the content, whatever has become of the file since.
        device_failed: whether CUDA has failed since the file was opened there.
        seconds: the network took for one picture in ``self_test``; infinite before that.

    Raises:
        ModelFileError: the file cannot be loaded, is damaged, breaks its contract or did not pass the sandbox.
        DeviceError: ``cuda`` was asked for and is not available.
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
        except MetadataError as error:
            raise ModelFileError(f"{path}: {error}.") from error
        _check_graph(path, self.runtime, self.metadata)

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.metadata.class_names

    @property
    def classifiers(self) -> tuple[Self, ...]:
        """This one alone; ``Auto`` has several."""
        return (self,)

    def member(self, prediction: Prediction) -> Self:
        """Return the classifier that a prediction of this one comes from: itself."""
        return self

    def on(self, device: Device) -> Self | None:
        """Return this classifier for another name of its device, with the same session; None for another device."""
        runtime = share_session(self.runtime, device)
        if runtime is None:
            return None
        twin = copy.copy(self)
        twin.runtime = runtime
        return twin

    def self_test(self) -> None:
        """Read the reference picture in the file and compare the logits.

        Raises:
            ModelFileError: they differ from those in the file.
            DeviceError: CUDA fails.
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
            images: opened by ``inkwear.open_image``.
            draft: leaves out what is slow, turned readings and the search for touching digits, while a drawing is not
                finished.

        Raises:
            ValueError: a picture has values that are not finite.
        """
        return self.predict_prepared([self.prepare(image, draft) for image in images])

    def prepare(self, image: Image.Image, draft: bool = False) -> Prepared:
        """Segment and frame one picture; ``draft`` and what is raised as in ``predict``."""
        return self._prepare_framed_already(image) or self.frame(self.segment(image), draft)

    def segment(self, image: Image.Image) -> Segmented:
        """Turn a picture upright and separate ink or clothing from the background.

        Raises:
            ValueError: the picture has values that are not finite.
        """
        picture, notes = to_colors(image)
        foreground, found = find(picture, self.metadata.input)
        longer_side = max(image.info.get(FULL_SIZE, image.size))
        return Segmented(picture, notes, foreground, tuple(found), longer_side)

    def frame(self, segmented: Segmented, draft: bool = False) -> Prepared:
        """Frame a picture as one thing, and as digits if it may be a number; ``draft`` as in ``predict``."""
        spec, foreground, found = self.metadata.input, segmented.foreground, segmented.found
        framed = frame_found(segmented.picture, foreground, list(found), spec)
        framed = Framed(framed.pixels, segmented.notes + framed.notes, framed.blank)
        if not self._reads_digits or framed.blank:
            return Prepared(framed, ())
        scale = segmented.longer_side / max(foreground.shape)
        if (reader := self.line_reader) is not None:
            try:
                page = read_page(segmented.picture, foreground, spec, reader, draft)
            except DeviceError:
                self.device_failed = True
                raise
            return Prepared(framed, segmented.notes + found, scale=scale, page=page)
        if max(segmented.picture.shape[:2]) <= SIZE:
            return Prepared(framed, ())
        from inkwear.numbers.segment import split, whole  # 0.01 s, which a model with a reader need not wait for

        lines = tuple(split(foreground, spec, cuts=not draft))
        if not lines:
            return Prepared(framed, ())
        return Prepared(framed, segmented.notes + found, lines, whole(foreground, framed.pixels), scale)

    def predict_prepared(self, prepared_images: Sequence[Prepared]) -> list[Prediction]:
        """Run the network on prepared pictures, one prediction each, in their order."""
        together = [pixels for prepared in prepared_images for pixels in prepared.pixels()]
        logits = self.logits(np.stack(together)) if together else np.empty((0, 0), np.float32)
        probabilities = softmax(logits, self.metadata.temperature)
        as_lists: list[list[float]] = probabilities.tolist()  # much faster than one by one
        predictions, end = [], 0
        for prepared in prepared_images:
            start, end = end, end + prepared.count
            if prepared.page and prepared.page.lines:
                predictions.append(answer(prepared, probabilities[start:end], self.metadata))
                continue
            digits = self._digits(prepared, logits[start:end], probabilities[start:end]) if prepared.single else ()
            ours = () if prepared.framed.blank else tuple(as_lists[start])
            predictions.append(_prediction(self.metadata, prepared, digits, ours))
        return predictions

    def logits(self, pixels: Pixels) -> Floats:
        """Run the network on framed pictures: (N, S, S) uint8 -> (N, classes) float32; S is 28 for most networks.

        Raises:
            DeviceError: CUDA fails.
        """
        parts = np.split(pixels, range(MAX_WHOLE, len(pixels), MAX_WHOLE)) if pixels.shape[-1] > SIZE else [pixels]
        images = (unsqueeze(normalize(part, self.metadata.input)) for part in parts)
        try:
            return np.concatenate([self.runtime.run("logits", {"images": part}) for part in images])
        except DeviceError:
            self.device_failed = True
            raise

    def prepare_framed(self, pictures: Pixels) -> list[Prepared | None]:
        """Prepare pictures that are framed already, (N, 28, 28) uint8 gray; None for those that are not."""
        framed = are_framed_already(pictures, self.metadata.input)
        return [
            Prepared(Framed(picture, FRAMED_ALREADY), ()) if is_framed else None
            for picture, is_framed in zip(pictures, framed.tolist(), strict=True)
        ]

    def _prepare_framed_already(self, image: Image.Image) -> Prepared | None:
        """Prepare a picture of any size and mode with the notes of its conversion; None if it is not framed already."""
        if image.size != (SIZE, SIZE):
            return None
        picture, notes = to_colors(image)
        framed = framed_already(picture, self.metadata.input)
        return Prepared(Framed(framed.pixels, notes + framed.notes), ()) if framed else None

    @property
    def _reads_digits(self) -> bool:
        """Whether the classes can stand side by side: single characters, written with strokes."""
        return self.metadata.input.stroke is not None and all(len(name) == 1 for name in self.metadata.class_names)

    def _digits(self, prepared: Prepared, logits: Floats, probabilities: Floats) -> tuple[Digit, ...]:
        """Return the digits of a number; none if it is one digit."""
        pixels, boxes = prepared.pixels(), prepared.boxes()
        temperature = self.metadata.temperature
        chosen = decode.read_number(prepared, logits, probabilities, temperature)
        return tuple(
            Digit(
                label=self.metadata.class_names[class_id],
                confidence=confidence,
                box=components.scaled_box(boxes[index], prepared.scale),
                pixels=pixels[index],
            )
            for index, class_id, confidence in chosen
        )

    @cached_property
    def line_reader(self) -> LineReader | None:
        """The reader of lines beside the model, on the model's device, opened when it is first needed."""
        return find_reader(self.path, self.metadata.class_names, self.runtime.device)


def _prediction(
    metadata: ModelMetadata, prepared: Prepared, digits: tuple[Digit, ...], probabilities: tuple[float, ...]
) -> Prediction:
    """Return the prediction of a blank picture, a number with ``digits``, or one thing with ``probabilities``."""
    names, framed = metadata.class_names, prepared.framed
    if framed.blank:
        return Prediction("blank", names, (), framed.pixels, framed.notes)
    confidence = min(digit.confidence for digit in digits) if digits else max(probabilities)
    status: Literal["ok", "unsure"] = "unsure" if confidence < metadata.reject_threshold else "ok"
    if digits:
        notes = (*prepared.found, Note("number", {"digits": len(digits)}))
        return Prediction(status, names, (), framed.pixels, notes, digits)
    notes = framed.notes
    if any(note.code == "cut_out" for note in notes):
        # Of 393 photographs by other people no confidence told the right answers from the wrong ones: of the tenth that
        # sturdy was surest of 12 % were wrong, with other networks 35 % and more (docs/preprocessing.md).
        status, notes = "unsure", (*notes, Note("never_sure"))
    return Prediction(status, names, probabilities, framed.pixels, notes)


def _check_graph(path: Path, runtime: Runtime, metadata: ModelMetadata) -> None:
    """Check the contract: ``images`` (batch, 1, S, S) -> ``logits`` (batch, classes), float32."""
    size = metadata.input.size
    inputs, outputs = runtime.session.get_inputs(), runtime.session.get_outputs()
    found = [(value.name, *value.shape[1:], value.type) for value in (*inputs, *outputs)]
    expected = [
        ("images", 1, size, size, "tensor(float)"),
        ("logits", len(metadata.class_names), "tensor(float)"),
    ]
    if found != expected:
        raise ModelFileError(f"{path}: its inputs and outputs are {found}, expected {expected}.")
    batch = inputs[0].shape[0]
    if isinstance(batch, int):
        raise ModelFileError(f"{path}: it takes batches of exactly {batch}; any number is expected.")


def softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    """Turn logits (…, classes) into probabilities, each image's independent of its batch."""
    exponents = np.exp((logits.astype(np.float64) - logits.max(axis=-1, keepdims=True, initial=-np.inf)) / temperature)
    return (exponents / exponents.sum(axis=-1, keepdims=True)).astype(np.float32)
