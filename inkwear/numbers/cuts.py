"""Finds where touching digits may be cut: upright and slanted paths from top to bottom through little ink."""

import math
from operator import itemgetter

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwear.preprocess.spec import Floats

CUT_ROWS = 32
"""Rows to which a line is reduced for the search of cuts."""

COURSES = ((0.0, 3), (0.5, 3), (-0.5, 3), (0.0, 8))
"""Slants of cuts in columns a row, as handwriting leans to either side and a 7 or 4 overhangs, and the columns by which
a cut may leave that course to either side, as it does along the bow of a 0."""

SIDE_STEP = 0.1
"""Cost of a step to the side, in ink."""

STEP = 2
"""Columns between the places where cuts are tried."""

MIN_SLICE = 0.3
"""Ink on each side of a cut, in that of an upright stroke as high as the line."""

MIN_DIFFERENCE = 0.2
"""Ink between two cuts, in that of an upright stroke as high as the line."""

MAX_CUT = 4.0
"""Ink that a cut goes through, in strokes; a dearer one goes through a digit."""


def find_cuts(mask: Floats, height: float, stroke: float) -> list[tuple[Floats, float]]:
    """Find where a piece may be cut, ordered by the ink to the left; cuts may cross.

    A drop that falls along the ink and cuts it where it must (Congedo, Dimauro, Impedovo, Pirlo, "Segmentation of
    numeric strings", 1995), but optimal over all rows: dynamic programming, for several slants.

    Args:
        mask: (h, w), 1 where the piece is, else 0.
        height: of the line, in pixels.
        stroke: width of a stroke, in pixels.

    Returns:
        For each cut, (h,) the first column to its right in every row, and its cost: the ink that it goes through, in
        strokes. A piece too low to keep a row when it is reduced, such as a ruled line, has no cuts.
    """
    scale = min(1, CUT_ROWS / height)
    if not round(mask.shape[0] * scale):
        return []
    small = cv2.resize(mask, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else mask
    paths, costs = (
        np.concatenate(each) for each in zip(*(_slanted_paths(small, *course) for course in COURSES), strict=True)
    )
    kept = _different(small, paths, costs, stroke * scale, height * scale)
    rows = (np.arange(mask.shape[0]) + 0.5) * scale - 0.5
    return [
        (np.interp(rows, np.arange(len(small)), paths[index]) / scale, float(costs[index]) / (stroke * scale))
        for index in kept
    ]


def _slanted_paths(ink: Floats, slant: float, reach: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the best paths (n, rows) along a slant, in fractions of columns, and the ink that they go through (n,)."""
    if not slant:
        return _upright_paths(ink, reach)
    rows = len(ink)
    room = abs(slant) * (rows - 1)
    shear = np.array([[1, -slant, room if slant > 0 else 0], [0, 1, 0]], np.float64)
    straight = cv2.warpAffine(ink, shear, (ink.shape[1] + math.ceil(room), rows), flags=cv2.INTER_LINEAR)
    paths, costs = _upright_paths(straight, reach)
    return paths + slant * np.arange(rows) - shear[0, 2], costs


def _different(
    ink: Floats, paths: NDArray[np.float64], costs: NDArray[np.float64], stroke: float, height: float
) -> list[int]:
    """Choose cheap paths that divide the ink differently; return their indices, ordered by the ink to the left."""
    upright = stroke * height
    columns = np.arange(ink.shape[1])
    kept: list[tuple[float, int]] = []
    left: list[Floats] = []
    total = float(ink.sum())
    for index in np.argsort(costs, kind="stable"):
        if costs[index] > MAX_CUT * stroke:
            break
        part = ink * (columns < paths[index][:, None])
        amount = float(part.sum())
        if min(amount, total - amount) < MIN_SLICE * upright:
            continue
        if all(float(np.abs(part - other).sum()) >= MIN_DIFFERENCE * upright for other in left):
            kept.append((amount, int(index)))
            left.append(part)
    return [index for _, index in sorted(kept, key=itemgetter(0))]


def _upright_paths(ink: Floats, reach: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the cheapest path in each overlapping window: columns (n, rows), and the ink that it goes through (n,)."""
    starts = np.arange(STEP, ink.shape[1] - STEP + 1, STEP)
    side = 2 * reach + 1
    padded = np.pad(ink, ((0, 0), (reach, reach)), constant_values=1)
    if not len(starts):
        return np.zeros((0, ink.shape[0])), np.zeros(0)
    upright = 0.01 * np.abs(np.arange(side) - reach) / reach  # breaks ties
    windows = np.stack([padded[:, start : start + side] for start in starts], axis=1).astype(np.float64) + upright
    total, back = windows[0], np.zeros(windows.shape, np.intp)
    sideways = 1.4 * windows + SIDE_STEP
    incoming = np.full((3, *total.shape), np.inf)  # from the left, from above, from the right
    for row in range(1, len(windows)):
        np.add(total[:, :-1], sideways[row, :, 1:], out=incoming[0, :, 1:])
        np.add(total, windows[row], out=incoming[1])
        np.add(total[:, 1:], sideways[row, :, :-1], out=incoming[2, :, :-1])
        back[row] = np.argmin(incoming, axis=0) - 1
        total = incoming.min(axis=0)
    each, column = np.arange(len(starts)), np.argmin(total, axis=1)
    paths = np.zeros((len(starts), len(windows)))
    costs = total[each, column]
    for row in reversed(range(len(windows))):
        paths[:, row] = column + starts - reach
        column = column + back[row][each, column]
    return paths.clip(0, ink.shape[1]), costs
