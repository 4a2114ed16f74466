"""Numbers of several digits on one line, drawn in an app or photographed."""

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkwear.preprocess.spec import Floats, Pixels
from training.simulator import drawings, photographs
from training.simulator.chance import around, between, happens, pick
from training.simulator.glyphs import CELLS, FAR, Glyph, Hand, random_hand, write
from training.simulator.habits import with_habits
from training.simulator.placing import Placing

LENGTHS = (2, 8)
"""Minimum and maximum number of digits."""

SIMILAR = 0.3
"""Share of a data set, nearest in stroke width, that the digits of one number come from, as if by one pen."""

WIDTH = 0.65
"""Width of a digit as a fraction of its height, also for a 1, which is given as much room as other digits."""

GAPS = (0.15, 1.1)
"""Range of a writer's mean gap, in widths of a digit."""

MAX_OVERLAP = 4
"""Pixels of the data set by which neighbors overlap."""

LINE_ON_CANVAS = Placing(fill=(0.6, 0.97), astray=0.6)
LINE_IN_PHOTO = Placing(fill=(0.6, 0.95), astray=0.5, turn=5, tilt=0.05)


def numbers(
    pixels: Pixels, labels: NDArray, count: int, seed: int, touching: bool
) -> Iterator[tuple[str, Image.Image]]:
    """Make ``count`` pictures of numbers, each with its digits as a string.

    Args:
        pixels: (N, 28, 28) uint8, as stored.
        labels: (N,) integers.
        count: of pictures.
        seed: with the index of a picture it decides everything.
        touching: whether some neighbors touch or overlap; otherwise all stand apart.
    """
    pixels = with_habits(pixels, labels, seed)
    by_stroke = np.argsort(stroke_widths(pixels), kind="stable")
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        chosen = choose(by_stroke, rng)
        yield "".join(str(label) for label in labels[chosen]), number(pixels[chosen], rng, touching)


def choose(by_stroke: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw the indices of a number's digits among those of similar stroke width."""
    window = max(1, round(SIMILAR * len(by_stroke)))
    first = rng.integers(len(by_stroke) - window + 1)
    return by_stroke[first + rng.integers(window, size=rng.integers(LENGTHS[0], LENGTHS[1] + 1))]


def stroke_widths(pixels: Pixels) -> Floats:
    """Estimate the stroke widths of images (N, 28, 28) in pixels: twice the area, divided by the outline."""
    ink = pixels >= 128
    edges = sum(np.count_nonzero(ink != np.roll(ink, 1, axis), axis=(1, 2)) for axis in (1, 2))
    return (2 * np.count_nonzero(ink, axis=(1, 2)) / np.maximum(edges, 1)).astype(np.float32)


def number(pixels: Pixels, rng: np.random.Generator, touching: bool) -> Image.Image:
    """Write the digits of images (k, 28, 28) uint8 on one line and draw or photograph that.

    Args:
        pixels: the digits from left to right.
        rng: draws everything.
        touching: whether some neighbors touch or overlap; otherwise all stand apart.
    """
    if happens(rng, 0.4):
        canvas = replace(
            drawings.MIXED, square=0.15, aspect=(1.2, 5), placing=LINE_ON_CANVAS, side=(360, 1000), framed=0, mouse=0
        )
        glyph = write_line(pixels, between(rng, (0.03, 0.16)), rng, touching)
        return drawings.draw_glyph(glyph, rng, canvas)
    scene = replace(photographs.MIXED, side=(360, 1000), aspect=(1.2, 5), placing=LINE_IN_PHOTO)
    medium = pick(rng, scene.media)
    glyph = write_line(pixels, min(between(rng, medium[1].pen), 0.16), rng, touching)
    return photographs.photograph_glyph(glyph, medium, rng, scene)


def write_line(pixels: Pixels, pen: float, rng: np.random.Generator, touching: bool) -> Glyph:
    """Write digits side by side with one pen, in one hand; sizes, baseline and gaps vary a little.

    Args:
        pixels: (k, 28, 28) uint8, the digits from left to right.
        pen: stroke width as a fraction of a digit's height.
        rng: draws everything else.
        touching: whether some neighbors touch or overlap; otherwise all stand apart.
    """
    hand = replace(random_hand(rng, pen, turn=4), pressure=between(rng, (0, 0.15)))
    fields = [_resized(write(digit, _varied(hand, rng), rng).field, 1 + around(rng, 0.15)) for digit in pixels]
    high = float(np.median([field.shape[0] for field in fields]))
    gap, slope, left = between(rng, GAPS) * WIDTH * high, around(rng, 0.06), 0.0
    places: list[tuple[int, int]] = []
    contacts = _contacts(len(fields) - 1, rng) if touching else [False] * (len(fields) - 1)
    for index, field in enumerate(fields):
        if index:
            left += _advance(fields[index - 1], field, 0 if contacts[index - 1] else gap, pen * high, rng)
        places.append((round(slope * left + around(rng, 0.08) * high) - field.shape[0], round(left)))
    return Glyph(joined(fields, places), pen * high)


def _varied(hand: Hand, rng: np.random.Generator) -> Hand:
    return replace(hand, slant=hand.slant + around(rng, 0.04), turn=hand.turn + around(rng, 3))


def _resized(field: Floats, scale: float) -> Floats:
    """Scale a digit and its distances."""
    return cv2.resize(field, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR) * np.float32(scale)


def _contacts(gaps: int, rng: np.random.Generator) -> list[bool]:
    """Draw which neighbors touch: one pair for certain, the others by chance."""
    contacts = (rng.random(gaps) < 0.35).tolist()
    contacts[rng.integers(gaps)] = True
    return contacts


def _advance(before: Floats, after: Floats, gap: float, stroke: float, rng: np.random.Generator) -> float:
    """Return the cells between the left edges of two digits, about ``gap`` apart, or touching where that is 0."""
    if gap:
        return before.shape[1] + between(rng, (0.6, 1.4)) * gap
    overlap = min(between(rng, (0.3, 1.1)) * stroke, MAX_OVERLAP * CELLS)  # more than a stroke would cross a digit out
    return _until_touching(before, after) - overlap


def _until_touching(before: Floats, after: Floats) -> float:
    """Return the cells between the left edges of two digits on one baseline whose ink just meets."""
    rows = min(before.shape[0], after.shape[0])
    left, right = before[-rows:] > 0, after[-rows:] > 0
    shared = left.any(axis=1) & right.any(axis=1)
    if not shared.any():
        return float(before.shape[1])
    ends = left.shape[1] - np.argmax(left[shared, ::-1], axis=1)
    starts = np.argmax(right[shared], axis=1)
    return float((ends - starts).max())


def joined(fields: list[Floats], places: list[tuple[int, int]]) -> Floats:
    """Join fields at places (top, left) to one field with the ink of all."""
    top, left = (min(place[axis] for place in places) for axis in (0, 1))
    ends = [(y - top + field.shape[0], x - left + field.shape[1]) for field, (y, x) in zip(fields, places, strict=True)]
    joined = np.full((max(end[0] for end in ends), max(end[1] for end in ends)), -FAR, np.float32)
    for field, (bottom, right) in zip(fields, ends, strict=True):
        part = joined[bottom - field.shape[0] : bottom, right - field.shape[1] : right]
        np.maximum(part, field, out=part)
    return joined
