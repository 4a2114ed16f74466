"""The scene before the camera: sheets and boards, print and dirt on them, and the table below."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from inkwear.preprocess.spec import Floats, Pixels
from training.simulator.chance import Range, Shape, around, between, happens, noise, pick
from training.simulator.glyphs import Glyph, render, scale_of
from training.simulator.placing import Matrix

Segment = tuple[tuple[float, float], tuple[float, float]]
Color = tuple[int, int, int]
Printed = Literal["nothing", "ruled", "squared"]

FRACTION_BITS = 4
"""Fractional bits of OpenCV's coordinates: lines end at sixteenths of a pixel."""

WHITE = 255

LINE_COLORS: tuple[Color, ...] = ((120, 160, 215), (150, 150, 155), (100, 125, 190), (175, 165, 190), (150, 190, 175))
MARGIN_COLOR: Color = (215, 95, 105)
TABLES: tuple[Color, ...] = ((95, 65, 42), (45, 45, 48), (150, 110, 75), (25, 22, 22), (110, 115, 120), (70, 85, 75))


@dataclass(frozen=True)
class Surface:
    """A material to write on.

    Attributes:
        tints: colors, one of which is drawn.
        rough: deviation of brightness from grain to grain, as a fraction.
        smeared: deviation of brightness over a tenth of the picture, such as clouds of chalk.
    """

    tints: tuple[Color, ...]
    rough: Range
    smeared: Range


PAPER = Surface(
    tints=(
        *((236, 236, 234), (242, 240, 236), (225, 228, 232), (245, 240, 225), (215, 215, 212), (200, 203, 206)) * 2,
        *((232, 222, 196), (236, 228, 110), (205, 222, 240), (240, 205, 205), (184, 152, 112)),
    ),
    rough=(0.004, 0.02),
    smeared=(0, 0.015),
)
BLACKBOARD = Surface(
    tints=((38, 62, 50), (44, 46, 46), (30, 48, 40), (52, 60, 70)), rough=(0.03, 0.08), smeared=(0, 0.2)
)
WHITEBOARD = Surface(tints=((232, 236, 238), (222, 226, 228)), rough=(0, 0.003), smeared=(0, 0.02))


def sheet(surface: Surface, shape: Shape, rng: np.random.Generator) -> Floats:
    """Draw an empty sheet or board in even light: (3, H, W) float32 from 0 to 255; planes are faster to process.

    Args:
        surface: the material.
        shape: of the picture.
        rng: draws everything that is left to chance.
    """
    grain = between(rng, (1, 3))
    brightness = 1 + between(rng, surface.rough) * noise(shape, rng, grain)
    brightness += between(rng, surface.smeared) * noise(shape, rng, max(shape) / 8)
    return np.stack([brightness * tint for tint in pick(rng, surface.tints)])


def lay(picture: Floats, cover: Floats, color: Color) -> None:
    """Blend a color over a picture (3, H, W) by its cover, (H, W) from 0 to 1, in place.

    Args:
        picture: (3, H, W), changed.
        cover: (H, W).
        color: red, green and blue.
    """
    for plane, value in zip(picture, color, strict=True):
        plane += cover * (np.float32(value) - plane)


def print_lines(picture: Floats, printed: Printed, glyph: Glyph, view: Matrix, rng: np.random.Generator) -> None:
    """Print lines or squares on the sheet, which a digit sits on or lies across, in place.

    Args:
        picture: (3, H, W).
        printed: what to print.
        glyph: the writing.
        view: from cells to pixels.
        rng: draws spacing, strength and color.
    """
    if printed == "nothing":
        return
    high = glyph.shape[0]
    spacing = high * between(rng, (0.9, 2.2) if printed == "ruled" else (0.45, 1.3))
    reach = 1.2 * max(picture.shape) / scale_of(view)
    spacing = max(spacing, 7 / scale_of(view))  # lines closer than seven pixels would blur to gray
    first = high / 2 + around(rng, 0.15) * high
    steps = np.arange(-np.ceil(reach / spacing), np.ceil(reach / spacing) + 1) * spacing
    lines = [((-reach, first + step), (reach, first + step)) for step in steps]
    if printed == "squared":
        start = between(rng, (0, spacing))
        lines += [((start + step, -reach), (start + step, reach)) for step in steps]
    strength = between(rng, (0.25, 0.8))
    lay(picture, _drawn(lines, _line_width(picture, rng), view, picture) * strength, pick(rng, LINE_COLORS))
    if happens(rng, 0.3):
        left = glyph.shape[1] * between(rng, (-2, -0.7))
        margin = _drawn([((left, -reach), (left, reach))], _line_width(picture, rng), view, picture)
        lay(picture, margin * strength, MARGIN_COLOR)


def _line_width(picture: Floats, rng: np.random.Generator) -> int:
    """Draw a width in pixels: printed lines are 0.2 to 0.5 mm wide, and a picture shows 8 cm or less."""
    return max(1, round(max(picture.shape) / 300 * between(rng, (0.4, 1.6))))


def _drawn(lines: Sequence[Segment], width: int, view: Matrix, picture: Floats) -> Floats:
    """Draw lines between points of the sheet, in cells, as seen in the picture: cover (H, W) from 0 to 1."""
    seen = cv2.perspectiveTransform(np.array(lines, np.float64), view) * 2**FRACTION_BITS
    mask = np.zeros(picture.shape[1:], np.uint8)
    for start, end in np.rint(seen).astype(int).tolist():
        cv2.line(mask, start, end, WHITE, width, cv2.LINE_AA, FRACTION_BITS)
    return mask * np.float32(1 / WHITE)


