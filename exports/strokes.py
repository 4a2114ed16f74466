"""Which of the marks in a picture are ink: not specks, not faint traces, not what comes in over the border."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from exports.spec import Floats, Pixels

SPECK = 0.04
"""Detached parts smaller than this fraction of the largest part are dirt; the bar of a 5 is more."""

FAINT = 0.4
"""Parts of less than this fraction of the contrast of the largest are on the sheet's other side, or rubbed out."""

CUT_OFF = 0.3
"""What touches the border counts for so much of its size: a table's edge, or a neighbour that is not meant."""

THIN = 1.6
"""Strokes this many pixels wide or less have lost contrast to the lens."""


@dataclass(frozen=True)
class Marks:
    """What stands out of a picture, in connected parts; part 0 is the sheet.

    Attributes:
        labels: (H, W) int32, the part of each pixel.
        weights: (n,) sum of contrast.
        contrasts: (n,) contrast of a part, its own faint edges weighing little.
        at_border: (n,) whether a part touches the picture's border.
    """

    labels: NDArray[np.int32]
    weights: NDArray[np.float64]
    contrasts: NDArray[np.float64]
    at_border: NDArray[np.bool_]


def find_marks(contrast: Floats, threshold: float) -> Marks:
    """Connect what stands out by ``threshold`` or more: (H, W) from 0 to 255 -> marks."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((contrast >= threshold).astype(np.uint8))
    places = np.flatnonzero(labels)  # marks are few, and bincount is slow
    parts, values = labels.ravel()[places], contrast.ravel()[places].astype(np.float64)
    weights = np.bincount(parts, values, count)
    squares = np.bincount(parts, values * values, count)
    height, width = contrast.shape
    left, top, right, bottom = stats[:, 0], stats[:, 1], stats[:, 0] + stats[:, 2], stats[:, 1] + stats[:, 3]
    at_border = (left <= 1) | (top <= 1) | (right >= width - 1) | (bottom >= height - 1)
    return Marks(labels, weights, squares / np.maximum(weights, 1e-9), at_border)


def choose_ink(marks: Marks) -> NDArray[np.bool_]:
    """Choose the parts that are as large and as strong as writing: (n,)."""
    likely = marks.weights * np.where(marks.at_border, CUT_OFF, 1)
    first = int(np.argmax(likely))
    chosen = (likely >= SPECK * likely[first]) & (marks.contrasts >= FAINT * marks.contrasts[first])
    if not marks.at_border[first]:
        chosen &= ~marks.at_border | (likely >= CUT_OFF * likely[first])
    chosen[0] = False
    return chosen
