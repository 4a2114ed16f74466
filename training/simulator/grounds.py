"""Gray grounds that digits stand on: plain, patterned and printed paper, boxes, margins and what enters from outside.

Every function draws on (H, W) float32 gray levels in place or returns a new ground; ``height`` is that of a usual digit
in pixels, which patterns are scaled by. Two cores learn from hundreds of such pictures a second, so each takes only a
few operations on whole pictures.
"""

import math
from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np

from inkwear.preprocess.spec import Floats, Pixels
from training.simulator.chance import BANK, Range, Shape, around, between, happens, noise, pick

Ruling = Literal["one", "ruled", "squared", "table"]
"""One line near the baseline or above, lines on the whole sheet, squares, or lines with columns."""

WHITE = 255

FRACTION_BITS = 4
"""Fractional bits of OpenCV's coordinates: lines end at sixteenths of a pixel."""


def plain(shape: Shape, height: float, rng: np.random.Generator) -> Floats:
    """Draw a sheet with grain and in uneven light.

    Args:
        shape: of the picture.
        height: of a usual digit in pixels.
        rng: draws everything else.
    """
    level = between(rng, (120, 250)) if happens(rng, 0.8) else between(rng, (60, 160))
    ground = np.full(shape, level, np.float32)
    if happens(rng, 0.7):
        ground += between(rng, (0.5, 7)) * grain(shape, rng, between(rng, (1, 3)))
    if happens(rng, 0.4):
        ground += between(rng, (1, 14)) * grain(shape, rng, between(rng, (0.3, 2)) * height)
    return ground


def grain(shape: Shape, rng: np.random.Generator, size: float) -> Floats:
    """Return noise of mean 0 and deviation about 1; none for a picture that is larger than the bank of noise.

    Args:
        shape: of the picture.
        rng: draws the noise.
        size: of a grain in pixels.
    """
    if max(shape) >= BANK:
        return np.zeros(shape, np.float32)
    return noise(shape, rng, max(1.0, size))


def shade(ground: Floats, rng: np.random.Generator) -> None:
    """Lay a slope of light, and sometimes a shadow with a soft or a hard edge, over a picture."""
    height, width = ground.shape
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    if happens(rng, 0.5):
        ground *= 1 + np.float32(around(rng, 0.3)) * x + np.float32(around(rng, 0.2)) * y
    if happens(rng, 0.35):
        angle = between(rng, (0, 2 * math.pi))
        distance = np.float32(math.cos(angle)) * x + np.float32(math.sin(angle)) * y - np.float32(around(rng, 0.8))
        if happens(rng, 0.6):  # that of a hand or a head has a round edge
            size = between(rng, (0.15, 0.6)) * max(height, width)
            distance = distance + np.float32(between(rng, (0.1, 0.6))) * grain((height, width), rng, size)
        sharp = math.exp(between(rng, (math.log(1), math.log(60))))
        ground *= 1 - np.float32(between(rng, (0.1, 0.55))) / (1 + np.exp((-sharp * distance).clip(-30, 30)))


def security_print(ground: Floats, height: float, contrast: float, rng: np.random.Generator) -> None:
    """Print what cheques and certificates carry: waves, meshes, rosettes, dots or rows of tiny letters.

    Args:
        ground: gray levels, changed.
        height: of a usual digit in pixels.
        contrast: of the ink in gray levels, which the print stays below.
        rng: draws everything else.
    """
    rows, columns = ground.shape
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    for layer in range(rng.integers(1, 4)):
        strength = between(rng, (0.04, 0.5)) ** 1.2 * contrast / (1 + layer)
        spacing = max(2.2, between(rng, (0.08, 0.45)) * height)
        frequency = np.float32(2 * math.pi / spacing)
        angle = pick(rng, (0.0, around(rng, 0.3), between(rng, (0, math.pi))))
        along, across = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
        kind = rng.integers(5)
        if kind <= 1:  # waves
            long, high = between(rng, (0.5, 8)) * height, between(rng, (0, 1.2)) * spacing
            across = across + high * np.sin(along * np.float32(2 * math.pi / long) + between(rng, (0, 6)))
            if happens(rng, 0.5):
                long = between(rng, (2, 12)) * height
                across += between(rng, (0, 3)) * spacing * np.sin(along * np.float32(2 * math.pi / long))
            value = np.cos(across * frequency)
        elif kind == 2:  # rings about a point, in or out of the picture
            radius = np.hypot(y - around(rng, 3) * height - rows / 2, x - around(rng, 6) * height - columns / 2)
            value = np.cos(radius * frequency)
            if happens(rng, 0.5):
                turn = np.arctan2(y - rows / 2, x - columns / 2)
                value = np.cos(radius * frequency + 3 * np.sin(rng.integers(3, 12) * turn))
        elif kind == 3:  # dots
            value = np.cos(across * frequency) + np.cos(along * frequency) - 1
        else:  # letters too small to read
            small = grain((rows, columns), rng, max(1, 0.08 * height))
            value = np.where(np.cos(across * frequency) > 0, small, 0)
        ground -= strength * np.clip(value * between(rng, (1, 4)) - between(rng, (0, 0.6)), 0, 1).astype(np.float32)


