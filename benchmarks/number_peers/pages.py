"""Simulated pages of several lines of digits that stand apart, drawn in an app or photographed."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from PIL import Image

from inkwear.preprocess.spec import Pixels
from training.simulator import drawings, photographs
from training.simulator.chance import around, between, happens, pick
from training.simulator.glyphs import Glyph
from training.simulator.habits import with_habits
from training.simulator.numbers import SIMILAR, joined, stroke_widths, write_line
from training.simulator.placing import Placing

LINES = (2, 8)
"""Minimum and maximum number of lines."""

DIGITS = (1, 10)
"""Minimum and maximum number of digits of a line."""

MAX_PEN = 0.16
"""Width of the widest pen, as a fraction of a digit's height."""

LEADING = (0.25, 0.9)
"""Range of the mean gap between lines, in heights of the page's median line."""

DRAWN = 0.4
"""Chance that a page is drawn in an app and not photographed."""

SIDE = (700, 1600)
"""Range of the longer side in pixels."""

MIN_ASPECT, MAX_ASPECT = 0.5, 2.0

CANVAS = replace(drawings.MIXED, side=SIDE, square=0, placing=Placing(fill=(0.7, 0.97), astray=0.6), framed=0, mouse=0)
SCENE = replace(
    photographs.MIXED,
    side=SIDE,
    placing=Placing(fill=(0.7, 0.95), astray=0.5, turn=3, tilt=0.05),
    printed=("nothing",),  # the simulator's ruled lines would be as far apart as a page is high
)


def pages(pixels: Pixels, labels: Pixels, count: int, seed: int) -> Iterator[tuple[str, Image.Image]]:
    """Make ``count`` pictures of pages, each with the digits of all lines in reading order.

    Args:
        pixels: (N, 28, 28) uint8, as stored.
        labels: (N,) integers.
        count: of pictures.
        seed: with the index of a picture it decides everything.
    """
    pixels = with_habits(pixels, labels, seed)
    by_stroke = np.argsort(stroke_widths(pixels), kind="stable")
    window = max(1, round(SIMILAR * len(by_stroke)))
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        one_hand = by_stroke[rng.integers(len(by_stroke) - window + 1) :][:window]
        lengths = rng.integers(DIGITS[0], DIGITS[1] + 1, size=rng.integers(LINES[0], LINES[1] + 1))
        lines = [rng.choice(one_hand, length) for length in lengths]
        digits = "".join(str(label) for line in lines for label in labels[line])
        yield digits, page([pixels[line] for line in lines], rng)


def page(lines: list[Pixels], rng: np.random.Generator) -> Image.Image:
    """Write lines of digits, each (k, 28, 28) uint8, one under the other and draw or photograph them."""
    if happens(rng, DRAWN):
        glyph = write_page(lines, between(rng, (0.03, MAX_PEN)), rng)
        return drawings.draw_glyph(glyph, rng, replace(CANVAS, aspect=_aspect(glyph, rng)))
    medium = pick(rng, SCENE.media)
    glyph = write_page(lines, min(between(rng, medium[1].pen), MAX_PEN), rng)
    return photographs.photograph_glyph(glyph, medium, rng, replace(SCENE, aspect=_aspect(glyph, rng)))


def write_page(lines: list[Pixels], pen: float, rng: np.random.Generator) -> Glyph:
    """Write lines with one pen, starting at one margin or ending at it, or in the middle.

    Args:
        lines: the digits of each, (k, 28, 28) uint8.
        pen: stroke width as a fraction of a digit's height.
        rng: draws everything else.
    """
    written = [write_line(line, pen, rng, touching=False) for line in lines]
    high = float(np.median([glyph.shape[0] for glyph in written]))
    widest = max(glyph.shape[1] for glyph in written)
    gap, margin, top = between(rng, LEADING) * high, pick(rng, (0, 0, 0, 0.5, 1)), 0.0
    places = []
    for glyph in written:
        left = margin * (widest - glyph.shape[1]) + around(rng, 0.3) * high
        places.append((round(top), round(left)))
        top += glyph.shape[0] + between(rng, (0.7, 1.3)) * gap
    return Glyph(joined([glyph.field for glyph in written], places), float(np.median([g.stroke for g in written])))


def _aspect(glyph: Glyph, rng: np.random.Generator) -> tuple[float, float]:
    """Return a width to height of the picture that does not leave most of it empty, as both ends of a range."""
    height, width = glyph.shape
    aspect = float(np.clip(width / height * between(rng, (0.7, 1.4)), MIN_ASPECT, MAX_ASPECT))
    return aspect, aspect
