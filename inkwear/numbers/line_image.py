"""Cuts a line out of a picture as a strip of fixed height for the reader (``inkwear.numbers.line_reader``).

The strip shows the picture itself and not only the ink that was found, which tells where the line is, how high its
digits are and how dark ink and paper are.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwear.numbers.line_reader import ROWS
from inkwear.preprocess.grayscale import to_grayscale
from inkwear.preprocess.spec import Floats, Pixels

DIGIT_ROWS = 24
"""Height of a usual digit in the strip, in pixels. Ink that extends beyond the strip, such as the end of a long 7, is
cut off: a line scaled to its whole height would have all digits beside a tall one too small to read."""

MARGIN = 0.5
"""Heights of a digit that are shown to the left and right of the ink, if the picture goes on so far."""

REACH = 0.3
"""Distance from a column at which ink still belongs to the same digit, in heights of the line."""

MAX_LINE_HEIGHT = 3
"""Height of a line in heights of its usual digits."""

FEW = 0.1
"""Share of a line's ink that may reach higher, or lower, than the strip shows."""

MAX_WIDTH = 960
"""Columns of a strip; a longer line is squeezed."""

MIN_WIDTH = 8
"""Columns of a strip that the reader needs."""

MAX_SLOPE = 0.3
"""Rows that a line may rise or fall for each column."""

INK_LEVEL = 200
"""Gray level of usual ink in the strip, where paper is 0."""

MIN_CONTRAST = 8
"""Gray levels that are raised to ``INK_LEVEL`` at most, so that a blank sheet is not turned into noise."""

PAPER_SIDE = 61
"""Columns of the strip over which the paper's level is averaged."""


@dataclass(frozen=True, eq=False)
class Strip:
    """A line as the reader sees it.

    Attributes:
        pixels: (``ROWS``, W) uint8, paper dark and ink bright.
        left: column of the ink's map where the strip begins.
        scale: columns of the strip for one of the ink's map.
    """

    pixels: Pixels
    left: int
    scale: float

    def column(self, position: float) -> float:
        """Return the column of the ink's map at a column of the strip."""
        return self.left + position / self.scale


