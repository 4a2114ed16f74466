"""Connected pieces of ink, and the boxes around them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwear.preprocess.spec import Floats

Labels = NDArray[np.int32]

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are the first outside."""

CORE = 96
"""Ink from here on (of 255) holds a piece together; what is fainter belongs to the nearest piece."""

SAME_LINE = 0.4
"""Neighbours are on one line if they share at least this fraction of the lower one's height."""


@dataclass(frozen=True)
class Piece:
    """Connected ink.

    Attributes:
        name: its value in the map of labels.
        box: around it.
        ink: its area in pixels.
    """

    name: int
    box: Box
    ink: int

    @property
    def height(self) -> int:
        return self.box[3] - self.box[1]

    @property
    def width(self) -> int:
        return self.box[2] - self.box[0]

    @property
    def middle(self) -> float:
        return (self.box[0] + self.box[2]) / 2


def find_pieces(core: NDArray[np.bool_]) -> tuple[Labels, list[Piece]]:
    """Connected pieces of what is ink for certain, and a map (h, w) that names each pixel's; 0 is the background."""
    labels = np.zeros(core.shape, np.int32)
    x, y, width, height = cv2.boundingRect(core.astype(np.uint8))  # looking around the ink alone is much faster
    x, y, right, bottom = x & ~1, y & ~1, x + width, y + height  # even, as OpenCV names pieces by blocks of 2×2
    if not width:
        return labels, []
    found = cv2.connectedComponentsWithStats(core[y:bottom, x:right].astype(np.uint8))
    count, labels[y:bottom, x:right], stats = found[:3]
    pieces = []
    for name in range(1, count):
        left, top, width, height, ink = map(int, stats[name])
        pieces.append(Piece(name, (x + left, y + top, x + left + width, y + top + height), ink))
    return labels, pieces


def spread_to_faint(labels: Labels, foreground: Floats) -> Labels:
    """Give the faint pixels, around the pieces and between them, the name of the nearest piece."""
    left, top, width, height = cv2.boundingRect((foreground > 0).astype(np.uint8))
    box = np.s_[top : top + height, left : left + width]
    core, ink = labels[box] > 0, foreground[box] > 0
    if not core.any() or not (ink & ~core).any():
        return labels
    _, nearest = cv2.distanceTransformWithLabels((~core).astype(np.uint8), cv2.DIST_L2, 5)
    names = np.zeros(int(nearest.max()) + 1, np.int32)
    names[nearest[core]] = labels[box][core]
    spread = np.zeros_like(labels)
    spread[box] = np.where(ink, names[nearest], 0)
    return spread


def usual_height(pieces: Sequence[Piece]) -> float:
    """Height such that half of the ink stands in lower pieces: specks do not count for much."""
    ranked = sorted(pieces, key=lambda piece: piece.height)
    ink = np.cumsum([piece.ink for piece in ranked])
    return ranked[int(np.searchsorted(ink, ink[-1] / 2))].height if ranked else 0


def distance(piece: Piece, other: Piece) -> float:
    """Between two boxes, in pixels; 0 where they overlap."""
    across = max(piece.box[0] - other.box[2], other.box[0] - piece.box[2], 0)
    down = max(piece.box[1] - other.box[3], other.box[1] - piece.box[3], 0)
    return math.hypot(across, down)


def share_a_line(piece: Piece, other: Piece) -> bool:
    shared = min(piece.box[3], other.box[3]) - max(piece.box[1], other.box[1])
    return shared >= SAME_LINE * min(piece.height, other.height)


def box_of(mask: NDArray[np.bool_], left: int, top: int) -> Box | None:
    """Around what is set in a mask whose corner is at ``left``, ``top``; None where nothing is."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    return (left + x, top + y, left + x + width, top + y + height) if width else None


def grown(box: Box, shape: tuple[int, ...]) -> Box:
    """A box with room for the faint edge of the ink."""
    left, top, right, bottom = box
    return max(0, left - 3), max(0, top - 3), min(shape[1], right + 3), min(shape[0], bottom + 3)


def around(boxes: Sequence[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def widest_gap(boxes: Sequence[Box]) -> int:
    """The widest white column or row between boxes, in pixels."""
    widest = 0
    for axis in (0, 1):
        spans = sorted((box[axis], box[axis + 2]) for box in boxes)
        end = spans[0][1]
        for start, stop in spans[1:]:
            widest, end = max(widest, start - end), max(end, stop)
    return widest


def longest_missing_run(places: NDArray[np.intp]) -> int:
    """The longest run missing from ascending places."""
    return int(np.diff(places).max(initial=1)) - 1


def enlarged_box(box: Box, scale: float) -> Box:
    """A box in smaller pixels, rounded outwards."""
    left, top, right, bottom = box
    return math.floor(left * scale), math.floor(top * scale), math.ceil(right * scale), math.ceil(bottom * scale)
