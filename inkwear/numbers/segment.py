"""Splits a picture into lines of candidates for digits (``inkwear.numbers.score``).

Connected pieces of ink are put in lines, and wide pieces are cut in more places than needed (``inkwear.numbers.cuts``);
what lies between two such ends is a candidate for one digit. A network reads all candidates, and dynamic programming
finds the best path from the left end of a line to its right end ("over-segmentation": Casey and Lecolinet, "A survey of
methods and strategies in character segmentation", 1996, section 4.1; Fujisawa, Nakano, Kurino, "Segmentation methods
for character recognition: from segmentation to document structure analysis", 1992).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwear.numbers.components import (
    CORE,
    Box,
    Labels,
    Piece,
    around,
    box_of,
    find_pieces,
    grown,
    max_gap,
    max_missing_run,
    scaled_box,
    shared_columns,
    spread_to_faint,
    usual_height,
)
from inkwear.numbers.cuts import MIN_SLICE, find_cuts
from inkwear.numbers.layout import TALL, group_in_lines, tall_pieces
from inkwear.numbers.score import Candidate, Line
from inkwear.preprocess.components import stroke_width
from inkwear.preprocess.framing import frame_foreground
from inkwear.preprocess.spec import Floats, InputSpec, Pixels

MAX_SINGLE_WIDTH = 1.0
"""Width up to which one piece alone is one digit, in its heights."""

CUT_WIDTH = 0.5
"""Width from which a piece may be several touching digits, in heights of the line."""

MAX_DIGIT_WIDTH = 1.4
"""Width of a digit, in heights of the line."""

MIN_SHARE = 0.15
"""Ink from which a low piece is a stroke of the digit below, in that of an upright stroke; less may be a speckle."""

ENOUGH_ROWS, ENOUGH_STROKE = 80, 4
"""Rows of a usual piece, and pixels across a stroke: ink that has several times as many of both is reduced before
candidates are cut out of it, as each is made 28 rows high."""

MAX_PIECES = 150
"""Pieces of a number; a picture with more is a texture."""


@dataclass(frozen=True, eq=False)
class Ink:
    """A foreground to split.

    Attributes:
        foreground: (h, w) float32 from 0, where there is no ink, to 255.
        labels: (h, w) of its pieces.
        spec: how the data set frames.
        cuts: whether pieces may be cut.
        scale: pixels of a candidate's box for one of the foreground.
    """

    foreground: Floats
    labels: Labels
    spec: InputSpec
    cuts: bool
    scale: int

    def mask(self, piece: Piece) -> Floats:
        """Return 1 where a piece is in its box, else 0."""
        left, top, right, bottom = piece.box
        return (self.labels[top:bottom, left:right] == piece.label).astype(np.float32)


@dataclass(frozen=True, eq=False)
class End:
    """Where one digit may end and the next begin.

    Attributes:
        place: index of a piece in its line: the end is before it, or in it if there are ``columns``.
        columns: (rows of the foreground,) the first to the right of a cut; None if there is no cut.
        cost: of the cut, in strokes.
    """

    place: int
    columns: Floats | None = None
    cost: float = 0

    def left(self, box: Box) -> NDArray[np.bool_]:
        """Return which pixels of a box lie to the left of the cut: (h, w)."""
        assert self.columns is not None
        return np.arange(box[0], box[2]) < self.columns[box[1] : box[3], None]


def split(foreground: Floats, spec: InputSpec, cuts: bool = True) -> list[Line]:
    """Find what may be the digits of a number.

    Args:
        foreground: (h, w) float32 from 0, where there is no ink, to 255.
        spec: how the data set frames.
        cuts: whether digits may touch; without it pieces are taken as they are, which is quick.

    Returns:
        Lines from top to bottom; none if the pieces show that it is one digit.
    """
    labels, pieces = find_pieces(foreground >= CORE)
    height = usual_height(pieces)
    tall = tall_pieces(pieces, height)
    if not 1 <= len(pieces) <= MAX_PIECES or (
        len(tall) == 1 and (not cuts or tall[0].width <= MAX_SINGLE_WIDTH * tall[0].height)
    ):
        return []
    scale = max(1, int(min(height / ENOUGH_ROWS, stroke_width(foreground) / ENOUGH_STROKE)))
    if scale > 1:
        foreground = _averaged(foreground, scale)
        labels, pieces = find_pieces(foreground >= CORE)
        tall = tall_pieces(pieces, usual_height(pieces))
    ink = Ink(foreground, spread_to_faint(labels, foreground), spec, cuts, scale)
    return [_line(ink, line) for line in group_in_lines(pieces)]


def whole(foreground: Floats, pixels: Pixels) -> Candidate:
    """Return all the ink of a picture as one digit, ``pixels`` (28, 28) uint8; a number has to read better."""
    ink = foreground >= CORE
    columns, rows = (np.flatnonzero(ink.any(axis=axis)) for axis in (0, 1))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    height = box[3] - box[1]
    gap = max(max_missing_run(columns), max_missing_run(rows)) / height
    return Candidate(0, 1, box, (box[2] - box[0]) / height, 1, gap, 0, pixels)


def _averaged(foreground: Floats, factor: int) -> Floats:
    """Average areas of ``factor`` × ``factor`` pixels, after filling up with background on the right and below."""
    missing = [-side % factor for side in foreground.shape]
    room = cv2.copyMakeBorder(foreground, 0, missing[0], 0, missing[1], cv2.BORDER_CONSTANT)
    return cv2.resize(room, (room.shape[1] // factor, room.shape[0] // factor), interpolation=cv2.INTER_AREA)


def _line(ink: Ink, parts: Sequence[Piece]) -> Line:
    """Find what may be a digit of a line."""
    height = usual_height(parts)
    strokes = [stroke_width(ink.mask(part) * 255) for part in tall_pieces(parts, height)]
    stroke = max(1.0, float(np.median(strokes)))
    pieces = _in_order(_with_low_pieces_joined(ink.labels, parts, height, stroke), height)
    ends = _ends(ink, pieces, height, stroke)
    speckles = [math.inf] * (len(ends) - 1)
    for index, (start, end) in enumerate(pairwise(ends)):
        if start.columns is None and end.columns is None and pieces[start.place].height < TALL * height:
            speckles[index] = pieces[start.place].ink / (stroke * height)
    candidates = tuple(_candidates(ink, pieces, ends, height, stroke))
    return Line(len(speckles), tuple(speckles), candidates)


def _with_low_pieces_joined(labels: Labels, parts: Sequence[Piece], height: float, stroke: float) -> list[Piece]:
    """Join a low piece over or under a wide one with that, in the labels too, so that a cut gives it to its digit."""
    wide = [part for part in tall_pieces(parts, height) if part.width >= CUT_WIDTH * height]
    own = {part.label: part for part in parts}
    for low in parts:
        if low.height >= TALL * height or low.ink < MIN_SHARE * stroke * height:
            continue
        if (other := _over_or_under(low, wide)) is not None:
            left, top, right, bottom = grown(low.box, labels.shape)
            region = labels[top:bottom, left:right]
            region[region == low.label] = other.label
            del own[low.label]
            joined = own[other.label]
            own[other.label] = Piece(other.label, around([joined.box, low.box]), joined.ink + low.ink)
    return list(own.values())


def _over_or_under(low: Piece, others: Sequence[Piece]) -> Piece | None:
    """Return the piece that shares most columns with a low one, if these are at least half of its own."""
    shared = [shared_columns(low, other) for other in others]
    return others[int(np.argmax(shared))] if max(shared, default=0) >= low.width / 2 else None


def _in_order(pieces: Sequence[Piece], height: float) -> list[Piece]:
    """Sort pieces by their middles; a low one comes right after the tall one that it lies over or under."""
    tall = tall_pieces(pieces, height)

    def place(piece: Piece) -> tuple[float, float]:
        other = _over_or_under(piece, tall) if piece.height < TALL * height else None
        return (piece.middle, -math.inf) if other is None else (other.middle, piece.middle)

    return sorted(pieces, key=place)


def _ends(ink: Ink, pieces: Sequence[Piece], height: float, stroke: float) -> list[End]:
    """List the ends from left to right: before every piece, at every cut through one, and after the last."""
    ends = []
    for place, piece in enumerate(pieces):
        ends.append(End(place))
        if ink.cuts and piece.width >= CUT_WIDTH * height:
            left, top, _, bottom = piece.box
            for columns, cost in find_cuts(ink.mask(piece), height, stroke):
                beyond = (top, ink.labels.shape[0] - bottom)
                ends.append(End(place, np.pad(columns + left, beyond, mode="edge"), cost))
    return [*ends, End(len(pieces))]


def _candidates(
    ink: Ink, pieces: Sequence[Piece], ends: Sequence[End], height: float, stroke: float
) -> Iterator[Candidate]:
    """Yield the ink between any two ends that is not too wide for a digit, nor too low, nor too little."""
    for first, start in enumerate(ends):
        for last, end in enumerate(ends[first + 1 :], first + 1):
            is_piece = start.columns is None and end.columns is None and end.place == start.place + 1
            chosen, corner, boxes = _between(ink.labels, pieces, start, end)
            if not boxes:
                continue
            box = around(boxes)
            if box[3] - box[1] < TALL * height:
                continue
            if box[2] - box[0] > MAX_DIGIT_WIDTH * height and not is_piece:
                if end.columns is None:
                    break
                continue
            if (start.cost or end.cost) and chosen.sum() < MIN_SLICE * stroke * height:
                continue
            rows, columns = (slice(at, at + size) for at, size in zip(corner[::-1], chosen.shape, strict=True))
            yield Candidate(
                first,
                last,
                scaled_box(box, ink.scale),
                width=(box[2] - box[0]) / height,
                height=(box[3] - box[1]) / height,
                gap=max_gap(boxes) / height,
                cut=(start.cost + end.cost) / 2,
                pixels=frame_foreground(np.where(chosen, ink.foreground[rows, columns], 0), ink.spec)[0],
            )


def _between(
    labels: Labels, pieces: Sequence[Piece], start: End, end: End
) -> tuple[NDArray[np.bool_], tuple[int, int], list[Box]]:
    """Find the ink between two ends: a mask (h, w), its left and top in the foreground, the box of each piece in it."""
    run = pieces[start.place : end.place + (end.columns is not None)]
    left, top, right, bottom = grown(around([piece.box for piece in run]), labels.shape)
    if start.columns is not None:
        left = max(left, math.floor(start.columns[top:bottom].min()))
    if end.columns is not None:
        right = min(right, math.ceil(end.columns[top:bottom].max()))
    chosen = np.zeros((bottom - top, max(0, right - left)), bool)
    region = (left, top, right, bottom)
    boxes = []
    for place, piece in enumerate(run, start.place):
        own = labels[top:bottom, left:right] == piece.label
        if start.columns is not None and place == start.place:
            own &= ~start.left(region)
        if end.columns is not None and place == end.place:
            own &= end.left(region)
        if (box := box_of(own, left, top)) is not None:
            boxes.append(box)
        chosen |= own
    return chosen, (left, top), boxes
