"""Lines of digits as they are framed from real pictures, for the line reader to learn from.

Every digit is written once with a thin pen, and its distance field gets another pen, slant, size and neighbors each
time, so that lines are made as fast as they are learnt from. What preprocessing leaves of rough paper is imitated:
ragged and broken strokes, specks.
"""

import math
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from inkwear.numbers.line_image import to_strip
from inkwear.preprocess.spec import Floats, Pixels
from training.datasets import find_dataset, load_pixels
from training.simulator.chance import BANK, around, between, happens, noise
from training.simulator.glyphs import FAR, Hand, cut_to_ink, write
from training.simulator.habits import with_habits
from training.simulator.numbers import SIMILAR, WIDTH, join_line, joined, stroke_widths, until_touching

Line = tuple[Pixels, tuple[int, ...]]
"""A line image (40, W) uint8 and the classes that are written in it."""

THIN_PEN = 0.03
"""Pen of the stored fields, as a fraction of a digit's height."""

MAX_INK = 255


@cache
def _bank(dataset: str, digits: int, seed: int, data_dir: Path) -> tuple[list[Floats], Pixels]:
    """Return fields of training images, ordered by stroke width, so that digits of one hand are near, and labels."""
    pixels, labels = load_pixels(find_dataset(dataset), "train", data_dir)
    chosen = np.random.default_rng(seed).permutation(len(labels))[:digits]
    pixels, labels = with_habits(pixels[chosen], labels[chosen], seed), labels[chosen]
    order = np.argsort(stroke_widths(pixels), kind="stable")
    rng = np.random.default_rng([seed, 7])
    fields = [write(image, Hand(THIN_PEN, wobble=between(rng, (0, 1.2))), rng).field for image in pixels[order]]
    return [field.astype(np.float16) for field in fields], labels[order]


def make_lines(dataset: str, digits: int, seed: int, data_dir: Path, first: int, count: int) -> list[Line]:
    """Make the lines from number ``first`` on, each from the seed and its number alone.

    Args:
        dataset: name of a data set of digits.
        digits: images whose fields are kept.
        seed: decides everything.
        data_dir: torchvision's folder of data sets.
        first: number of the first line.
        count: of lines.
    """
    fields, labels = _bank(dataset, digits, seed, data_dir)
    return [_make_line(fields, labels, np.random.default_rng([seed, first + index])) for index in range(count)]


def _make_line(fields: list[Floats], labels: Pixels, rng: np.random.Generator) -> Line:
    """Write some digits on a line, with one pen and slant, and frame it as the app does."""
    length = int(rng.choice(np.arange(1, 11), p=[0.05, 0.18, 0.18, 0.16, 0.12, 0.1, 0.08, 0.06, 0.04, 0.03]))
    window = max(1, round(SIMILAR * len(labels)))
    chosen = rng.integers(len(labels) - window + 1) + rng.integers(window, size=length)
    pen = math.exp(between(rng, (math.log(0.02), math.log(0.19))))
    spread = between(rng, (0.2, 0.45)) if happens(rng, 0.3) else 0.12
    sizes = 1 + rng.uniform(-spread, spread, length)
    if happens(rng, 0.25):
        sizes[rng.integers(length)] *= between(rng, (1.2, 1.8))
    slant, turn = around(rng, 0.4), around(rng, 5)
    written = [
        _rewritten(fields[index].astype(np.float32), pen, slant + around(rng, 0.1), turn + around(rng, 4), size, rng)
        for index, size in zip(chosen, sizes.tolist(), strict=True)
    ]
    if length == 1:
        field = written[0]
    elif happens(rng, 0.5):
        field = join_line(written, pen, rng, touching=happens(rng, 0.8)).field
    else:
        field = _joined_freely(written, pen, rng)
    return to_strip(_photographed(field, pen, rng)), tuple(int(label) for label in labels[chosen])


def _joined_freely(fields: list[Floats], pen: float, rng: np.random.Generator) -> Floats:
    """Put digits side by side as people do: gaps differ a lot, some digits are low, some under a neighbor's roof."""
    high = float(np.median([field.shape[0] for field in fields]))
    gap, uneven = between(rng, (0, 0.8)) * WIDTH * high, between(rng, (0, 1))
    contact, slope, wobble = between(rng, (0, 0.7)), around(rng, 0.12), between(rng, (0.02, 0.2))
    places, left = [], 0.0
    for index, field in enumerate(fields):
        if index:
            meets = until_touching(fields[index - 1], field)
            if happens(rng, contact):
                left += meets - between(rng, (0.1, 1.2)) * pen * high
            else:
                left += meets + gap * math.exp(around(rng, 1) * uneven) + between(rng, (0.5, 1.5)) * pen * high
        low = between(rng, (0, 1)) * max(0, field.shape[0] - 1.2 * high)  # a tall one may hang below the line
        places.append((round(slope * left + around(rng, wobble) * high + low) - field.shape[0], round(left)))
    return joined(fields, places)


