"""Which of the marks in a picture are ink: not specks, not faint traces, not what comes in over the border."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from exports.spec import Floats

SPECK = 0.04
"""Detached parts smaller than this fraction of the largest part are dirt; the bar of a 5 is more."""

FAINT = 0.4
"""Parts of less than this fraction of the contrast of the largest are on the sheet's other side, or rubbed out."""

CUT_OFF = 0.3
"""What touches the border counts for so much of its size: a table's edge, or a neighbour that is not meant."""

NEIGHBOUR = 0.5
"""What touches the border but is as large as this and as strong as ``ALIKE``, is cut off writing all the same."""

ALIKE = 0.75

SHORTEST = 0.025
"""Of the picture's longer side: where nothing is longer, only noise stands out."""

FRAME_DEPTH = 0.06
"""How far inside a frame around a drawing may lie, as a fraction of the picture's shorter side."""

FRAME_SHARE = 0.9
"""Of a side's length; less is no line along it."""


@dataclass(frozen=True)
class Marks:
    """What stands out of a picture, in connected parts; part 0 is the sheet.

    Attributes:
        labels: (H, W) int32, the part of each pixel.
        weights: (n,) sum of contrast.
        contrasts: (n,) contrast of a part, its own faint edges weighing little.
        lengths: (n,) longer side of a part's box, in pixels.
        at_border: (n,) whether a part touches the picture's border.
    """

    labels: NDArray[np.int32]
    weights: NDArray[np.float64]
    contrasts: NDArray[np.float64]
    lengths: NDArray[np.int32]
    at_border: NDArray[np.bool_]


def find_marks(contrast: Floats, threshold: float) -> Marks:
    """Connect what stands out by ``threshold`` or more: (H, W) from 0 to 255 -> marks."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((contrast >= threshold).astype(np.uint8))
    places = np.flatnonzero(labels)  # marks are few, and bincount is slow
    parts, values = labels.ravel()[places], contrast.ravel()[places].astype(np.float64)
    weights = np.bincount(parts, values, count).astype(np.float64)
    squares = np.bincount(parts, values * values, count)
    height, width = contrast.shape
    left, top, right, bottom = stats[:, 0], stats[:, 1], stats[:, 0] + stats[:, 2], stats[:, 1] + stats[:, 3]
    at_border = (left <= 1) | (top <= 1) | (right >= width - 1) | (bottom >= height - 1)
    return Marks(labels, weights, squares / np.maximum(weights, 1e-9), stats[:, 2:4].max(axis=1), at_border)


def choose_ink(marks: Marks) -> NDArray[np.bool_]:
    """Choose the parts that are as large and as strong as writing: (n,)."""
    likely = marks.weights * np.where(marks.at_border, CUT_OFF, 1)
    first = int(np.argmax(likely))
    chosen = (likely >= SPECK * likely[first]) & (marks.contrasts >= FAINT * marks.contrasts[first])
    if not marks.at_border[first]:
        as_large = marks.weights >= NEIGHBOUR * marks.weights[first]
        as_strong = marks.contrasts >= ALIKE * marks.contrasts[first]
        chosen &= ~marks.at_border | (as_large & as_strong)
    chosen[0] = False
    chosen &= marks.lengths[chosen].max(initial=0) >= SHORTEST * max(marks.labels.shape)
    return chosen


def without_frame(distance: Floats, threshold: float) -> tuple[Floats, bool]:
    """Blank a line around a drawing, if there is one along three sides or more: (H, W), and whether there was."""
    depth = round(FRAME_DEPTH * min(distance.shape))
    if not depth:
        return distance, False
    depths = [_line_along(side, depth, threshold) for side in _sides(distance)]
    if sum(found > 0 for found in depths) < 3:
        return distance, False
    inside = distance.copy()
    for side, found in zip(_sides(inside), depths, strict=True):
        side[: found + 2 if found else 0] = 0  # its blurred edge too
    return inside, True


def _sides(picture: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """The picture as seen from each of its sides: views."""
    return picture, picture[::-1], picture.T, picture.T[::-1]


def _line_along(side: Floats, depth: int, threshold: float) -> int:
    """Number of rows from the edge to the end of a line along it, 0 where there is none within ``depth``."""
    full = np.flatnonzero((side[:depth] >= threshold).mean(axis=1) >= FRAME_SHARE)
    return int(full[-1]) + 1 if len(full) else 0
