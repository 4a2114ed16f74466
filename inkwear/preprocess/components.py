"""Choosing ink among the marks of a picture: no specks, no faint traces, nothing that enters over the border."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwear.preprocess.spec import Floats

MIN_PART = 0.04
"""Fraction of the largest part's weight below which a detached part is dirt; the bar of a 5 has more."""

MIN_PART_CONTRAST = 0.4
"""Fraction of the largest part's contrast below which a part is on the sheet's other side, or rubbed out."""

BORDER_WEIGHT = 0.3
"""Factor of the weight of parts that touch the border, which may be a table's edge or other writing."""

CUT_OFF_WEIGHT, CUT_OFF_CONTRAST = 0.5, 0.75
"""Fractions of the largest part's weight and contrast from which a part at the border is writing that is cut off."""

LARGE, NEAR = 0.25, 1
"""Parts shorter than the first fraction of the longest part are dirt unless they lie within the second fraction of the
length of a long part from it."""

MIN_LENGTH = 0.025
"""Fraction of the picture's longer side that the longest part has at least; shorter parts are noise."""

FRAME_DEPTH = 0.06
"""Fraction of the picture's shorter side within which a frame around a drawing lies."""

FRAME_SHARE = 0.9
"""Share of a side's length that a frame covers at least."""


@dataclass(frozen=True)
class Marks:
    """Connected parts of what stands out in a picture; part 0 is the sheet.

    Attributes:
        labels: (H, W) int32, the part of each pixel.
        weights: (n,) sum of a part's contrast.
        contrasts: (n,) contrast of a part, to which its faint edges contribute little.
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
        """Pixels of the longer side of each part's box: (n,)."""
        return (self.boxes[:, 2:] - self.boxes[:, :2]).max(axis=1)


def find_marks(contrast: Floats) -> Marks:
    """Find the connected parts of a contrast map, (H, W) from 0 to 255."""
    stands_out = contrast > 0
    count, labels, stats, _ = cv2.connectedComponentsWithStats(stands_out.view(np.uint8))
    places = np.flatnonzero(stands_out)  # marked pixels are few, and bincount is slow
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
    likely = marks.weights * np.where(marks.at_border, BORDER_WEIGHT, 1)
    first = int(np.argmax(likely * marks.contrasts))
    chosen = (likely >= MIN_PART * likely[first]) & (marks.contrasts >= MIN_PART_CONTRAST * marks.contrasts[first])
    if not marks.at_border[first]:
        as_large = marks.weights >= CUT_OFF_WEIGHT * marks.weights[first]
        as_strong = marks.contrasts >= CUT_OFF_CONTRAST * marks.contrasts[first]
        chosen &= ~marks.at_border | (as_large & as_strong)
    chosen[0] = False
    chosen &= marks.lengths[chosen].max(initial=0) >= MIN_LENGTH * max(marks.labels.shape)
    return _without_strays(chosen, marks)


def _without_strays(chosen: NDArray[np.bool_], marks: Marks) -> NDArray[np.bool_]:
    """Drop small parts far from every large one; the bar of a 5 is near, the rest of a ruled line is not."""
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
    """Blank the frame around a drawing, (H, W), where it runs along three sides or more; say whether there was one."""
    depth = round(FRAME_DEPTH * min(distance.shape))
    if not depth:
        return distance, False
    depths = [_line_along(side, depth, threshold) for side in _sides(distance)]
    if sum(found > 0 for found in depths) < 3:
        return distance, False
    inside = distance.copy()
    for side, found in zip(_sides(inside), depths, strict=True):
        side[: found + 2 if found else 0] = 0  # with its blurred edge
    return inside, True


def _sides(picture: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Views of the picture from each of its sides."""
    return picture, picture[::-1], picture.T, picture.T[::-1]


def _line_along(side: Floats, depth: int, threshold: float) -> int:
    """Rows from the edge to the end of a line along it; 0 where there is none within ``depth``."""
    full = np.flatnonzero((side[:depth] >= threshold).mean(axis=1) >= FRAME_SHARE)
    return int(full[-1]) + 1 if len(full) else 0
