"""Groups pieces of ink in lines, and the lines in reading order."""

import math
from collections.abc import Sequence
from itertools import permutations

import numpy as np

from inkwear.numbers.components import Piece, around, distance, share_a_line, shared_columns, usual_height

TALL = 0.45
"""Height from which a piece may be a digit, in heights of the line; a lower one is a part of a digit, or a speckle."""

MAX_PART, MAX_PART_GAP, MIN_PART_OVERLAP = 0.75, 0.3, 0.5
"""Height of a detached part of a digit in heights of the rest, its distance from that in heights of the line, and the
share of its columns that lie above or below the rest."""

MAX_BREAK = 0.12
"""Height of a gap between two parts of a broken digit, in heights of the whole."""

MAX_JOINED, FEW = 1.35, 3
"""Height of what is joined, in heights of the line, where there are more than a few tall pieces to tell that height."""

MAX_CUT_OFF = 0.65
"""Height of what is left of a line at the picture's border, in heights of the highest line."""


def tall_pieces(pieces: Sequence[Piece], height: float) -> list[Piece]:
    return [piece for piece in pieces if piece.height >= TALL * height]


def group_in_lines(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Put pieces in lines, from top to bottom.

    Each tall piece joins its next neighbor to the right, and one that it is a detached part of, as the bar of a 5; each
    low piece joins the nearest.
    """
    usual = usual_height(pieces)
    tall = tall_pieces(pieces, usual)
    line_of = {piece.label: index for index, piece in enumerate(tall)}
    for piece in tall:
        right = [other for other in tall if other.middle > piece.middle and share_a_line(piece, other)]
        if right:
            neighbor = min(right, key=lambda other: other.middle)
            _join(line_of, piece, neighbor)
    most = MAX_JOINED * usual if len(tall) > FEW else math.inf
    for piece, other in permutations(tall, 2):
        if _is_part_of(piece, other, usual) or _is_broken(piece, other, most):
            _join(line_of, other, piece)
    for piece in pieces:
        if piece.label not in line_of:
            line_of[piece.label] = line_of[min(tall, key=lambda other: distance(piece, other)).label]
    lines = [[piece for piece in pieces if line_of[piece.label] == line] for line in sorted(set(line_of.values()))]
    return sorted(lines, key=lambda line: float(np.mean([piece.box[1] + piece.box[3] for piece in line])))


def _join(line_of: dict[int, int], piece: Piece, other: Piece) -> None:
    """Put all of the line of one piece into the line of another."""
    old, new = line_of[other.label], line_of[piece.label]
    line_of.update({label: new for label, line in line_of.items() if line == old})


def _is_part_of(piece: Piece, other: Piece, usual: float) -> bool:
    gap = max(piece.box[1] - other.box[3], other.box[1] - piece.box[3])
    return (
        piece.height <= MAX_PART * other.height
        and gap <= MAX_PART_GAP * usual
        and shared_columns(piece, other) >= MIN_PART_OVERLAP * piece.width
    )


def _is_broken(piece: Piece, other: Piece, most: float) -> bool:
    """Whether two pieces are the upper and the lower part of one digit whose stroke was interrupted."""
    _, top, _, bottom = around([piece.box, other.box])
    gap = max(piece.box[1] - other.box[3], other.box[1] - piece.box[3])
    overlap = shared_columns(piece, other) / min(piece.width, other.width)
    return gap <= MAX_BREAK * (bottom - top) and overlap >= MIN_PART_OVERLAP and bottom - top <= most


def without_cut_off(lines: Sequence[list[Piece]], shape: tuple[int, ...]) -> list[list[Piece]]:
    """Leave out what the picture's upper or lower border has left of other lines, as on the wheels of a meter."""
    boxes = [around([piece.box for piece in line]) for line in lines]
    highest = max(bottom - top for _, top, _, bottom in boxes)
    return [
        line
        for line, (_, top, _, bottom) in zip(lines, boxes, strict=True)
        if (top > 1 and bottom < shape[0] - 1) or bottom - top > MAX_CUT_OFF * highest
    ]
