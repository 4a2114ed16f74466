"""Simulated pictures of marks that are no digits, which a reader should not be sure of."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from inkwear.preprocess.spec import SIZE, Pixels
from training.simulator import CONDITIONS
from training.simulator.chance import happens, pick

LETTERS_AND_SHAPES = "AEHKMNRWXekmnrwxЖДЪЉ∇∃∂#&★☺☹☎☂♥♣♪✗⚓+"
"""Characters of DejaVu Sans that look like no digit; the reader has learned Latin letters, and none of the others."""

LYING = (2, 3, 4, 5, 7)
"""Digits that look like no digit when they lie on their side."""

BOX = 20
"""Pixels of the longer side of a mark, as of MNIST's digits."""

PEN = 2
"""Pixels of a stroke that crosses a digit out."""


def letter_or_shape(digit: Pixels, rng: np.random.Generator) -> Pixels:
    """Draw a character of a typeface; the digit, (28, 28) uint8, is not used."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    font, character = ImageFont.truetype(str(path), 100), pick(rng, LETTERS_AND_SHAPES)
    left, top, right, bottom = font.getbbox(character)
    image = Image.new("L", (round(right - left), round(bottom - top)))
    ImageDraw.Draw(image).text((-left, -top), character, 255, font)
    scale = BOX / max(image.size)
    size = max(1, round(scale * image.width)), max(1, round(scale * image.height))
    sheet = Image.new("L", (SIZE, SIZE))
    sheet.paste(image.resize(size, Image.Resampling.BOX), ((SIZE - size[0]) // 2, (SIZE - size[1]) // 2))
    return np.asarray(sheet)


def scribble(digit: Pixels, rng: np.random.Generator) -> Pixels:
    """Draw a closed line that turns many times; the digit, (28, 28) uint8, is not used."""
    times, waves = np.linspace(0, 2 * np.pi, 200)[:, None], np.arange(2, 5)
    turns = rng.uniform(0, 2 * np.pi, (2, 1, len(waves)))
    points = np.sin(times * waves + turns).sum(axis=2).T
    points -= points.min(axis=0)
    points = points * (BOX / points.max()) + 4
    return _with_lines(np.zeros((SIZE, SIZE), np.uint8), [points], 1)


def crossed_out(digit: Pixels, rng: np.random.Generator) -> Pixels:
    """Cross out a digit, (28, 28) uint8, by two to four lines."""
    if happens(rng, 0.5):
        lines = [[(3, 3), (24, 24)], [(24, 3), (3, 24)]]
    else:
        lines = [[(2, y), (25, y)] for y in (8, 14, 20, 11)[: rng.integers(2, 5)]]
    return _with_lines(digit, [np.array(line) + rng.uniform(-2, 2, (2, 2)) for line in lines], PEN)


def lying(digit: Pixels, rng: np.random.Generator) -> Pixels:
    """Lay a digit, (28, 28) uint8, on its left or right side."""
    return np.ascontiguousarray(np.rot90(digit, pick(rng, (1, 3))))


def _with_lines(image: Pixels, lines: list[np.ndarray], pen: int) -> Pixels:
    bits = 4
    drawn = image.copy()
    for points in lines:
        fixed = np.rint(points * 2**bits).astype(np.int32)
        cv2.polylines(drawn, [fixed], isClosed=False, color=255, thickness=pen, lineType=cv2.LINE_AA, shift=bits)
    return drawn


MARKS: dict[str, Callable[[Pixels, np.random.Generator], Pixels]] = {
    "letters and shapes": letter_or_shape,
    "scribbles": scribble,
    "digits crossed out": crossed_out,
    "digits lying": lying,
}
"""Makers of marks by kind, each from an image of a digit (28, 28) uint8."""


def marks(kind: str, pixels: Pixels, labels: Pixels, count: int, seed: int) -> Iterator[tuple[str, Image.Image]]:
    """Draw or photograph ``count`` marks of a kind, each with the digits that it holds: none.

    Args:
        kind: one of ``MARKS``.
        pixels: (N, 28, 28) uint8, as stored.
        labels: (N,) integers.
        count: of pictures.
        seed: with the index of a picture it decides everything.
    """
    usable = np.flatnonzero(np.isin(labels, LYING)) if kind == "digits lying" else np.arange(len(labels))
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        mark = MARKS[kind](pixels[rng.choice(usable)], rng)
        yield "", CONDITIONS["mnist"][pick(rng, ("drawings", "photographs"))](mark, rng)
