"""Many hands: the shapes people give the ten digits, slanted, open, wide and narrow, as strokes for a browser's pad."""

import io
import math
import zipfile

import numpy as np
from PIL import Image, ImageDraw

from tests.hand import DIGITS, Stroke, _arc, encoded

SHAPES: dict[str, list[list[Stroke]]] = {
    "0": [DIGITS["0"], [_arc((0.5, 0.5), (0.36, 0.5), -60, 285, 24)], [_arc((0.5, 0.5), (0.24, 0.5), -100, 262, 24)]],
    "1": [
        [[(0.5, 0.0), (0.5, 1.0)]],
        DIGITS["1"],
        [[(0.34, 0.22), (0.55, 0.0), (0.55, 1.0)], [(0.34, 1.0), (0.76, 1.0)]],
    ],
    "2": [
        DIGITS["2"],
        [
            [
                *_arc((0.48, 0.26), (0.28, 0.26), -160, 40),
                (0.3, 0.86),
                *_arc((0.34, 0.9), (0.1, 0.1), 180, 400, 8),
                (0.86, 0.96),
            ]
        ],
        [[*_arc((0.5, 0.3), (0.3, 0.3), -180, 20), (0.5, 0.7), (0.2, 1.0), (0.84, 1.0)]],
    ],
    "3": [
        DIGITS["3"],
        [[(0.2, 0.02), (0.76, 0.0), (0.46, 0.4), *_arc((0.46, 0.7), (0.32, 0.3), -85, 150)]],
        [[*_arc((0.48, 0.24), (0.26, 0.24), -170, 80), *_arc((0.48, 0.74), (0.32, 0.27), -80, 165)]],
    ],
    "4": [
        DIGITS["4"],
        [[(0.28, 0.02), (0.22, 0.56), (0.8, 0.54)], [(0.7, 0.06), (0.66, 1.0)]],  # open
        [[(0.62, 1.0), (0.66, 0.0), (0.14, 0.66), (0.86, 0.64)]],  # in one stroke
    ],
    "5": [
        DIGITS["5"],
        [[(0.78, 0.02), (0.3, 0.02), (0.27, 0.42), *_arc((0.46, 0.7), (0.33, 0.3), -110, 145)]],  # in one stroke
        [[(0.34, 0.02), (0.3, 0.44), *_arc((0.48, 0.68), (0.3, 0.3), -120, 130)], [(0.34, 0.04), (0.74, 0.06)]],
    ],
    "6": [
        DIGITS["6"],
        [[(0.56, 0.0), (0.3, 0.4), (0.24, 0.7), *_arc((0.48, 0.74), (0.25, 0.25), 180, -190, 24)]],
        [[*_arc((0.6, 0.5), (0.36, 0.5), -75, -180, 10), *_arc((0.5, 0.72), (0.26, 0.27), 180, -170, 22)]],
    ],
    "7": [
        DIGITS["7"],
        [[(0.18, 0.03), (0.82, 0.0), (0.46, 1.0)], [(0.36, 0.5), (0.78, 0.48)]],  # crossed
        [[(0.2, 0.14), (0.22, 0.02), (0.82, 0.02), (0.4, 1.0)]],  # with a hook
    ],
    "8": [
        DIGITS["8"],
        [
            [
                *_arc((0.5, 0.25), (0.23, 0.25), -60, -270),
                *_arc((0.5, 0.75), (0.27, 0.25), -90, 270, 24),
                *_arc((0.5, 0.25), (0.23, 0.25), 90, -50),
            ]
        ],
        [_arc((0.5, 0.24), (0.22, 0.24), 90, 445, 20), _arc((0.5, 0.74), (0.27, 0.26), -90, 268, 22)],
    ],
    "9": [
        DIGITS["9"],
        [[*_arc((0.5, 0.27), (0.25, 0.27), -20, -370, 24), (0.74, 1.0)]],
        [[*_arc((0.5, 0.26), (0.25, 0.26), 0, -360, 24), (0.75, 0.6), *_arc((0.5, 0.78), (0.24, 0.22), -10, 140, 10)]],
    ],
}
"""Ways to write each digit, in the unit square of ``tests.hand``."""


def writings(count: int, seed: int) -> list[tuple[str, list[Stroke]]]:
    """Return ``count`` digits in turn, each with its strokes in fractions of the pad, x to the right and y down."""
    rng = np.random.default_rng(seed)
    return [(digit, _written(digit, rng)) for digit in (str(index % 10) for index in range(count))]


def _written(digit: str, rng: np.random.Generator) -> list[Stroke]:
    shape = SHAPES[digit][rng.integers(len(SHAPES[digit]))]
    height = rng.uniform(0.4, 0.8)
    width = height * rng.uniform(0.65, 1.0)
    slant, turn = rng.uniform(-0.15, 0.35), math.radians(rng.uniform(-8, 8))
    left, top = rng.uniform(0.1, max(0.11, 0.9 - width)), rng.uniform(0.08, max(0.09, 0.92 - height))
    wobble = rng.uniform(0, 0.012)

    def put(x: float, y: float) -> tuple[float, float]:
        x, y = (x - 0.5) * width - slant * (y - 0.5) * height, (y - 0.5) * height
        x, y = x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)
        x, y = x + left + width / 2 + rng.normal() * wobble, y + top + height / 2 + rng.normal() * wobble
        return min(max(x, 0.03), 0.97), min(max(y, 0.03), 0.97)

    return [[put(x, y) for x, y in stroke] for stroke in shape]


def archive(count: int) -> bytes:
    """A ZIP of digits in many hands."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archived:
        for index, (digit, strokes) in enumerate(writings(count, seed=2)):
            archived.writestr(f"{index:02}-{digit}.png", encoded(_drawn(strokes)))
    return buffer.getvalue()


def _drawn(strokes: list[Stroke]) -> Image.Image:
    sheet = Image.new("L", (560, 560), 255)
    for stroke in strokes:
        ImageDraw.Draw(sheet).line([(560 * x, 560 * y) for x, y in stroke], fill=20, width=28, joint="curve")
    return sheet.resize((280, 280))
