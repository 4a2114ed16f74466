"""Which of the marks in a picture are ink: not specks, not faint traces, not what comes in over the border."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwear.preprocess.spec import Floats

SPECK = 0.04
"""Detached parts smaller than this fraction of the largest part are dirt; the bar of a 5 is more."""

FAINT = 0.4
"""Parts of less than this fraction of the contrast of the largest are on the sheet's other side, or rubbed out."""

CUT_OFF = 0.3
"""What touches the border counts for so much of its size: a table's edge, or a neighbour that is not meant."""

NEIGHBOUR = 0.5
"""What touches the border but is as large as this and as strong as ``ALIKE``, is cut off writing all the same."""

ALIKE = 0.75

LARGE, NEAR = 0.25, 1
"""Parts shorter than the first fraction of the longest belong to it, or to another as long, where they are no further
away than the second fraction of its length; else they are dirt."""

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
        boxes: (n, 4) left, top, right and bottom of a part, the latter two exclusive.
        at_border: (n,) whether a part touches the picture's border.
    """

    labels: NDArray[np.int32]
    weights: NDArray[np.float64]
    contrasts: NDArray[np.float64]
    boxes: NDArray[np.int32]
    at_border: NDArray[np.bool_]

    @property
    def lengths(self) -> NDArray[np.int32]:
        """Longer side of each part's box in pixels: (n,)."""
        return (self.boxes[:, 2:] - self.boxes[:, :2]).max(axis=1)


def find_marks(contrast: Floats) -> Marks:
    """Connect whatever stands out: (H, W) from 0, where nothing does, to 255 -> marks."""
    stands_out = contrast > 0
    count, labels, stats, _ = cv2.connectedComponentsWithStats(stands_out.view(np.uint8))
    places = np.flatnonzero(stands_out)  # marks are few, and bincount is slow
    parts, values = labels.ravel()[places], contrast.ravel()[places].astype(np.float64)
    weights = np.bincount(parts, values, count).astype(np.float64)
    squares = np.bincount(parts, values * values, count)
    height, width = contrast.shape
    boxes = np.hstack([stats[:, :2], stats[:, :2] + stats[:, 2:4]])
    left, top, right, bottom = boxes.T
    at_border = (left <= 1) | (top <= 1) | (right >= width - 1) | (bottom >= height - 1)
    return Marks(labels, weights, squares / np.maximum(weights, 1e-9), boxes, at_border)


def choose_ink(marks: Marks) -> NDArray[np.bool_]:
    """Choose the parts that are as large and as strong as writing: (n,)."""
    likely = marks.weights * np.where(marks.at_border, CUT_OFF, 1)
    first = int(np.argmax(likely * marks.contrasts))
    chosen = (likely >= SPECK * likely[first]) & (marks.contrasts >= FAINT * marks.contrasts[first])
    if not marks.at_border[first]:
        as_large = marks.weights >= NEIGHBOUR * marks.weights[first]
        as_strong = marks.contrasts >= ALIKE * marks.contrasts[first]
        chosen &= ~marks.at_border | (as_large & as_strong)
    chosen[0] = False
    chosen &= marks.lengths[chosen].max(initial=0) >= SHORTEST * max(marks.labels.shape)
    return _without_strays(chosen, marks)


def _without_strays(chosen: NDArray[np.bool_], marks: Marks) -> NDArray[np.bool_]:
    """Leave out small parts that lie far from every large one: the bar of a 5 is near to it, a ruling's rest is not."""
    parts = np.flatnonzero(chosen)
    lengths, boxes = marks.lengths[parts], marks.boxes[parts]
    large = lengths >= LARGE * lengths.max(initial=0)
    gaps = np.maximum(boxes[:, None, :2] - boxes[None, large, 2:], boxes[None, large, :2] - boxes[:, None, 2:])
    near = (gaps.max(axis=2) <= NEAR * lengths[None, large]).any(axis=1)
    kept = np.zeros_like(chosen)
    kept[parts[near]] = True
    return kept


def stroke_width(ink: Floats) -> float:
    """Mean width of strokes in pixels, from (h, w) ink between 0 and 255.

    A stroke of length l and width w has an area of l·w and an outline of about 2·l.
    """
    mask = cv2.copyMakeBorder((ink >= 128).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    outlines, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return 2 * float(mask.sum()) / max(sum(cv2.arcLength(outline, closed=True) for outline in outlines), 1)


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