def rule(ground: Floats, height: float, base: float, rng: np.random.Generator, kind: Ruling) -> None:
    """Print lines on the paper.

    Args:
        ground: gray levels, changed.
        height: of a usual digit in pixels.
        base: row of the baseline.
        rng: draws everything else.
        kind: of lines.
    """
    rows, columns = ground.shape
    mask = np.zeros(ground.shape, np.uint8)
    slope = around(rng, 0.3 if happens(rng, 0.4) else 0.04) * columns
    thick = max(1, round(between(rng, (0.015, 0.12)) * height))

    def across(row: float) -> None:
        _draw(mask, (0, row - slope / 2), (columns, row + slope / 2), thick)

    def down(column: float) -> None:
        lean = slope / columns * rows
        _draw(mask, (column + lean / 2, 0), (column - lean / 2, rows), thick)

    if kind == "one":
        below = happens(rng, 0.8)
        across(base + (between(rng, (-0.12, 0.5)) if below else -between(rng, (0.9, 1.4))) * height)
    else:
        spacing = max(5.0, between(rng, (0.3, 1.2) if kind == "squared" else (0.9, 2.4)) * height)
        first = base + between(rng, (-0.1, 0.4)) * height
        reach = math.ceil((rows + abs(slope)) / spacing) + 1
        for step in range(-reach, reach + 1):
            across(first + step * spacing)
    if kind in ("squared", "table"):
        spacing = spacing if kind == "squared" else between(rng, (1.5, 8)) * height
        start = between(rng, (0, spacing))
        reach = math.ceil((columns + rows) / spacing)
        for step in range(-reach, reach + 1):
            down(start + step * spacing)
    strength = between(rng, (0.15, 1))
    _print(ground, mask, strength, between(rng, (10, 170)))


def boxes(ground: Floats, walls: Sequence[float], lines: Range, height: float, rng: np.random.Generator) -> None:
    """Print a row of boxes, a comb, or a part of a grid with some thick lines.

    Args:
        ground: gray levels, changed.
        walls: columns of the walls.
        lines: rows of the lines above and below.
        height: of a usual digit in pixels.
        rng: draws everything else.
    """
    mask = np.zeros(ground.shape, np.uint8)
    rows, columns = ground.shape
    top, bottom = lines
    thin = max(1, round(between(rng, (0.015, 0.08)) * height))
    comb, grid = happens(rng, 0.2), happens(rng, 0.4)
    start, end = (-rows, 2 * rows) if grid else (top, bottom)
    for index, wall in enumerate(walls):
        thick = thin * (3 if grid and index % 3 == 0 and happens(rng, 0.7) else 1)
        lean = around(rng, 0.02) * height
        upper = bottom - between(rng, (0.2, 0.5)) * height if comb else start
        _draw(mask, (wall + lean, upper), (wall - lean, end), thick)
    left, right = (0, columns) if grid else (walls[0], walls[-1])
    for row in (bottom,) if comb else (top, bottom):
        thick = thin * (3 if grid and happens(rng, 0.3) else 1)
        lean = around(rng, 0.02) * height
        _draw(mask, (left, row - lean), (right, row + lean), thick)
    strength = between(rng, (0.3, 1))
    if happens(rng, 0.12):  # tinted boxes
        inside = np.s_[max(0, round(top)) : max(0, round(bottom)), max(0, round(walls[0])) : max(0, round(walls[-1]))]
        ground[inside] *= between(rng, (0.75, 0.95))
    _print(ground, mask, strength, between(rng, (5, 150)))


def _draw(mask: Pixels, start: tuple[float, float], end: tuple[float, float], thick: int) -> None:
    """Draw a line between points x, y of a mask."""
    a, b = ((round(x * 2**FRACTION_BITS), round(y * 2**FRACTION_BITS)) for x, y in (start, end))
    cv2.line(mask, a, b, WHITE, thick, cv2.LINE_AA, FRACTION_BITS)


def _print(ground: Floats, mask: Pixels, strength: float, level: float) -> None:
    """Blend ink of a gray level over the ground, where that is brighter."""
    ground += mask.astype(np.float32) * np.float32(strength / WHITE) * np.minimum(level - ground, 0)


def edge(ground: Floats, free: Sequence[float], rng: np.random.Generator) -> None:
    """Show a table, the next box or the dark end of a scan beyond one or more sides.

    Args:
        ground: gray levels, changed.
        free: pixels without ink at the left, the top, the right and the bottom.
        rng: draws everything else.
    """
    rows, columns = ground.shape
    for side in rng.permutation(4)[: rng.integers(1, 4)]:
        reach = free[side] * between(rng, (0.1, 0.9))
        if reach < 1:
            continue
        y, x = np.ogrid[:rows, :columns]
        lean = around(rng, 0.05)
        place = (x + lean * y, y + lean * x, columns - 1 - x + lean * y, rows - 1 - y + lean * x)[side]
        beyond = np.clip(reach - place.astype(np.float32), 0, 1) * np.ones(ground.shape, np.float32)
        level = between(rng, (0, 110)) if happens(rng, 0.75) else between(rng, (110, 255))
        rough = 1 + between(rng, (0, 0.15)) * grain(ground.shape, rng, between(rng, (1, 8)))
        ground += beyond * (level * rough - ground)


def letterbox(picture: Floats, rng: np.random.Generator) -> tuple[Floats, tuple[int, int]]:
    """Surround a finished picture by even margins, blurred copies of itself or two bars; return it and its corner."""
    rows, columns = picture.shape
    most = between(rng, (0.02, 0.5)) * max(rows, columns)
    sides = [round(most * between(rng, (0.6, 1))) if happens(rng, 0.75) else 0 for _ in range(4)]
    left, top, right, bottom = sides
    shape = (rows + top + bottom, columns + left + right)
    draw = rng.random()
    if draw < 0.2:
        framed = cv2.GaussianBlur(cv2.resize(picture, shape[::-1]), (0, 0), 0.05 * max(shape))
    else:
        level = 255.0 if draw < 0.45 else 0.0 if draw < 0.75 else between(rng, (0, 255))
        framed = np.full(shape, level, np.float32)
    framed[top : top + rows, left : left + columns] = picture
    return framed, (left, top)