def _rewritten(field: Floats, pen: float, slant: float, turn: float, scale: float, rng: np.random.Generator) -> Floats:
    """Give a field another pen, slant, turn (in degrees) and size, and cut it to its ink."""
    grow = np.float32((pen - THIN_PEN) * 100 / 2)
    height, width = field.shape
    angle, wide = math.radians(turn), 1 + around(rng, 0.2)
    matrix = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix = matrix @ np.array([[wide, -slant], [0, 1]])
    room = round(abs(pen) * 100 + 6)
    corners = matrix @ np.array([[0, width, 0, width], [0, 0, height, height]], float)
    low, high = corners.min(axis=1) - room, corners.max(axis=1) + room
    size = np.ceil(high - low).astype(int)
    view = np.hstack([matrix, -low[:, None]])
    field = cv2.copyMakeBorder(field, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=-FAR)
    view[:, 2] -= matrix @ np.array([1.0, 1.0])
    turned = cv2.warpAffine(field, view, tuple(size.tolist()), flags=cv2.INTER_LINEAR, borderValue=-FAR)
    inked = (turned > 0).astype(np.uint8)
    if grow > 0:  # beyond the stored field distances are unknown, so they are measured
        turned = np.where(turned > -1, turned, -cv2.distanceTransform(1 - inked, cv2.DIST_L2, 5)).astype(np.float32)
    return cut_to_ink(turned + grow)


def _photographed(field: Floats, pen: float, rng: np.random.Generator) -> Floats:
    """Return the ink that is found of a line in a picture, ragged and broken where the paper or the light was bad."""
    scale = between(rng, (0.22, 0.7))
    field = cv2.copyMakeBorder(field, 8, 8, 8, 8, cv2.BORDER_CONSTANT, value=-FAR)
    if happens(rng, 0.5):
        field = field + np.float32(between(rng, (0, 0.6)) * pen * 50) * _noise(field.shape, rng, between(rng, (2, 12)))
    small = cv2.resize(field, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    cover = np.clip(small * scale + 0.5, 0, 1)
    if happens(rng, 0.3):
        cover = cv2.GaussianBlur(cover, (0, 0), between(rng, (0.4, 1.2)))
    if happens(rng, 0.3):
        cover = cover * (1 + between(rng, (0.05, 0.4)) * _noise(cover.shape, rng, between(rng, (1, 3))))
    if happens(rng, 0.12):
        _strew(cover, rng)
    if happens(rng, 0.2):  # the pen ran dry, or the sheet shone
        _fade(cover, rng)
    level = max(float(np.percentile(cover[cover > 0.1], 80)) if (cover > 0.1).any() else 1, 0.2)
    ink = np.clip((cover / level - 0.25) * 2, 0, 1).astype(np.float32) * np.float32(MAX_INK)
    if not (ink >= MAX_INK // 2).any():
        ink[0, 0] = MAX_INK
    return ink


def _noise(shape: tuple[int, ...], rng: np.random.Generator, grain: float) -> Floats:
    """Return noise, or zeros for a shape that is larger than the bank of noise."""
    return noise((shape[0], shape[1]), rng, grain) if max(shape) < BANK else np.zeros(shape, np.float32)


def _fade(cover: Floats, rng: np.random.Generator) -> None:
    """Fade strokes at a few places, in place."""
    y, x = np.ogrid[: cover.shape[0], : cover.shape[1]]
    for _ in range(rng.integers(1, 6)):
        squared = (y - rng.integers(cover.shape[0])) ** 2 + (x - rng.integers(cover.shape[1])) ** 2
        reach = between(rng, (0.02, 0.06)) * cover.shape[0]
        cover *= 1 - between(rng, (0.5, 1)) * np.exp(-squared / (2 * reach**2)).astype(np.float32)


def _strew(cover: Floats, rng: np.random.Generator) -> None:
    """Add specks, in place."""
    for _ in range(rng.integers(1, 4)):
        center = int(rng.integers(cover.shape[1])), int(rng.integers(cover.shape[0]))
        cv2.circle(cover, center, int(rng.integers(0, 3)), float(between(rng, (0.4, 1))), -1)
