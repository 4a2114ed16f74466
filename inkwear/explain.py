"""Explains an answer: the picture after every step of the preprocessing, and the ink that decided.

The ink is found by occlusion (Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2014, section
4.2): parts of the picture are covered, and the network is asked again. The data set's background takes the place of
their gray square, so that covered ink looks as if it had never been drawn. It needs no gradients, and so works for any
export.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkwear.classifier import Classifier
from inkwear.prediction import Prediction, Prepared, Segmented
from inkwear.preprocess.notes import STEPS, Note
from inkwear.preprocess.scaling import shrink
from inkwear.preprocess.steps import SIZE, Floats, Pixels, normalize, to_grayscale

MAX_SIDE = 320
"""Pixels on the longer side of a step's picture."""

DIGITS_IN_ROW = 10
"""Digits of a number side by side in the picture of what the network saw."""

PATCHES = ((6, 2), (6, 3), (8, 4), (7, 7))
"""Sides and strides of what is covered, the finest first, in pixels of 28×28, and as many times more of larger squares.
Six pixels break a stroke, which is two to three wide, and leave the rest of a digit; if the side is a multiple of the
stride, every pixel is covered equally often."""

MAX_SECONDS = 2.0
"""Seconds for which the finest map is chosen that can be made in them; the coarsest is made however long it takes."""

BATCH = 64
"""Pictures in one run of the network: more bring no speed, and AlexNet holds 3 MB of maps for each."""


@dataclass(frozen=True, eq=False)
class Step:
    """The picture after one step.

    Attributes:
        code: one of ``inkwear.preprocess.notes.STEPS``.
        notes: what was done in this step.
        width, height: of the picture in this step.
        picture: (H, W) or (H, W, 3) uint8, reduced to ``MAX_SIDE``.
        numbers: the ``least``, ``mean`` and ``greatest`` number, if the step does not end in levels of gray.
    """

    code: str
    notes: tuple[Note, ...]
    width: int
    height: int
    picture: Pixels
    numbers: dict[str, float] | None = None


@dataclass(frozen=True, eq=False)
class Saliency:
    """How much of an answer rests on each pixel.

    Attributes:
        class_id: the answer.
        values: (S, S) float32 from -1 to 1: above 0 the ink there speaks for the answer, below 0 against it; 0 where
            there is no ink, or where it does not matter.
        nats: by how much the log-odds of the answer fall where ``values`` is 1.
        patch, stride: in pixels, of what was covered.
    """

    class_id: int
    values: Floats
    nats: float
    patch: int
    stride: int


@dataclass(frozen=True, eq=False)
class Explanation:
    """An answer, the steps to it, and the saliency of each digit of a number, or of one thing, or of nothing."""

    prediction: Prediction
    steps: tuple[Step, ...]
    saliency: tuple[Saliency, ...]


def explain(classifier: Classifier, segmented: Segmented) -> Explanation:
    """Read a picture and explain the answer; its steps are those of ``Classifier.predict`` itself."""
    prepared = classifier.frame(segmented)
    [prediction] = classifier.predict_prepared([prepared])
    seen = classified_images(prediction)
    saliency = occlude(classifier, [pixels for pixels, _ in seen], [class_id for _, class_id in seen])
    return Explanation(prediction, tuple(_steps(classifier, segmented, prepared, prediction)), tuple(saliency))


def classified_images(prediction: Prediction) -> list[tuple[Pixels, int]]:
    """List the pictures (S, S) that have a class, each with its class id; none if the picture is blank."""
    if prediction.digits:
        return [(digit.pixels, prediction.class_names.index(digit.label)) for digit in prediction.digits]
    return [] if prediction.class_id is None else [(prediction.pixels, prediction.class_id)]


# ----------------------------------------------------------------------------------------------------------- steps


def _steps(classifier: Classifier, segmented: Segmented, prepared: Prepared, prediction: Prediction) -> list[Step]:
    seen = _side_by_side([pixels for pixels, _ in classified_images(prediction)] or [prepared.framed.pixels])
    numbers = normalize(seen, classifier.metadata.input)
    scale = segmented.longer_side / max(segmented.picture.shape[:2])
    notes = (*prepared.framed.notes, *prediction.notes)
    return [
        _step("original", segmented.picture, notes, scale),
        _step("gray", to_grayscale(segmented.picture), notes),
        _step("found", np.rint(segmented.foreground).astype(np.uint8), notes),
        *([_step("read", _stacked([line.strip for line in prepared.read]), notes)] if prepared.read else []),
        _step("framed", seen, notes),
        _step("normalized", _around_zero(numbers), notes, numbers=_summary(numbers)),
    ]


def _step(
    code: str, picture: Pixels, notes: Sequence[Note], scale: float = 1, numbers: dict[str, float] | None = None
) -> Step:
    height, width = (round(side * scale) for side in picture.shape[:2])
    its_own = {note.code: note for note in notes if note.code in STEPS[code]}  # once, though both lists may have it
    return Step(code, tuple(its_own.values()), width, height, shrink(picture, MAX_SIDE), numbers)


