"""Measures strokes, and leaves out what surrounds a drawing."""

import cv2
import numpy as np

from inkwear.preprocess.spec import Floats

MIN_PART = 0.04
"""Fraction of the largest part's weight below which a detached part is dirt; the bar of a 5 has more."""

FRAME_DEPTH = 0.06
"""Fraction of the picture's shorter side within which a frame around a drawing lies."""

FRAME_SHARE = 0.9
"""Share of a side's length that a frame covers at least."""


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
