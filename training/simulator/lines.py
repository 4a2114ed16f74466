"""Strips of simulated lines for the reader of lines to learn from."""

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from inkwear.numbers.line_image import DIGIT_ROWS, to_strip
from inkwear.preprocess.spec import Floats, Pixels
from training.datasets import Part
from training.simulator.chance import around, between, happens
from training.simulator.characters import OTHER, SIGNS, Characters, load_characters
from training.simulator.scenes import Scene, line_scene

MAX_MISJUDGED = 0.15
"""Logarithm of the factor by which the height of a line's digits is misjudged at most."""

Line = tuple[Pixels, tuple[int, ...]]
"""A strip (40, W) uint8 and the classes that are written in it."""


def alphabet(class_names: Sequence[str]) -> str:
    """Return the characters that a reader of lines tells apart: the digits, the signs, and ``OTHER``."""
    return "".join(class_names) + SIGNS + OTHER


def make_lines(dataset: str, digits: int, seed: int, data_dir: Path, part: Part, first: int, count: int) -> list[Line]:
    """Make the lines from number ``first`` on, each from the seed and its number alone.

    Args:
        dataset: name of a data set of ten digits.
        digits: images whose fields are kept.
        seed: decides everything.
        data_dir: torchvision's folder of data sets.
        part: of the data set.
        first: number of the first line.
        count: of lines.
    """
    cv2.setNumThreads(1)
    characters = load_characters(dataset, digits, seed, data_dir, part)
    classes = {name: index for index, name in enumerate(alphabet("0123456789"))}
    lines = []
    for index in range(first, first + count):
        strip, text = _make_line(characters, np.random.default_rng([seed, index]))
        lines.append((strip, tuple(classes[name] for name in text)))
    return lines


def _make_line(characters: Characters, rng: np.random.Generator) -> tuple[Pixels, str]:
    while True:
        scene = line_scene(characters, rng)
        ink = _as_found(scene, rng)
        if (ink >= 128).any():
            rows = DIGIT_ROWS * (math.exp(around(rng, MAX_MISJUDGED)) if happens(rng, 0.5) else 1)
            return to_strip(scene.gray, ink, rows).pixels, scene.lines[0].text


def _as_found(scene: Scene, rng: np.random.Generator) -> Floats:
    """Imitate a finder of ink, (H, W) from 0 to 255: it loses and adds marks, and finds edges too thick or too thin."""
    left, top, right, bottom = scene.lines[0].box
    ink = np.zeros_like(scene.ink)
    box = np.s_[top:bottom, left:right]
    ink[box] = scene.ink[box]
    high, wide = bottom - top, right - left
    if happens(rng, 0.3):  # what the finder lost
        for _ in range(rng.integers(1, 4)):
            x, y = left + int(rng.integers(wide)), top + int(rng.integers(high))
            size = max(1, round(between(rng, (0.1, 0.4)) * high))
            ink[y : y + size, x : x + size] = 0
    if happens(rng, 0.15):  # what it took for ink
        for _ in range(rng.integers(1, 3)):
            x, y = left + int(rng.integers(wide)), top + int(rng.integers(high))
            long = max(1, round(between(rng, (0.1, 0.7)) * high))
            thin = max(1, round(0.05 * high))
            ink[y : y + (thin if happens(rng, 0.5) else long), x : x + (thin if happens(rng, 0.5) else long)] = 1
    if happens(rng, 0.1):  # it missed the first or the last mark
        cut = round(between(rng, (0.1, 0.4)) * high)
        ink[:, right - cut : right] = 0
    if happens(rng, 0.3):
        ink = cv2.GaussianBlur(ink, (0, 0), between(rng, (0.5, 1.5)))
    return ink * np.float32(255 * between(rng, (0.8, 1.6))).clip(0, 255)
