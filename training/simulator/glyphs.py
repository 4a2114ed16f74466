"""A digit of 28×28 pixels, rewritten with another pen as an outline of any size.

The digit becomes a *distance field*: for every cell of a fine grid, its distance from the edge of the ink, positive
within. A field can be enlarged, turned and seen in perspective, and still has a smooth edge (Green, "Improved
Alpha-Tested Magnification for Vector Textures and Special Effects", 2007).
"""

import math
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwear.preprocess.spec import Floats, Pixels
from training.simulator.chance import Shape, around, between, noise

CELLS = 5
"""Cells of the field per pixel of the data set: a stroke is about 12 cells wide."""

MARGIN = 3
"""Pixels added around the 28×28, as room for a thick pen."""

SMOOTH = 1.4
"""Cells of deviation of the blur that removes the staircase of pixels from the field."""

LEVELS = (110, 80, 50)
"""Gray levels that may separate ink from paper; the highest that tears no stroke apart is taken."""

BLOT = 1.15
"""Ratio to the usual stroke from which ink is a filled loop, which cannot be redrawn as a line."""

EDGE = 2
"""Cells of paper kept around the ink, for a smooth edge."""

FAR = 40.0
"""Cells of distance assumed beyond the field, where there is paper."""


@dataclass(frozen=True)
class Hand:
    """How a person writes a digit.

    Attributes:
        pen: stroke width as a fraction of the digit's height.
        slant: cells to the right per cell upward.
        turn: degrees clockwise.
        wobble: deviation of the lines in cells.
        pressure: fraction by which the stroke gets thinner and thicker along its way.
        corners: error in cells of the straight pieces that a slow mouse draws; 0 draws curves.
        skips: places where the pen nearly leaves the paper.
    """

    pen: float
    slant: float = 0
    turn: float = 0
    wobble: float = 0
    pressure: float = 0
    corners: float = 0
    skips: int = 0


@dataclass(frozen=True)
class Glyph:
    """Written digits: ``field`` (H, W) float32, cells within the ink, cut to the ink; ``stroke`` width in cells."""

    field: Floats
    stroke: float

    @property
    def shape(self) -> Shape:
        height, width = self.field.shape
        return height, width


@dataclass(frozen=True)
class _Trace:
    """The writing in an image: signed distance to the outline, middle line of the strokes, and sizes in cells."""

    inside: Floats
    line: Pixels
    width: float
    height: int


def write(pixels: Pixels, hand: Hand, rng: np.random.Generator) -> Glyph:
    """Rewrite the digit of an image (28, 28) uint8, which keeps its parts and its loops.

    Args:
        pixels: the image.
        hand: how it is written.
        rng: draws everything that is left to chance.
    """
    trace = _trace(pixels)
    target = hand.pen * trace.height
    thin = target < trace.width
    field = _drawn_by_pen(trace, target, hand.corners) if thin else _grown(trace, (target - trace.width) / 2)
    stroke = target if thin else 2 * _half_width(field, trace.line)
    if hand.pressure:
        field += stroke / 2 * hand.pressure * noise(trace.line.shape, rng, 5 * CELLS).clip(-1, 1.5)
    for _ in range(hand.skips):
        field -= _skip(trace.line, stroke, rng)
    field = _bent(field, hand, rng)
    return Glyph(_cut_to_ink(field), stroke)


def random_hand(rng: np.random.Generator, pen: float, turn: float = 8) -> Hand:
    """Draw a hand that writes with a given pen and turns the digit by at most ``turn`` degrees.

    Args:
        rng: draws slant, turn, wobble and pressure.
        pen: stroke width as a fraction of the digit's height.
        turn: largest turn in degrees.
    """
    return Hand(
        pen=pen,
        slant=around(rng, 0.15),
        turn=around(rng, turn),
        wobble=between(rng, (0, 1.2)),
        pressure=between(rng, (0, 0.25)),
    )


def render(glyph: Glyph, view: NDArray[np.float64], shape: Shape, ragged: Floats | float = 0) -> Floats:
    """Render a glyph in a picture: (H, W) float32, the fraction of each pixel that ink covers.

    Args:
        glyph: the writing.
        view: 3×3 matrix from cells, counted from the middle of the glyph, to pixels of the picture.
        shape: of the picture.
        ragged: cells by which the edge is moved outwards, (H, W) or one number.
    """
    height, width = glyph.shape
    matrix = view @ np.array([[1, 0, (1 - width) / 2], [0, 1, (1 - height) / 2], [0, 0, 1]])
    field = cv2.warpPerspective(
        glyph.field, matrix, shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=-FAR
    )
    return np.clip((field + ragged) * scale_of(view) + 0.5, 0, 1)


def scale_of(view: NDArray[np.float64]) -> float:
    """Return the pixels per cell in the middle of the glyph."""
    return math.sqrt(abs(float(np.linalg.det(view[:2, :2] - np.outer(view[:2, 2], view[2, :2])))))


def _trace(pixels: Pixels) -> _Trace:
    solid = _solid(pixels)
    inside = cv2.distanceTransform(solid, cv2.DIST_L2, 5)
    line = _middle_line(solid)
    half = inside[line > 0]
    outside = cv2.distanceTransform(1 - solid, cv2.DIST_L2, 5)
    return _Trace(
        inside=cv2.GaussianBlur(inside - outside, (0, 0), SMOOTH),
        line=line,
        width=2 * float(np.median(half)),
        height=int(np.ptp(np.flatnonzero(solid.any(axis=1)))) + 1,
    )


