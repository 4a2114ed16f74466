"""Erasing the ruled lines of a sheet: straight lines from border to border, but not the ink that crosses them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwear.preprocess.spec import Floats

MAX_TILT = 20
"""Degrees by which ruled lines may be off the horizontal or the vertical."""

MIN_SHARE = 0.45
"""Share of the picture along which a ruled line shows at least; the rest may be hidden, or lie on a table."""

MIN_LONE_SHARE = 0.8
"""Share of the picture along which a single line shows at least."""

MIN_VOTES = 0.3
"""Share of the picture that must vote for a line in Hough's transform, which knows no bent lines."""

REACH = 7
"""Pixels to either side of a line that are examined."""

MAX_HALF_WIDTH = 4
"""Pixels that a ruled line may extend to either side of its middle."""

PIECES = 12
"""Pieces into which a line is cut to follow its bends."""

MAX_LINES = 60
"""Lines of one direction; squared paper with more leaves no digit large enough to be read."""

INK_TO_LINE = 1.6
"""Ratio of contrasts from which ink on a line is told from the line; weaker ink must show on both sides of it."""


@dataclass(frozen=True)
class Band:
    """A ruled line and its surroundings.

    Attributes:
        rows, columns: (2·REACH + 1, w), places of the pixels around the line.
        top, bottom: the line's own rows of these, from ``top`` up to but not including ``bottom``.
        strength: contrast of the line.
        share: share of its length along which it shows.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    top: int
    bottom: int
    strength: float
    share: float


def erase_ruled_lines(contrast: Floats, threshold: float) -> tuple[Floats, int]:
    """Erase straight thin lines that cross the picture, but not the ink that crosses them.

    Args:
        contrast: (H, W) from 0 to 255.
        threshold: contrast below which everything is noise.

    Returns:
        contrast: without the lines.
        count: how many were erased.
    """
    bare = contrast.copy()
    bands = [
        (seen, band)
        for seen in (lambda plane: plane, np.transpose)  # views, so erasing in one erases in the other
        for band in _find_bands(seen(contrast), threshold)
    ]
    for seen, band in bands:
        _blank(seen(bare), band)
    restored = bare.copy()
    for seen, band in bands:
        _restore(seen(restored), seen(bare), seen(contrast), band, threshold)
    return restored, len(bands)


def _find_bands(contrast: Floats, threshold: float) -> list[Band]:
    """Find nearly horizontal lines; a single one must cross nearly all of the picture, as it may be a long 1."""
    found = [_measure(contrast, line, threshold) for line in _find_lines(contrast, threshold)]
    bands = [band for band in found if band is not None]
    return bands if len(bands) > 1 else [band for band in bands if band.share >= MIN_LONE_SHARE]


def _find_lines(contrast: Floats, threshold: float) -> list[NDArray]:
    """Find nearly horizontal lines by Hough's transform; each is given by its row in every column, (W,)."""
    height, width = contrast.shape
    half = cv2.resize(contrast, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA)
    found = cv2.HoughLines(
        (half >= 0.7 * threshold).astype(np.uint8),
        1,
        np.pi / 360,
        round(MIN_VOTES * half.shape[1]),
        min_theta=np.radians(90 - MAX_TILT),
        max_theta=np.radians(90 + MAX_TILT),
    )
    if found is None:
        return []
    rho, theta = found[: 20 * MAX_LINES, 0].T.astype(np.float64)[..., None]
    left, slope = (2 * rho + 0.5) / np.sin(theta), -1 / np.tan(theta)
    ends = left + slope * [0, width - 1]
    kept = _apart(ends)
    return list(left[kept] + slope[kept] * np.arange(width))


def _apart(ends: NDArray[np.float64]) -> list[int]:
    """Choose lines that nowhere come near a better one.

    Args:
        ends: (n, 2) rows of the lines' ends, the best line first.

    Returns:
        Indices into ``ends``.
    """
    kept: list[int] = []
    rest = np.arange(len(ends))
    while len(rest) and len(kept) < MAX_LINES:
        kept.append(int(rest[0]))
        gaps = ends[rest] - ends[rest[0]]
        cross = gaps[:, 0] * gaps[:, 1] <= 0
        rest = rest[~cross & (np.abs(gaps) > REACH).all(axis=1)]
    return kept