def show_through(picture: Floats, glyph: Glyph, view: Matrix, rng: np.random.Generator) -> None:
    """Let writing on the back of the sheet shine through, mirrored, blurred and faint, in place.

    Args:
        picture: (3, H, W), changed.
        glyph: the writing.
        view: 3×3 matrix from cells to pixels.
        rng: draws everything that is left to chance.
    """
    faint = between(rng, (0.05, 0.16))
    for _ in range(rng.integers(1, 4)):
        mirrored = Glyph(np.ascontiguousarray(glyph.field[:, ::-1]), glyph.stroke)
        aside = np.eye(3)
        aside[:2, 2] = around(rng, 1.5) * glyph.shape[1], around(rng, 1.2) * glyph.shape[0]
        cover = render(mirrored, view @ aside, picture.shape[1:])
        lay(picture, cv2.GaussianBlur(cover, (0, 0), 1 + glyph.stroke * scale_of(view) / 4) * faint, (70, 70, 90))


def dirty(picture: Floats, stroke: float, rng: np.random.Generator) -> None:
    """Add specks smaller than the pen (``stroke`` pixels wide), and sometimes a stain or an erased line, in place.

    Args:
        picture: (3, H, W), changed.
        stroke: width of the pen in pixels.
        rng: draws everything that is left to chance.
    """
    height, width = picture.shape[1:]
    mask = np.zeros((height, width), np.uint8)
    for _ in range(rng.integers(1, 9)):
        center = (int(rng.integers(width)), int(rng.integers(height)))
        radius = max(0, round(between(rng, (0, 0.25)) * stroke))
        cv2.circle(mask, center, radius, int(rng.integers(40, 170)), -1, cv2.LINE_AA)
    if happens(rng, 0.4):
        ends = rng.integers(0, (width, height), (3, 2)).astype(np.int32)
        cv2.polylines(mask, [ends], False, int(rng.integers(10, 35)), max(1, round(stroke / 3)), cv2.LINE_AA)
    lay(picture, mask * np.float32(1 / WHITE), (60, 55, 50))


def fold(shape: Shape, rng: np.random.Generator) -> Floats:
    """Draw the brightness of a folded sheet: light on one side of the crease, dark on the other, (H, W) about 1."""
    distance = _distance_from_line(shape, rng, around(rng, 0.35))
    width = max(shape) * between(rng, (0.004, 0.02))
    crease = np.exp(-np.abs(distance) / width) * np.sign(distance)
    slope = np.tanh(distance / (0.5 * max(shape)))  # the halves have different angles to the light
    return (1 + between(rng, (0.04, 0.14)) * crease + around(rng, 0.1) * slope).astype(np.float32)


def _distance_from_line(shape: Shape, rng: np.random.Generator, off: float) -> Floats:
    """Draw a line that passes the middle at ``off`` of the picture's size; return the distances from it: (H, W)."""
    height, width = shape
    angle = between(rng, (0, 2 * np.pi))
    y, x = np.ogrid[:height, :width]
    distance = np.cos(angle) * (x - width / 2) + np.sin(angle) * (y - height / 2) - off * min(shape)
    return distance.astype(np.float32)


def lay_on_table(picture: Floats, cover: Floats, rng: np.random.Generator) -> None:
    """Show the table beyond one or two edges of the sheet, but not under the writing, in place.

    Args:
        picture: (3, H, W), changed.
        cover: (H, W), the writing.
        rng: draws everything that is left to chance.
    """
    height, width = cover.shape
    table = np.zeros((height, width), np.float32)
    rows, columns = np.flatnonzero(cover.max(axis=1) > 0), np.flatnonzero(cover.max(axis=0) > 0)
    free = np.array([columns[0] / width, rows[0] / height, 1 - columns[-1] / width, 1 - rows[-1] / height])
    sides = np.argsort(-free)[: 1 + happens(rng, 0.35)]  # the sides with most room
    for side in sides:
        table = np.maximum(table, _beyond(int(side), float(free[side]), (height, width), rng))
    wood = 1 + 0.08 * noise((height, width), rng, max(height, width) / 40)
    for plane, value in zip(picture, pick(rng, TABLES), strict=True):
        plane += table * (wood * value - plane)


def _beyond(side: int, free: float, shape: Shape, rng: np.random.Generator) -> Floats:
    """Draw the area beyond the left, top, right or bottom edge of the sheet (0 to 3): (H, W) from 0 to 1."""
    y, x = np.ogrid[0 : 1 : shape[0] * 1j, 0 : 1 : shape[1] * 1j]
    along, across = (y, x) if side % 2 == 0 else (x, y)
    across = across if side < 2 else 1 - across
    edge = free * between(rng, (0.15, 0.6)) + around(rng, 0.2) * free * (along - 0.5)
    return np.clip((edge - across) * max(shape) / 1.5 + 0.5, 0, 1).astype(np.float32)


def as_pixels(picture: Floats) -> Pixels:
    """Round planes (3, H, W) to pixels (H, W, 3) uint8."""
    return cv2.merge([np.clip(plane + 0.5, 0, WHITE).astype(np.uint8) for plane in picture])
