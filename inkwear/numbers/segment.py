"""A number of several digits: where its digits may begin and end, and which of these ways to split it reads best.

Connected pieces of ink are put in lines; wide pieces may be cut in more places than needed (``inkwear.numbers.cuts``); what
lies between two such ends is a candidate for one digit. A network reads all candidates, and dynamic programming finds
the best path from the left end of a line to its right end ("over-segmentation": Casey and Lecolinet, "A survey of
methods and strategies in character segmentation", 1996, section 4.1; Fujisawa, Nakano, Kurino, "Segmentation methods
for character recognition: from segmentation to document structure analysis", 1992).
"""

import math
from collections.abc import Iterable, Sequence
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
    distance,
    enlarged_box,
    find_pieces,
    grown,
    longest_missing_run,
    share_a_line,
    spread_to_faint,
    usual_height,
    widest_gap,
)
from inkwear.numbers.cuts import LEAST_SLICE, find_cuts
from inkwear.numbers.line_image import to_strip
from inkwear.numbers.score import Candidate, Line
from inkwear.preprocess.components import stroke_width
from inkwear.preprocess.framing import frame_foreground
from inkwear.preprocess.spec import Floats, InputSpec, Pixels

TALL = 0.45
"""A piece of at least this fraction of the line's height may be a digit; a lower one is a part of one, or dirt."""

LONE_WIDTH = 1.0
"""One piece of ink up to this width, in its heights, is one digit without asking."""

CUT_WIDTH = 0.5
"""Pieces from this width on, in heights of the line, may be several digits that touch."""

WIDEST = 1.4
"""No digit is wider than this, in heights of the line."""

LEAST_SHARE = 0.15
"""Ink of a low piece that is taken for a stroke of the digit below, in that of an upright stroke; less may be dirt."""

ENOUGH, THINNEST = 80, 4
"""Rows of a usual piece, and pixels across a stroke: ink that has several times as many of both is reduced before
candidates are cut out of it, as each is made 28 rows high."""

MOST_PARTS = 150
"""With more pieces than that it is no number but a texture."""


def split(foreground: Floats, spec: InputSpec, cuts: bool = True) -> list[Line]:
    """Find what may be the digits of a number.

    Args:
        foreground: (h, w) float32 from 0, where there is no ink, to 255.
        spec: how the data set frames.
        cuts: whether digits may touch; without it pieces are taken as they are, which is quick.

    Returns:
        Lines from top to bottom; none where a look at the pieces says that it is one digit.
    """
    labels, parts = find_pieces(foreground >= CORE)
    height = usual_height(parts)
    tall = [part for part in parts if part.height >= TALL * height]
    if not 1 <= len(parts) <= MOST_PARTS or (
        len(tall) == 1 and (not cuts or tall[0].width <= LONE_WIDTH * tall[0].height)
    ):
        return []
    enlarged = max(1, int(min(height / ENOUGH, stroke_width(foreground) / THINNEST)))
    if enlarged > 1:
        foreground = _averaged(foreground, enlarged)
        labels, parts = find_pieces(foreground >= CORE)
        tall = [part for part in parts if part.height >= TALL * usual_height(parts)]
    labels = spread_to_faint(labels, foreground)
    return [_line(foreground, labels, line, spec, cuts, enlarged) for line in _lines(parts, tall)]


def whole(foreground: Floats, pixels: Pixels) -> Candidate:
    """All the ink of a picture as one digit, ``pixels`` (28, 28) uint8: what the split has to be better than."""
    ink = foreground >= CORE
    columns, rows = (np.flatnonzero(ink.any(axis=axis)) for axis in (0, 1))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    height = box[3] - box[1]
    gap = max(longest_missing_run(columns), longest_missing_run(rows)) / height
    return Candidate(0, 1, box, (box[2] - box[0]) / height, 1, gap, 0, pixels)