def to_strip(picture: Pixels, ink: Floats, digit_rows: float = DIGIT_ROWS) -> Strip:
    """Show a line level, its ink bright and its digits ``DIGIT_ROWS`` high.

    Args:
        picture: (H, W) or (H, W, 3), of either polarity.
        ink: (h, w) from 0 to 255, only that of the line, on a map of the whole picture of any size.
        digit_rows: height of a usual digit in the strip; the reader also learns from others.

    Raises:
        IndexError: there is no ink.
    """
    left, top, width, height = cv2.boundingRect((ink >= 128).view(np.uint8))
    if not width:
        raise IndexError("there is no line to cut out")
    box = ink[top : top + height, left : left + width]
    usual, middle = _usual_height(box)
    slope = _slope(box)
    if slope:
        usual, middle = _usual_height(_sheared(box, slope))
        middle -= max(0.0, slope * width)  # row of the middle at the left end
    scale = digit_rows / usual
    room = round(MARGIN * usual)
    start, end = max(0, left - room), min(ink.shape[1], left + width + room)
    across = min(scale, MAX_WIDTH / (end - start))
    columns = max(MIN_WIDTH, round((end - start) * across))
    # what is cut is larger than the strip, so that it can be leveled
    reach = round(ROWS / 2 / scale + abs(slope) * width) + 2
    center = round(top + middle + slope * width / 2)
    first, last = max(0, center - reach), min(ink.shape[0], center + reach + 1)
    size = columns, max(1, round((last - first) * scale))
    part = _part(picture, ink.shape, (start, first, end, last)).astype(np.float32)
    gray = cv2.resize(part, size, interpolation=_smooth(size[1] / len(part)))  # it may be larger than its map
    inked = cv2.resize(ink[first:last, start:end], size, interpolation=_smooth(scale))
    middle_row = (top + middle - first + slope * (start - left)) * scale
    view = np.array([[1, 0, 0], [-slope * scale / across, 1, ROWS / 2 - middle_row]])
    gray, inked, seen = (
        cv2.warpAffine(each, view, (columns, ROWS), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        for each in (gray, inked, np.ones_like(inked))
    )
    return Strip(_with_usual_contrast(gray, inked, seen > 0.99), start, columns / (end - start))


def _part(picture: Pixels, shape: tuple[int, ...], box: tuple[int, int, int, int]) -> Pixels:
    """Cut a box, given on a map of a picture, out of the picture in gray."""
    down, across = picture.shape[0] / shape[0], picture.shape[1] / shape[1]
    left, top, right, bottom = box
    rows = slice(int(top * down), max(int(top * down) + 1, round(bottom * down)))
    columns = slice(int(left * across), max(int(left * across) + 1, round(right * across)))
    return to_grayscale(np.ascontiguousarray(picture[rows, columns]))


def _smooth(scale: float) -> int:
    return cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR


def _with_usual_contrast(strip: Floats, inked: Floats, seen: np.ndarray) -> Pixels:
    """Turn paper to 0 and usual ink to ``INK_LEVEL``, whichever of both is darker."""
    clear = ((inked < 32) & seen).astype(np.float32)
    side = (min(PAPER_SIDE, strip.shape[1]), 2 * ROWS + 1)
    share = cv2.blur(clear, side, borderType=cv2.BORDER_CONSTANT)
    paper = cv2.blur(clear * strip, side, borderType=cv2.BORDER_CONSTANT) / np.maximum(share, 1e-6)
    fallback = float(np.median(strip[clear > 0])) if clear.any() else float(np.median(strip))
    difference = strip - np.where(share > 0.01, paper, fallback)
    ink = difference[(inked >= 128) & seen]
    level = float(np.median(ink)) if ink.size else -1.0
    level = float(np.copysign(max(abs(level), MIN_CONTRAST), level))
    return np.where(seen, (difference * (INK_LEVEL / level)).clip(0, 255), 0).astype(np.uint8)


def _usual_height(ink: Floats) -> tuple[float, float]:
    """Measure the usual height of the digits of a line and the row of their middle.

    The ink near a column is taken for its digit, so that it does not matter which digits touch; columns count by
    their ink.
    """
    height, width = ink.shape
    inked = ink >= 128
    weights = np.count_nonzero(inked, axis=0).astype(np.float32)
    columns = np.flatnonzero(weights)
    tops = np.argmax(inked[:, columns], axis=0)
    bottoms = height - np.argmax(inked[::-1, columns], axis=0)
    usual, middle = float(height), height / 2
    for _ in range(2):  # the first round does not know the height that the reach depends on
        reach = 2 * round(REACH * usual) + 1
        highest, lowest = np.full((1, width), height, np.float32), np.zeros((1, width), np.float32)
        highest[0, columns], lowest[0, columns] = tops, bottoms
        near = np.ones((1, reach), np.uint8)
        highest, lowest = cv2.erode(highest, near)[0, columns], cv2.dilate(lowest, near)[0, columns]
        usual = max(_quantile(lowest - highest, weights[columns]), height / MAX_LINE_HEIGHT)
    middle = _quantile((lowest + highest) / 2, weights[columns])
    # low zeros may be most of the ink, and the digits beside them must not be cut off
    top, bottom = _quantile(highest, weights[columns], FEW), _quantile(lowest, weights[columns], 1 - FEW)
    usual = max(usual, (bottom - top) * DIGIT_ROWS / ROWS)
    seen = usual * ROWS / DIGIT_ROWS / 2
    return usual, min(max(middle, bottom - seen), top + seen)


def _quantile(values: NDArray, weights: Floats, share: float = 0.5) -> float:
    """Return the value that a share of the weight does not exceed."""
    order = np.argsort(values, kind="stable")
    summed = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(summed, share * summed[-1])])


def _slope(ink: Floats) -> float:
    """Measure by how many rows a line falls for each column, by linear regression of its ink; 0 for a short line."""
    height, width = ink.shape
    if width < 1.5 * height:
        return 0.0
    weights = ink.sum(axis=0)
    heights = np.arange(height) @ ink
    columns = np.arange(width) - (weights @ np.arange(width)) / weights.sum()
    spread = (weights @ columns**2) / weights.sum() + (0.6 * height) ** 2  # the shape of a short line is no slope
    slope = float(np.clip(columns @ heights / weights.sum() / spread, -MAX_SLOPE, MAX_SLOPE))
    return slope if abs(slope) * width >= 1 else 0.0


def _sheared(ink: Floats, slope: float) -> Floats:
    """Shear ink by whole columns until a line of this slope is level."""
    height, width = ink.shape
    room = abs(slope) * width
    shear = np.array([[1, 0, 0], [-slope, 1, slope * width if slope > 0 else 0]], np.float64)
    return cv2.warpAffine(ink, shear, (width, height + int(np.ceil(room)) + 1), flags=cv2.INTER_NEAREST)