def _measure(contrast: Floats, line: NDArray, threshold: float) -> Band | None:
    """Measure the width and the strength of a line; None where it is no ruled line."""
    if not _crosses_picture(line, contrast.shape[0]):
        return None
    rows, columns = _around(_follow(contrast, line), contrast.shape)
    strip = contrast[rows, columns]
    middle = strip[REACH - 1 : REACH + 2].max(axis=0)
    showing = middle >= 0.6 * threshold
    if not _comes_from_border(showing) or showing.mean() < MIN_SHARE:
        return None
    strength = float(np.median(middle[showing]))
    profile = np.median(strip[:, showing], axis=1)
    body = np.flatnonzero(profile >= max(0.35 * profile.max(), 1))
    if not len(body):
        return None
    top, bottom = int(body[0]) - 1, int(body[-1]) + 2
    if bottom - top - 2 > 2 * MAX_HALF_WIDTH + 1 or top < 1 or bottom > 2 * REACH:
        return None
    return Band(rows, columns, top, bottom, strength, float(showing.mean()))


def _crosses_picture(line: NDArray, height: int) -> bool:
    """Whether a line has a pixel in the picture; Hough's transform may miss by the one row that a picture has."""
    return bool(((line >= 0) & (line <= height - 1)).any())


def _comes_from_border(showing: NDArray[np.bool_]) -> bool:
    """Whether a line shows at one end of the picture at least; the other end may be a table."""
    end = max(3, len(showing) // 40)
    if not len(showing):
        return False
    return max(showing[:end].mean(), showing[-end:].mean()) >= 0.5


def _blank(contrast: Floats, band: Band) -> None:
    """Erase a line in place, except pixels that are much stronger."""
    own = band.rows[band.top : band.bottom], band.columns[band.top : band.bottom]
    contrast[own] *= contrast[own] >= INK_TO_LINE * band.strength


def _restore(restored: Floats, bare: Floats, contrast: Floats, band: Band, threshold: float) -> None:
    """Restore in place what was erased between ink above and ink below a line; other lines are no ink."""
    above, below = (
        cv2.dilate(
            (bare[band.rows[row], band.columns[row]] >= threshold).astype(np.uint8)[None],
            np.ones((1, band.bottom - band.top + 1), np.uint8),
        )
        for row in (band.top - 1, band.bottom)
    )
    rows, between = np.nonzero(np.repeat(above & below, band.bottom - band.top, axis=0))
    own = band.rows[rows + band.top, between], band.columns[rows + band.top, between]
    restored[own] = contrast[own]


def _follow(contrast: Floats, line: NDArray) -> NDArray:
    """Move a line to its darkest rows, piece by piece, as lenses and paper bend it: (W,) rows."""
    rows, columns = _around(line, contrast.shape)
    strip = contrast[rows, columns]
    strip = np.minimum(strip, 1.2 * np.median(strip.max(axis=0)))  # ink beside the line must not attract it
    pieces = cv2.resize(strip, (PIECES, 2 * REACH + 1), interpolation=cv2.INTER_AREA)
    offsets = pieces.argmax(axis=0) - REACH
    middles = np.linspace(-1, 1, PIECES)
    kept = np.ones(PIECES, bool)
    for _ in range(3):
        x, y = middles[kept], offsets[kept]
        x_mean, y_mean = x.sum() / len(x), y.sum() / len(y)
        slope = (x - x_mean) @ (y - y_mean) / max((x - x_mean) @ (x - x_mean), 1e-9)
        bend = y_mean + slope * (middles - x_mean)
        off = np.abs(offsets - bend)
        kept = off <= np.median(off) + 0.5
    return line + np.linspace(bend[0], bend[-1], len(line))


def _around(line: NDArray, shape: tuple[int, ...]) -> tuple[NDArray, NDArray]:
    """Rows and columns, (2·REACH + 1, w) each, of the pixels near a line, where the line is inside the picture."""
    columns = np.flatnonzero((line >= 0) & (line <= shape[0] - 1))
    rows = np.rint(line[columns])[None, :] + np.arange(-REACH, REACH + 1)[:, None]
    return rows.clip(0, shape[0] - 1).astype(int), np.broadcast_to(columns, rows.shape)