def _averaged(foreground: Floats, factor: int) -> Floats:
    """Average areas of so many pixels squared; right of the picture and below it there is background."""
    missing = [-side % factor for side in foreground.shape]
    room = cv2.copyMakeBorder(foreground, 0, missing[0], 0, missing[1], cv2.BORDER_CONSTANT)
    return cv2.resize(room, (room.shape[1] // factor, room.shape[0] // factor), interpolation=cv2.INTER_AREA)


def _lines(parts: Sequence[Piece], tall: Sequence[Piece]) -> list[list[Piece]]:
    """Put pieces in lines: each tall one with its next neighbour to the right, each low one with the nearest."""
    line_of = {piece.name: index for index, piece in enumerate(tall)}
    for piece in tall:
        right = [other for other in tall if other.middle > piece.middle and share_a_line(piece, other)]
        if right:
            neighbour = min(right, key=lambda other: other.middle)
            old, new = line_of[neighbour.name], line_of[piece.name]
            line_of = {name: new if line == old else line for name, line in line_of.items()}
    for piece in parts:
        if piece.name not in line_of:
            line_of[piece.name] = line_of[min(tall, key=lambda other: distance(piece, other)).name]
    lines = [[piece for piece in parts if line_of[piece.name] == line] for line in sorted(set(line_of.values()))]
    return sorted(lines, key=lambda line: float(np.mean([piece.box[1] + piece.box[3] for piece in line])))


def _line(
    foreground: Floats, labels: Labels, parts: Sequence[Piece], spec: InputSpec, cuts: bool, enlarged: int
) -> Line:
    """Find what may be a digit of a line; ``enlarged`` is how many pixels of a candidate's box are one of these."""
    height = usual_height(parts)
    stroke = max(1.0, float(np.median([_stroke_of(labels, part) for part in parts if part.height >= TALL * height])))
    pieces = _in_order(_with_what_lies_over(labels, parts, height, stroke), height)
    ends = _ends(labels, pieces, height, stroke, cuts)
    dirt = [math.inf] * (len(ends) - 1)
    for index, (start, end) in enumerate(pairwise(ends)):
        if start.columns is None and end.columns is None and pieces[start.place].height < TALL * height:
            dirt[index] = pieces[start.place].ink / (stroke * height)
    candidates = tuple(_candidates(foreground, labels, pieces, ends, height, stroke, spec, enlarged))
    touching = any(end.columns is not None for end in ends)
    return Line(len(dirt), tuple(dirt), candidates, _strip(foreground, labels, pieces), touching)


def _strip(foreground: Floats, labels: Labels, pieces: Sequence[Piece]) -> Pixels:
    left, top, right, bottom = grown(around([piece.box for piece in pieces]), labels.shape)
    own = np.isin(labels[top:bottom, left:right], [piece.name for piece in pieces])
    return to_strip(np.where(own, foreground[top:bottom, left:right], 0))


def _with_what_lies_over(labels: Labels, parts: Sequence[Piece], height: float, stroke: float) -> list[Piece]:
    """Make a low piece over or under a wide one part of that, so that a cut gives it to the digit it belongs to."""
    wide = [part for part in parts if part.width >= CUT_WIDTH * height and part.height >= TALL * height]
    own = {part.name: part for part in parts}
    for low in parts:
        if low.height >= TALL * height or low.ink < LEAST_SHARE * stroke * height:
            continue
        shared = [min(low.box[2], other.box[2]) - max(low.box[0], other.box[0]) for other in wide]
        if max(shared, default=0) >= low.width / 2:
            name = wide[int(np.argmax(shared))].name
            left, top, right, bottom = grown(low.box, labels.shape)
            region = labels[top:bottom, left:right]
            region[region == low.name] = name
            del own[low.name]
            own[name] = Piece(name, around([own[name].box, low.box]), own[name].ink + low.ink)
    return list(own.values())


def _stroke_of(labels: Labels, part: Piece) -> float:
    left, top, right, bottom = part.box
    return stroke_width((labels[top:bottom, left:right] == part.name).astype(np.float32) * 255)


def _in_order(pieces: Sequence[Piece], height: float) -> list[Piece]:
    """From left to right by their middles; a low piece comes right after the tall one that it lies over or under."""
    tall = [piece for piece in pieces if piece.height >= TALL * height]

    def place(piece: Piece) -> tuple[float, float]:
        if piece.height < TALL * height:
            shared = [min(piece.box[2], other.box[2]) - max(piece.box[0], other.box[0]) for other in tall]
            if max(shared, default=0) >= piece.width / 2:
                return tall[int(np.argmax(shared))].middle, piece.middle
        return piece.middle, -math.inf

    return sorted(pieces, key=place)


@dataclass(frozen=True, eq=False)
class End:
    """Where one digit may end and the next begin.

    Attributes:
        place: of a piece in its line: before it, or in it where there is a cut.
        columns: (rows of the foreground,) what lies to the left of these belongs to the digit before; None for no cut.
        cost: of the cut, in strokes.
    """

    place: int
    columns: Floats | None = None
    cost: float = 0

    def left(self, box: Box) -> NDArray[np.bool_]:
        """Which pixels of a box lie to the left of the cut: (h, w)."""
        assert self.columns is not None
        return np.arange(box[0], box[2]) < self.columns[box[1] : box[3], None]


def _ends(labels: Labels, pieces: Sequence[Piece], height: float, stroke: float, cuts: bool) -> list[End]:
    """From left to right: before every piece, at every cut through one, and after the last."""
    ends = []
    for place, piece in enumerate(pieces):
        ends.append(End(place))
        if cuts and piece.width >= CUT_WIDTH * height:
            left, top, right, bottom = piece.box
            mask = (labels[top:bottom, left:right] == piece.name).astype(np.float32)
            for columns, cost in find_cuts(mask, height, stroke):
                around = (top, labels.shape[0] - bottom)
                ends.append(End(place, np.pad(columns + left, around, mode="edge"), cost))
    return [*ends, End(len(pieces))]


def _candidates(
    foreground: Floats,
    labels: Labels,
    pieces: Sequence[Piece],
    ends: Sequence[End],
    height: float,
    stroke: float,
    spec: InputSpec,
    enlarged: int,
) -> Iterable[Candidate]:
    """All ink between two ends that is not too wide for a digit, nor too low, nor too little."""
    for first, start in enumerate(ends):
        for last, end in enumerate(ends[first + 1 :], first + 1):
            is_piece = start.columns is None and end.columns is None and end.place == start.place + 1
            chosen, corner, boxes = _between(labels, pieces, start, end)
            if not boxes:
                continue
            box = around(boxes)
            if box[3] - box[1] < TALL * height:
                continue
            if box[2] - box[0] > WIDEST * height and not is_piece:
                if end.columns is None:
                    break
                continue
            if (start.cost or end.cost) and chosen.sum() < LEAST_SLICE * stroke * height:
                continue
            ink = foreground[corner[1] : corner[1] + chosen.shape[0], corner[0] : corner[0] + chosen.shape[1]]
            yield Candidate(
                first,
                last,
                enlarged_box(box, enlarged),
                width=(box[2] - box[0]) / height,
                height=(box[3] - box[1]) / height,
                gap=widest_gap(boxes) / height,
                cut=(start.cost + end.cost) / 2,
                pixels=frame_foreground(np.where(chosen, ink, 0), spec)[0],
            )


def _between(
    labels: Labels, pieces: Sequence[Piece], start: End, end: End
) -> tuple[NDArray[np.bool_], tuple[int, int], list[Box]]:
    """The ink between two ends: a mask (h, w), its left and top in the foreground, a box around each piece's share."""
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
        own = labels[top:bottom, left:right] == piece.name
        if start.columns is not None and place == start.place:
            own &= ~start.left(region)
        if end.columns is not None and place == end.place:
            own &= end.left(region)
        if (box := box_of(own, left, top)) is not None:
            boxes.append(box)
        chosen |= own
    return chosen, (left, top), boxes
