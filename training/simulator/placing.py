"""The place of a glyph in a picture, and the angle of the paper to the camera."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.simulator.chance import Range, Shape, around, between
from training.simulator.glyphs import Glyph

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Placing:
    """Ranges from which a place is drawn.

    Attributes:
        fill: size of the glyph as a fraction of the largest that the picture has room for.
        astray: largest distance from the middle, as a fraction of the free room.
        turn: degrees that the sheet may be turned to either side.
        tilt: fraction by which one edge of the picture may be nearer than the middle.
    """

    fill: Range = (0.3, 0.8)
    astray: float = 0.5
    turn: float = 0
    tilt: float = 0


def place(glyph: Glyph, shape: Shape, placing: Placing, rng: np.random.Generator) -> Matrix:
    """Draw a view of the sheet: 3×3, from cells about the glyph's middle to pixels of the picture.

    Args:
        glyph: the writing, which the view shows as a whole where ``fill`` is below 1.
        shape: of the picture.
        placing: the ranges.
        rng: draws from them.
    """
    height, width = shape
    angle = math.radians(around(rng, placing.turn))
    cos, sin = math.cos(angle), math.sin(angle)
    tall = abs(sin) * glyph.shape[1] + abs(cos) * glyph.shape[0]
    wide = abs(cos) * glyph.shape[1] + abs(sin) * glyph.shape[0]
    scale = between(rng, placing.fill) * min(height / tall, width / wide)
    room = abs(height - scale * tall) / 2, abs(width - scale * wide) / 2
    middle_y, middle_x = (side / 2 + around(rng, placing.astray) * free for side, free in zip(shape, room, strict=True))
    tilt_x, tilt_y = (around(rng, placing.tilt) * 2 / side for side in (width, height))
    turned = scale * np.array([[cos, -sin], [sin, cos]])
    nearer = turned.T @ np.array([tilt_x, tilt_y])
    middle = np.array([middle_x - 0.5, middle_y - 0.5])
    view = np.eye(3)
    view[:2, :2] = turned + np.outer(middle, nearer)
    view[:2, 2], view[2, :2] = middle, nearer
    return view


def draw_shape(rng: np.random.Generator, side: Range, aspect: Range) -> Shape:
    """Draw height and width, the longer side evenly on a logarithmic scale.

    Args:
        rng: draws.
        side: range of the longer side in pixels.
        aspect: range of width to height.
    """
    longest = math.exp(between(rng, (math.log(side[0]), math.log(side[1]))))
    ratio = between(rng, aspect)  # of width to height
    height, width = (longest, longest * ratio) if ratio < 1 else (longest / ratio, longest)
    return round(height), round(width)