def _solid(pixels: Pixels) -> Pixels:
    """Return the ink on the fine grid: (S, S) uint8 of 0 and 1."""
    room = cv2.copyMakeBorder(pixels, MARGIN, MARGIN, MARGIN, MARGIN, cv2.BORDER_CONSTANT)
    large = cv2.resize(room, None, fx=CELLS, fy=CELLS, interpolation=cv2.INTER_CUBIC)
    large = cv2.GaussianBlur(large, (0, 0), 0.25 * CELLS)
    if large.max() < LEVELS[0]:
        large = cv2.normalize(large, None, 0, 2 * LEVELS[0], cv2.NORM_MINMAX)
    solids = [(large >= level).astype(np.uint8) for level in LEVELS]
    parts = [cv2.connectedComponents(solid)[0] for solid in solids]
    return solids[parts.index(parts[-1])]


def _middle_line(solid: Pixels) -> Pixels:
    """Thin the ink to lines one cell wide with the same connections (Zhang and Suen 1984)."""
    line, changed = solid.copy(), True
    weights = np.array([[128, 1, 2], [64, 0, 4], [32, 16, 8]], np.uint8)
    while changed:
        changed = False
        for peel in _peels():
            neighbors = cv2.filter2D(line, -1, weights, borderType=cv2.BORDER_CONSTANT)
            removed = cv2.LUT(neighbors, peel) & line
            line ^= removed
            changed |= bool(cv2.countNonZero(removed))
    return line


@cache
def _peels() -> tuple[Pixels, Pixels]:
    """Tell for each set of neighbors, in bits clockwise from the north, whether either half step removes the cell."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    count = bits.sum(axis=1)
    rises = ((bits == 0) & (np.roll(bits, -1, axis=1) == 1)).sum(axis=1)
    north, east, south, west = bits[:, 0], bits[:, 2], bits[:, 4], bits[:, 6]
    edge = (count >= 2) & (count <= 6) & (rises == 1)
    first = edge & (north * east * south == 0) & (east * south * west == 0)
    second = edge & (north * east * west == 0) & (north * south * west == 0)
    return first.astype(np.uint8), second.astype(np.uint8)


def _drawn_by_pen(trace: _Trace, width: float, corners: float) -> Floats:
    """Follow the middle line with a round pen ``width`` cells wide, and keep the blots."""
    line = _straightened(trace.line, corners) if corners else trace.line
    smooth = SMOOTH / 2 if corners else SMOOTH
    distance = cv2.GaussianBlur(cv2.distanceTransform(1 - line, cv2.DIST_L2, 5), (0, 0), smooth)
    half = width / 2
    steepness = math.erf(half / (smooth * math.sqrt(2)))
    blurred = half * steepness + smooth * math.sqrt(2 / math.pi) * math.exp(-(half**2) / (2 * smooth**2))
    pen = (blurred - distance) / np.float32(steepness)  # the blur of |x| at half the width, and its slope there
    return np.maximum(pen, trace.inside - np.float32(BLOT * trace.width / 2))


def _straightened(line: Pixels, off: float) -> Pixels:
    """Replace the middle line by straight pieces at most ``off`` cells away from it."""
    outlines, _ = cv2.findContours(line, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    pieces = [cv2.approxPolyDP(outline, off, closed=True) for outline in outlines]
    return cv2.polylines(np.zeros_like(line), pieces, isClosed=True, color=1)


def _grown(trace: _Trace, growth: float) -> Floats:
    """Move the outline by up to ``growth`` cells, as far as the digit keeps its parts and loops."""
    before = _parts_and_loops(trace.inside > 0)
    for _ in range(8):
        spare = math.copysign(0.3 * CELLS, growth)  # an opening should stay visible
        if _parts_and_loops(trace.inside + growth + spare > 0) == before:
            return trace.inside + np.float32(growth)
        growth *= 0.7
    return trace.inside.copy()


def _parts_and_loops(ink: NDArray[np.bool_]) -> tuple[int, int]:
    mask = ink.astype(np.uint8)
    return cv2.connectedComponents(mask, connectivity=8)[0], cv2.connectedComponents(1 - mask, connectivity=4)[0]


def _half_width(field: Floats, line: Pixels) -> float:
    return max(float(np.median(field[line > 0])), 1)


def _skip(line: Pixels, stroke: float, rng: np.random.Generator) -> Floats:
    """Draw a place where the pen hardly touches the paper: cells to subtract from the field."""
    rows, columns = np.nonzero(line)
    chosen = rng.integers(len(rows))
    y, x = np.ogrid[: line.shape[0], : line.shape[1]]
    squared = (y - rows[chosen]) ** 2 + (x - columns[chosen]) ** 2
    length = between(rng, (0.5, 1)) * CELLS
    return (stroke * between(rng, (0.4, 0.8)) * np.exp(-squared / (2 * length**2))).astype(np.float32)


def _bent(field: Floats, hand: Hand, rng: np.random.Generator) -> Floats:
    """Slant and turn a field about its middle and let its lines wobble, on a larger grid."""
    side = field.shape[0]
    angle, large = math.radians(hand.turn), round(side * 1.25)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    back = np.array([[1, hand.slant], [0, 1]]) @ turn  # from the new field to the old
    y, x = np.meshgrid(*(np.arange(large, dtype=np.float32) - (large - 1) / 2,) * 2, indexing="ij")
    (xx, xy), (yx, yy) = back.astype(np.float32)
    stray = [np.float32(hand.wobble) * noise((large, large), rng, 6 * CELLS) for _ in "xy"]
    middle = np.float32((side - 1) / 2)
    return cv2.remap(
        field,
        xx * x + xy * y + middle + stray[0],
        yx * x + yy * y + middle + stray[1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=-FAR,
    )


def _cut_to_ink(field: Floats) -> Floats:
    """Cut a field to the ink and the paper at its edge; a field without ink stays as it is."""
    near = field > -EDGE
    if not near.any():
        return field
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    return np.ascontiguousarray(field[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