def _side_by_side(pictures: Sequence[Pixels]) -> Pixels:
    """Put pictures (S, S) in rows of ``DIGITS_IN_ROW``."""
    columns, size = min(len(pictures), DIGITS_IN_ROW), len(pictures[0])
    rows = -(-len(pictures) // columns)
    sheet = np.zeros((rows, columns, size, size), np.uint8)
    sheet.reshape(-1, size, size)[: len(pictures)] = pictures
    return sheet.transpose(0, 2, 1, 3).reshape(rows * size, columns * size)


def _stacked(strips: Sequence[Pixels]) -> Pixels:
    """Put strips of one height under each other."""
    width = max(strip.shape[1] for strip in strips)
    return np.vstack([np.pad(strip, ((0, 0), (0, width - strip.shape[1]))) for strip in strips])


def _around_zero(numbers: Floats) -> Pixels:
    """Draw numbers in gray: 0, the data set's mean, in the middle, the number furthest from it white or black."""
    return np.rint(128 + numbers * (127 / max(float(np.abs(numbers).max()), 1e-9))).astype(np.uint8)


def _summary(numbers: Floats) -> dict[str, float]:
    return {"least": float(numbers.min()), "mean": float(numbers.mean()), "greatest": float(numbers.max())}


# ------------------------------------------------------------------------------------------------------- occlusion


def occlude(classifier: Classifier, pixels: Sequence[Pixels], class_ids: Sequence[int]) -> list[Saliency]:
    """Find the ink that each answer rests on.

    Args:
        classifier: gave the answers.
        pixels: framed pictures, (S, S) uint8 each.
        class_ids: the answers.
    """
    if not len(pixels):
        return []
    started = time.perf_counter()
    before = log_odds(classifier, np.stack(pixels), class_ids)
    patch, stride = choose_patch(pixels, (time.perf_counter() - started) / len(pixels))
    return [
        _occlude(classifier, image, class_id, float(odds), patch, stride)
        for image, class_id, odds in zip(pixels, class_ids, before, strict=True)
    ]


def choose_patch(pixels: Sequence[Pixels], seconds: float) -> tuple[int, int]:
    """Choose the finest of ``PATCHES`` for which ``seconds`` an image leave enough time, or the coarsest."""
    scale = len(pixels[0]) // SIZE
    patches = [(patch * scale, stride * scale) for patch, stride in PATCHES]
    for patch, stride in patches:
        if seconds * sum(len(_windows(image, patch, stride)) for image in pixels) <= MAX_SECONDS:
            return patch, stride
    return patches[-1]


def log_odds(classifier: Classifier, pixels: Pixels, class_ids: Sequence[int]) -> NDArray[np.float64]:
    """Compute the log-odds of a class for each picture, in nats: (N, S, S), N classes -> (N,).

    Args:
        classifier: reads the pictures.
        pixels: framed pictures.
        class_ids: a class for each.
    """
    logits = classifier.logits(pixels).astype(np.float64) / classifier.metadata.temperature
    rows = np.arange(len(logits))
    chosen = logits[rows, class_ids]
    logits[rows, class_ids] = -np.inf
    return chosen - np.logaddexp.reduce(logits, axis=1)


def _occlude(classifier: Classifier, image: Pixels, class_id: int, before: float, patch: int, stride: int) -> Saliency:
    """Give each pixel the mean fall of the patches over it, in proportion to its ink: only ink was taken away.

    A whole picture has no empty background: there a patch has the mean gray of the border, and all of it counts.
    """
    whole = classifier.metadata.input.whole
    cover = float(np.concatenate([image[[0, -1]].ravel(), image[:, [0, -1]].ravel()]).mean()) if whole else 0
    fall, times = np.zeros(image.shape), np.zeros(image.shape)
    windows = _windows(image, patch, stride)
    for start in range(0, len(windows), BATCH):
        part = windows[start : start + BATCH]
        covered = np.repeat(image[None], len(part), axis=0)
        for picture, window in zip(covered, part, strict=True):
            picture[window] = cover
        falls = before - log_odds(classifier, covered, [class_id] * len(part))
        for window, value in zip(part, falls, strict=True):
            fall[window] += value
            times[window] += 1
    values = fall / np.maximum(times, 1) * (1 if whole else image / max(int(image.max()), 1))
    nats = float(np.abs(values).max())
    return Saliency(class_id, (values / max(nats, 1e-9)).astype(np.float32), nats, patch, stride)


def _windows(image: Pixels, patch: int, stride: int) -> list[tuple[slice, slice]]:
    """List where a patch covers any ink; those at the edge reach beyond it, so that it is covered as often."""
    starts = range(stride - patch, len(image), stride)
    windows = [
        (slice(max(0, top), top + patch), slice(max(0, left), left + patch)) for top in starts for left in starts
    ]
    return [window for window in windows if image[window].any()]
