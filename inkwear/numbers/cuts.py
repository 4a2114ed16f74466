"""Where digits that touch may be parted: paths from top to bottom through little ink, upright and slanted."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwear.preprocess.spec import Floats

CUT_ROWS = 32
"""Rows to which the height of a line is reduced where cuts are looked for."""

COURSES = ((0.0, 3), (0.5, 3), (-0.5, 3), (0.0, 8))
"""Of cuts: columns by which one leans for each row, as handwriting slants to either side and a 7 or 4 overhangs, and
columns by which it may wander from there to either side, as it follows the bow of a 0."""

ASIDE = 0.1
"""Ink that a step to the side is worth."""

STEP = 2
"""Columns from one place where a cut is tried to the next."""

LEAST_SLICE = 0.3
"""Ink of a slice, in that of an upright stroke as high as the line; a cut that leaves less is no use."""

CUTS_APART = 0.2
"""Ink by which two cuts differ, likewise."""

DEAREST_CUT = 4.0
"""Strokes; what takes more goes through a digit."""


def find_cuts(mask: Floats, height: float, stroke: float) -> list[tuple[Floats, float]]:
    """Find where a piece may be cut, from left to right by the ink that lies to the left; cuts may cross.

    A drop that falls along the ink and cuts it where it must (Congedo, Dimauro, Impedovo, Pirlo, "Segmentation of
    numeric strings", 1995), but with the whole way in view: dynamic programming over the rows, for several slants.

    Args:
        mask: (h, w) 1 where the piece is, else 0.
        height: of the line, in pixels.
        stroke: width of a stroke in pixels.

    Returns:
        For each cut, (h,) the first column to its right in every row, and its cost: ink on the way, in strokes. There
        are none through a piece that is too low to keep a row when it is reduced, as a line ruled under a number is.
    """
    scale = min(1, CUT_ROWS / height)
    if not round(mask.shape[0] * scale):
        return []
    small = cv2.resize(mask, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else mask
    paths, costs = (
        np.concatenate(each) for each in zip(*(_leaning(small, *course) for course in COURSES), strict=True)
    )
    kept = _different(small, paths, costs, stroke * scale, height * scale)
    rows = (np.arange(mask.shape[0]) + 0.5) * scale - 0.5
    return [
        (np.interp(rows, np.arange(len(small)), paths[index]) / scale, float(costs[index]) / (stroke * scale))
        for index in kept
    ]


def _leaning(ink: Floats, slant: float, reach: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Paths (n, rows) that follow a slanted course, in columns that need not be whole, and the ink they go through."""
    if not slant:
        return _falls(ink, reach)
    rows = len(ink)
    room = abs(slant) * (rows - 1)
    shear = np.array([[1, -slant, room if slant > 0 else 0], [0, 1, 0]], np.float64)
    straight = cv2.warpAffine(ink, shear, (ink.shape[1] + math.ceil(room), rows), flags=cv2.INTER_LINEAR)
    paths, costs = _falls(straight, reach)
    return paths + slant * np.arange(rows) - shear[0, 2], costs


def _different(
    ink: Floats, paths: NDArray[np.float64], costs: NDArray[np.float64], stroke: float, height: float
) -> list[int]:
    """Choose cheap paths that part the ink in different ways: indices by the ink to the left."""
    upright = stroke * height
    columns = np.arange(ink.shape[1])
    kept: list[int] = []
    left: list[Floats] = []
    amounts: dict[int, float] = {}
    total = float(ink.sum())
    for index in np.argsort(costs, kind="stable"):
        if costs[index] > DEAREST_CUT * stroke:
            break
        part = ink * (columns < paths[index][:, None])
        amount = float(part.sum())
        if min(amount, total - amount) < LEAST_SLICE * upright:
            continue
        if all(float(np.abs(part - other).sum()) >= CUTS_APART * upright for other in left):
            kept.append(int(index))
            left.append(part)
            amounts[int(index)] = amount
    return sorted(kept, key=lambda index: amounts[index])


def _falls(ink: Floats, reach: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The cheapest path in each of many overlapping windows: columns (n, rows), and the ink each goes through (n,)."""
    starts = np.arange(STEP, ink.shape[1] - STEP + 1, STEP)
    side = 2 * reach + 1
    padded = np.pad(ink, ((0, 0), (reach, reach)), constant_values=1)
    if not len(starts):
        return np.zeros((0, ink.shape[0])), np.zeros(0)
    upright = 0.01 * np.abs(np.arange(side) - reach) / reach  # where nothing else decides
    windows = np.stack([padded[:, start : start + side] for start in starts], axis=1).astype(np.float64) + upright
    total, came = windows[0], np.zeros(windows.shape, np.intp)
    asides = 1.4 * windows + ASIDE
    ways = np.full((3, *total.shape), np.inf)  # from the left, from above, from the right
    for row in range(1, len(windows)):
        np.add(total[:, :-1], asides[row, :, 1:], out=ways[0, :, 1:])
        np.add(total, windows[row], out=ways[1])
        np.add(total[:, 1:], asides[row, :, :-1], out=ways[2, :, :-1])
        came[row] = np.argmin(ways, axis=0) - 1
        total = ways.min(axis=0)
    each, column = np.arange(len(starts)), np.argmin(total, axis=1)
    paths = np.zeros((len(starts), len(windows)))
    costs = total[each, column]
    for row in reversed(range(len(windows))):
        paths[:, row] = column + starts - reach
        column = column + came[row][each, column]
    return paths.clip(0, ink.shape[1]), costs
