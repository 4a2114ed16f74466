"""Connected pieces of ink, and the boxes around them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwear.preprocess.spec import Floats

Labels = NDArray[np.int32]
"""A map (h, w) with the label of each pixel's piece; 0 is the background."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are the first outside."""

CORE = 96
"""Gray level of 255 from which ink holds a piece together; fainter ink belongs to the nearest piece."""

SAME_LINE = 0.4
"""Fraction of the lower one's height that neighbors on one line share."""

FAINT_EDGE = 3
"""Pixels of room around a box for the faint edge of the ink."""


@dataclass(frozen=True)
class Piece:
    """Connected ink.

    Attributes:
        label: its value in the map of labels.
        box: around it.
        ink: its area in pixels.
    """

    label: int
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
    """Find the connected pieces of what is certainly ink, (h, w), and the map of their labels."""
    labels = np.zeros(core.shape, np.int32)
    x, y, width, height = cv2.boundingRect(core.astype(np.uint8))  # searching the ink alone is much faster
    x, y, right, bottom = x & ~1, y & ~1, x + width, y + height  # even, as OpenCV labels blocks of 2×2
    if not width:
        return labels, []
    found = cv2.connectedComponentsWithStats(core[y:bottom, x:right].astype(np.uint8))
    count, labels[y:bottom, x:right], stats = found[:3]
    pieces = []
    for label in range(1, count):
        left, top, width, height, ink = map(int, stats[label])
        pieces.append(Piece(label, (x + left, y + top, x + left + width, y + top + height), ink))
    return labels, pieces


def spread_to_faint(labels: Labels, foreground: Floats) -> Labels:
    """Give the faint pixels around and between the pieces the label of the nearest piece."""
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
    """Return the height such that half of the ink stands in lower pieces, so that specks count little."""
    ranked = sorted(pieces, key=lambda piece: piece.height)
    ink = np.cumsum([piece.ink for piece in ranked])
    return ranked[int(np.searchsorted(ink, ink[-1] / 2))].height if ranked else 0


def distance(piece: Piece, other: Piece) -> float:
    """Return the distance between two boxes in pixels; 0 if they overlap."""
    across = max(piece.box[0] - other.box[2], other.box[0] - piece.box[2], 0)
    down = max(piece.box[1] - other.box[3], other.box[1] - piece.box[3], 0)
    return math.hypot(across, down)


def share_a_line(piece: Piece, other: Piece) -> bool:
    shared = min(piece.box[3], other.box[3]) - max(piece.box[1], other.box[1])
    return shared >= SAME_LINE * min(piece.height, other.height)


def shared_columns(piece: Piece, other: Piece) -> int:
    """Return how many columns two pieces share; negative if there is a gap between them."""
    return min(piece.box[2], other.box[2]) - max(piece.box[0], other.box[0])


def box_of(mask: NDArray[np.bool_], left: int, top: int) -> Box | None:
    """Return the box around the pixels that are set in a mask; None if none is.

    Args:
        mask: (h, w).
        left: of the mask, in pixels.
        top: of the mask, in pixels.
    """
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    return (left + x, top + y, left + x + width, top + y + height) if width else None


def grown(box: Box, shape: tuple[int, ...]) -> Box:
    """Enlarge a box by ``FAINT_EDGE`` on each side, within a picture of this shape."""
    left, top, right, bottom = box
    return (
        max(0, left - FAINT_EDGE),
        max(0, top - FAINT_EDGE),
        min(shape[1], right + FAINT_EDGE),
        min(shape[0], bottom + FAINT_EDGE),
    )


def around(boxes: Sequence[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def max_gap(boxes: Sequence[Box]) -> int:
    """Return the widest white column or row between boxes, in pixels."""
    widest = 0
    for axis in (0, 1):
        spans = sorted((box[axis], box[axis + 2]) for box in boxes)
        end = spans[0][1]
        for start, stop in spans[1:]:
            widest, end = max(widest, start - end), max(end, stop)
    return widest


def max_missing_run(places: NDArray[np.intp]) -> int:
    """Return the length of the longest run that is missing from ascending places."""
    return int(np.diff(places).max(initial=1)) - 1


def scaled_box(box: Box, scale: float) -> Box:
    """Scale a box, rounded outwards."""
    left, top, right, bottom = box
    return math.floor(left * scale), math.floor(top * scale), math.ceil(right * scale), math.ceil(bottom * scale)
