"""What an answer came from: the picture after every step of the preprocessing, and the ink that decided."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inkwear.classifier import Classifier
from inkwear.occlusion import Saliency, occlude
from inkwear.prediction import Prediction, Prepared, Segmented
from inkwear.preprocess.notes import STEPS, Note
from inkwear.preprocess.scaling import shrink
from inkwear.preprocess.steps import SIZE, Floats, Pixels, normalize, to_grayscale

LONGEST = 320
"""Pixels on the longer side of a step's picture, at most."""

DIGITS_A_ROW = 10
"""Of a number, in the picture of what the network saw."""


@dataclass(frozen=True, eq=False)
class Step:
    """A picture on its way.

    Attributes:
        code: one of ``inkwear.preprocess.notes.STEPS``.
        notes: what was done in this step.
        width, height: of the picture in this step.
        picture: (H, W) or (H, W, 3) uint8, made smaller where it is longer than ``LONGEST``.
        numbers: of a step that leaves no levels of gray, the ``least``, ``mean`` and ``greatest`` number.
    """

    code: str
    notes: tuple[Note, ...]
    width: int
    height: int
    picture: Pixels
    numbers: dict[str, float] | None = None


@dataclass(frozen=True, eq=False)
class Explanation:
    """An answer, the steps to it, and what it rests on: nothing of a blank picture, of a number each digit."""

    prediction: Prediction
    steps: tuple[Step, ...]
    saliency: tuple[Saliency, ...]


def explain(classifier: Classifier, found: Segmented) -> Explanation:
    """Read a picture and say how; its steps are those of ``Classifier.predict`` itself."""
    prepared = classifier.frame(found)
    [prediction] = classifier.predict_prepared([prepared])
    seen = what_was_read(prediction)
    saliency = occlude(classifier, [pixels for pixels, _ in seen], [class_id for _, class_id in seen])
    return Explanation(prediction, tuple(_steps(classifier, found, prepared, prediction)), tuple(saliency))


def what_was_read(prediction: Prediction) -> list[tuple[Pixels, int]]:
    """Each 28×28 picture that has a class of its own, and that class; none of a blank picture."""
    if prediction.digits:
        return [(digit.pixels, prediction.class_names.index(digit.label)) for digit in prediction.digits]
    return [] if prediction.class_id is None else [(prediction.pixels, prediction.class_id)]


def _steps(classifier: Classifier, found: Segmented, prepared: Prepared, prediction: Prediction) -> list[Step]:
    seen = _side_by_side([pixels for pixels, _ in what_was_read(prediction)] or [prepared.framed.pixels])
    numbers = normalize(seen, classifier.metadata.input)
    enlarged = found.longer_side / max(found.picture.shape[:2])
    notes = (*prepared.framed.notes, *prediction.notes)
    return [
        _step("original", found.picture, notes, enlarged),
        _step("gray", to_grayscale(found.picture), notes),
        _step("found", np.rint(found.foreground).astype(np.uint8), notes),
        _step("framed", seen, notes),
        _step("normalized", _around_zero(numbers), notes, numbers=_summary(numbers)),
    ]


def _step(
    code: str, picture: Pixels, notes: Sequence[Note], enlarged: float = 1, numbers: dict[str, float] | None = None
) -> Step:
    height, width = (round(side * enlarged) for side in picture.shape[:2])
    its_own = {note.code: note for note in notes if note.code in STEPS[code]}  # once, though told of both ways
    return Step(code, tuple(its_own.values()), width, height, shrink(picture, LONGEST), numbers)


def _side_by_side(pictures: Sequence[Pixels]) -> Pixels:
    """Put 28×28 pictures in rows of ``DIGITS_A_ROW``."""
    columns = min(len(pictures), DIGITS_A_ROW)
    rows = -(-len(pictures) // columns)
    sheet = np.zeros((rows, columns, SIZE, SIZE), np.uint8)
    sheet.reshape(-1, SIZE, SIZE)[: len(pictures)] = pictures
    return sheet.transpose(0, 2, 1, 3).reshape(rows * SIZE, columns * SIZE)


def _around_zero(numbers: Floats) -> Pixels:
    """Draw numbers in gray: 0, the data set's mean, in the middle, the number furthest from it white or black."""
    return np.rint(128 + numbers * (127 / max(float(np.abs(numbers).max()), 1e-9))).astype(np.uint8)


def _summary(numbers: Floats) -> dict[str, float]:
    return {"least": float(numbers.min()), "mean": float(numbers.mean()), "greatest": float(numbers.max())}
