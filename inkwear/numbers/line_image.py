"""Turns a line of digits into a strip of fixed height for the reader of lines (``inkwear.numbers.line_reader``)."""

import cv2
import numpy as np

from inkwear.numbers.line_reader import ROWS
from inkwear.preprocess.components import stroke_width
from inkwear.preprocess.scaling import scale_down, tight_crop
from inkwear.preprocess.spec import Floats, Pixels

DIGIT_ROWS = 24
"""Height of a usual digit in the strip, in pixels. Ink that extends beyond the strip, such as the end of a long 7, is
cut off: a line scaled to its whole height would have all digits beside a tall one too small to read."""

MARGIN = 4
"""Empty columns to the left and right of the ink."""

REACH = 0.3
"""Distance from a column at which ink still belongs to the same digit, in heights of the line."""

MAX_LINE_HEIGHT = 3
"""Height of a line in heights of its usual digits."""

MAX_WIDTH = 640
"""Width of the ink in the strip, in pixels; a longer line is squeezed."""

MIN_STROKE, MAX_STROKE = 1.8, 3.8
"""Usual widths of a stroke in the strip, in pixels."""

MAX_SLOPE = 0.3
"""Rows that a line may rise or fall for each column."""

MAX_ROWS = 160
"""Rows to which the ink is reduced first; more do not help."""


def to_strip(ink: Floats) -> Pixels:
    """Level a line, bring its strokes to usual widths and scale it: (h, w) from 0 to 255 -> (``ROWS``, W) uint8.

    Raises:
        IndexError: there is no ink.
    """
    ink = tight_crop(ink)
    if ink.shape[0] > MAX_ROWS:
        ink = tight_crop(scale_down(ink, MAX_ROWS / ink.shape[0]))
    ink = _level(ink)
    usual, middle = _usual_height(ink)
    scale = DIGIT_ROWS / usual
    ink, moved = _with_usual_stroke(ink, 1 / scale)
    width = min(max(1, round(ink.shape[1] * scale)), MAX_WIDTH)
    height = max(1, round(ink.shape[0] * scale))
    smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    fitted = np.rint(cv2.resize(ink, (width, height), interpolation=smooth)).clip(0, 255).astype(np.uint8)
    top = round((middle + moved) * scale - ROWS / 2)
    shown = fitted[max(0, top) : top + ROWS]
    above = max(0, -top)
    return np.pad(shown, ((above, ROWS - above - shown.shape[0]), (MARGIN, MARGIN)))


def _usual_height(ink: Floats) -> tuple[float, float]:
    """Measure the usual height of the digits of a line and the row of their middle.

    The ink near a column is taken for its digit, so that it does not matter which digits touch; columns count by
    their ink.
    """
    height, width = ink.shape
    weights = ink.sum(axis=0)
    columns = np.flatnonzero(weights)
    tops = np.argmax(ink[:, columns] > 0, axis=0)
    bottoms = height - np.argmax(ink[::-1, columns] > 0, axis=0)
    usual, middle = float(height), height / 2
    for _ in range(2):  # the first round does not know the height that the reach depends on
        reach = 2 * round(REACH * usual) + 1
        highest, lowest = np.full((1, width), height, np.float32), np.zeros((1, width), np.float32)
        highest[0, columns], lowest[0, columns] = tops, bottoms
        near = np.ones((1, reach), np.uint8)
        highest, lowest = cv2.erode(highest, near)[0, columns], cv2.dilate(lowest, near)[0, columns]
        usual = max(_weighted_median(lowest - highest, weights[columns]), height / MAX_LINE_HEIGHT)
        middle = _weighted_median((lowest + highest) / 2, weights[columns])
    return usual, middle


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values, kind="stable")
    summed = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(summed, summed[-1] / 2)])


def _level(ink: Floats) -> Floats:
    """Shear a line that rises or falls, by linear regression of its ink, until it is level."""
    height, width = ink.shape
    if width < 1.5 * height:
        return ink
    weights = ink.sum(axis=0)
    heights = (ink * np.arange(height)[:, None]).sum(axis=0)
    columns = np.arange(width) - (weights @ np.arange(width)) / weights.sum()
    spread = (weights @ columns**2) / weights.sum() + (0.6 * height) ** 2  # the shape of a short line is no slope
    slope = float(np.clip(columns @ heights / weights.sum() / spread, -MAX_SLOPE, MAX_SLOPE))
    room = abs(slope) * width
    shear = np.array([[1, 0, 0], [-slope, 1, slope * width if slope > 0 else 0]], np.float64)
    leveled = cv2.warpAffine(ink, shear, (width, height + int(np.ceil(room))), flags=cv2.INTER_LINEAR)
    return tight_crop(np.where(leveled >= 1, leveled, 0))


def _with_usual_stroke(ink: Floats, scale: float) -> tuple[Floats, int]:
    """Thicken or thin strokes to usual widths; ``scale`` is in pixels of the ink for one of the strip.

    Returns:
        ink: with a margin where strokes were changed.
        margin: on each side, in pixels.
    """
    width = stroke_width(ink) / scale
    change = round((float(np.clip(width, MIN_STROKE, MAX_STROKE)) - width) * scale)
    if abs(change) < 1:
        return ink, 0
    margin = abs(change)
    room = cv2.copyMakeBorder(ink, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (margin + 1, margin + 1))
    changed = cv2.dilate(room, element) if change > 0 else cv2.erode(room, element)
    return (changed, margin) if changed.any() else (ink, 0)
