"""Digits as they are written outside of the United States, where the data set comes from.

Elsewhere children learn a 1 with a flag and a 7 with a bar, which a network that knows only MNIST reads as a 7 and a 4.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwear.preprocess.spec import Floats, Pixels
from training.simulator.chance import around, between, happens

INK = 100
"""Gray level from which a pixel of the data set counts as ink."""

FLAGS, FEET, BARS, HOOKS = 0.35, 0.1, 0.3, 0.15
"""Chances that a plain 1 gets a flag, and with it a foot; that a 7 gets a bar, or a hook at its left end."""

FLAG, BESIDE = (25, 60), 20
"""Degrees: range of a flag's fall to the left, and its smallest angle to the stem."""

FINE = 4
"""Fractional bits of the coordinates of lines (``shift`` of ``cv2.line``)."""

Point = NDArray[np.float64]
"""x, y in pixels."""


def with_habits(pixels: Pixels, labels: NDArray, seed: int) -> Pixels:
    """Give some ones flags and feet and some sevens bars and hooks: (N, 28, 28) uint8 and (N,) -> the same shape.

    The change of an image depends on ``seed`` and its index alone.

    Args:
        pixels: the images.
        labels: their digits.
        seed: decides which images change, and how.
    """
    habits = {1: _one, 7: _seven}
    changed = pixels.copy()
    for index in np.flatnonzero(np.isin(labels, list(habits))):
        changed[index] = habits[int(labels[index])](changed[index], np.random.default_rng([seed, int(index), 1]))
    return changed


def _one(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Add a flag at the top, and sometimes a foot, unless the image has more than a stem already."""
    ink = image >= INK
    rows = np.flatnonzero(ink.any(axis=1))
    if len(rows) < 8 or not happens(rng, FLAGS):
        return image
    top, bottom = _middle(ink, rows[0] + 1), _middle(ink, rows[-1] - 1)
    stem = bottom - top
    height = float(np.linalg.norm(stem))
    width = 0.8 * ink.sum() / height
    if width > 4 or _distance(ink, top, bottom).max() > width + 1:
        return image
    upright = math.degrees(math.atan2(stem[1], -stem[0]))
    if upright < FLAG[0] + 2 * BESIDE:
        return image  # a flag would be a roof
    falls = math.radians(between(rng, (FLAG[0], min(FLAG[1], upright - BESIDE))))
    length = between(rng, (0.15, 0.4)) * height
    image = _line(image, top, top + length * np.array([-math.cos(falls), math.sin(falls)]), width)
    if happens(rng, FEET):
        along = np.array([between(rng, (0.15, 0.3)) * height, around(rng, 1)])
        image = _line(image, bottom - along, bottom + along, width)
    return image


def _seven(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Add a bar across the stem, or a hook that hangs from the left end of the roof."""
    ink = image >= INK
    rows = np.flatnonzero(ink.any(axis=1))
    height = len(rows)
    if height < 12:
        return image
    row = rows[0] + round(between(rng, (0.42, 0.62)) * height)
    width = _stem(ink[row])
    if width and happens(rng, BARS):
        middle, rises = _middle(ink, row), math.radians(around(rng, 20))
        along = between(rng, (0.15, 0.3)) * height * np.array([math.cos(rises), -math.sin(rises)])
        return _line(image, middle - along, middle + along, 0.8 * min(width, 4))
    if width and happens(rng, HOOKS):
        left = np.flatnonzero(ink.any(axis=0))[0] + 1
        end = np.array([left, np.flatnonzero(ink[:, left]).mean()])
        down = np.array([around(rng, 1.5), between(rng, (0.12, 0.28)) * height])
        if end[1] < rows[0] + height / 3:
            return _line(image, end, end + down, 0.8 * min(width, 4))
    return image


def _stem(row: NDArray[np.bool_]) -> int:
    """Return the pixels of ink in a row if they are in one piece, as in a stem; otherwise 0."""
    columns = np.flatnonzero(row)
    return len(columns) if len(columns) and columns[-1] - columns[0] < min(len(columns), 6) else 0


def _middle(ink: NDArray[np.bool_], row: int) -> Point:
    return np.array([np.flatnonzero(ink[row]).mean() if ink[row].any() else ink.shape[1] / 2, row], float)


def _distance(ink: NDArray[np.bool_], start: Point, end: Point) -> Floats:
    """Return the distances of the pixels of ink from a straight line, in pixels."""
    y, x = np.nonzero(ink)
    along = (end - start) / np.linalg.norm(end - start)
    return np.abs((x - start[0]) * along[1] - (y - start[1]) * along[0]).astype(np.float32)


def _line(image: Pixels, start: Point, end: Point, width: float) -> Pixels:
    """Draw a line with round ends, ``width`` pixels wide, over an image."""
    scale = 4
    large = np.zeros([side * scale for side in image.shape], np.uint8)
    a, b = (np.rint((point + 0.5) * scale * 2**FINE).astype(int).tolist() for point in (start, end))
    cv2.line(large, a, b, 255, max(1, round(width * scale)), cv2.LINE_AA, FINE)
    return np.maximum(image, cv2.resize(large, image.shape[::-1], interpolation=cv2.INTER_AREA))
