"""A number of several digits: where its digits may begin and end, and which of these ways to split it reads best.

Connected pieces of ink are put in lines; wide pieces may be cut in more places than needed (``inkwear.numbers.cuts``); what
lies between two such ends is a candidate for one digit. A network reads all candidates, and dynamic programming finds
the best path from the left end of a line to its right end ("over-segmentation": Casey and Lecolinet, "A survey of
methods and strategies in character segmentation", 1996, section 4.1; Fujisawa, Nakano, Kurino, "Segmentation methods
for character recognition: from segmentation to document structure analysis", 1992).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwear.numbers.cuts import LEAST_SLICE, find_cuts
from inkwear.numbers.line_image import to_strip
from inkwear.preprocess.components import stroke_width
from inkwear.preprocess.framing import frame_foreground
from inkwear.preprocess.spec import Floats, InputSpec, Pixels

Labels = NDArray[np.int32]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are the first outside."""

CORE = 96
"""Ink from here on (of 255) holds a piece together; what is fainter belongs to the nearest piece."""

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

SAME_LINE = 0.4
"""Neighbours are on one line if they share at least this fraction of the lower one's height."""


@dataclass(frozen=True)
class Weights:
    """What is held against a candidate and for it, in nats.

    Found by maximum likelihood of the right strings, all ways to split taken together, on simulated numbers and digits
    of validation images (550 touching, 130 apart, 54 single that may be several), read by ``mnist-sturdy``; ``several``
    then raised as far as no number was lost by it.

    Attributes:
        digit: for each digit, so that a reading in fewer is preferred.
        sure: in favour, factor of the log-odds of its class: a part of a digit may read as another one with a
            probability of 99 %, the whole digit reads with more.
        doubt: factor of -log p, which is at most ``most_doubt``.
        most_doubt: beyond it, worse is not worse.
        busy, busiest_free: for each time more than ``busiest_free`` that a row meets ink, on average of the rows.
        cut: for each stroke's width of ink that is cut through.
        gap: for each line height of white that lies within a digit.
        wide, widest_free: for each line height by which a digit is wider than ``widest_free``.
        low, lowest_free: for each line height by which a digit is lower than ``lowest_free``.
        dirt: for leaving out a small piece, for each upright stroke's ink that is in it.
        several: for being a number at all.
    """

    digit: float = 4.3
    sure: float = 0.43
    doubt: float = 0.1
    most_doubt: float = 6.0
    busy: float = 4.6
    busiest_free: float = 1.8
    cut: float = 0.22
    gap: float = 1.9
    wide: float = 3.6
    widest_free: float = 0.75
    low: float = 2.7
    lowest_free: float = 0.9
    dirt: float = 4.2
    several: float = 1.0


WEIGHTS = Weights()


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


@dataclass(frozen=True, eq=False)
class Candidate:
    """What may be one digit: the pieces ``first`` to ``last`` (exclusive) of a line.

    Attributes:
        box: around it, in pixels of the foreground.
        width, height, gap: in heights of the line; ``gap`` is the widest white column or row within.
        cut: half the cost of the cuts around it, in strokes.
        busy: as ``crossings`` counts.
        pixels: (28, 28) uint8, framed.
    """

    first: int
    last: int
    box: Box
    width: float
    height: float
    gap: float
    cut: float
    pixels: Pixels
    busy: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "busy", crossings(self.pixels))


@dataclass(frozen=True, eq=False)
class Line:
    """Pieces from left to right, and what may be a digit among them.

    Attributes:
        pieces: how many there are.
        dirt: for each piece, its ink in upright strokes where it may be left out, else infinity.
        candidates: in no particular order.
        strip: (40, W) uint8, the whole line as a reader of lines sees it; None where it is not known.
        touching: whether there is a cut through a piece.
    """

    pieces: int
    dirt: tuple[float, ...]
    candidates: tuple[Candidate, ...]
    strip: Pixels | None = None
    touching: bool = False


# ----------------------------------------------------------------------------------------------------------- splitting


def split(foreground: Floats, spec: InputSpec, cuts: bool = True) -> list[Line]:
    """Find what may be the digits of a number.

    Args:
        foreground: (h, w) float32 from 0, where there is no ink, to 255.
        spec: how the data set frames.
        cuts: whether digits may touch; without it pieces are taken as they are, which is quick.

    Returns:
        Lines from top to bottom; none where a look at the pieces says that it is one digit.
    """
    labels, parts = _parts(foreground >= CORE)
    height = _usual_height(parts)
    tall = [part for part in parts if part.height >= TALL * height]
    if not 1 <= len(parts) <= MOST_PARTS or (
        len(tall) == 1 and (not cuts or tall[0].width <= LONE_WIDTH * tall[0].height)
    ):
        return []
    enlarged = max(1, int(min(height / ENOUGH, stroke_width(foreground) / THINNEST)))
    if enlarged > 1:
        foreground = _averaged(foreground, enlarged)
        labels, parts = _parts(foreground >= CORE)
        tall = [part for part in parts if part.height >= TALL * _usual_height(parts)]
    labels = _spread(labels, foreground)
    return [_line(foreground, labels, line, spec, cuts, enlarged) for line in _lines(parts, tall)]


def whole(foreground: Floats, pixels: Pixels) -> Candidate:
    """All the ink of a picture as one digit, ``pixels`` (28, 28) uint8: what the split has to be better than."""
    ink = foreground >= CORE
    columns, rows = (np.flatnonzero(ink.any(axis=axis)) for axis in (0, 1))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    height = box[3] - box[1]
    gap = max(_white(columns), _white(rows)) / height
    return Candidate(0, 1, box, (box[2] - box[0]) / height, 1, gap, 0, pixels)


def enlarged_box(box: Box, scale: float) -> Box:
    """A box in smaller pixels, rounded outwards."""
    left, top, right, bottom = box
    return math.floor(left * scale), math.floor(top * scale), math.ceil(right * scale), math.ceil(bottom * scale)


def _averaged(foreground: Floats, factor: int) -> Floats:
    """Average areas of so many pixels squared; right of the picture and below it there is background."""
    missing = [-side % factor for side in foreground.shape]
    room = cv2.copyMakeBorder(foreground, 0, missing[0], 0, missing[1], cv2.BORDER_CONSTANT)
    return cv2.resize(room, (room.shape[1] // factor, room.shape[0] // factor), interpolation=cv2.INTER_AREA)


def _white(places: NDArray[np.intp]) -> int:
    """The longest run missing from ascending places."""
    return int(np.diff(places).max(initial=1)) - 1


def _parts(core: NDArray[np.bool_]) -> tuple[Labels, list[Piece]]:
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


def _spread(labels: Labels, foreground: Floats) -> Labels:
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


def _usual_height(pieces: Sequence[Piece]) -> float:
    """Height such that half of the ink stands in lower pieces: specks do not count for much."""
    ranked = sorted(pieces, key=lambda piece: piece.height)
    ink = np.cumsum([piece.ink for piece in ranked])
    return ranked[int(np.searchsorted(ink, ink[-1] / 2))].height if ranked else 0


def _lines(parts: Sequence[Piece], tall: Sequence[Piece]) -> list[list[Piece]]:
    """Put pieces in lines: each tall one with its next neighbour to the right, each low one with the nearest."""
    line_of = {piece.name: index for index, piece in enumerate(tall)}
    for piece in tall:
        right = [other for other in tall if other.middle > piece.middle and _share_a_line(piece, other)]
        if right:
            neighbour = min(right, key=lambda other: other.middle)
            old, new = line_of[neighbour.name], line_of[piece.name]
            line_of = {name: new if line == old else line for name, line in line_of.items()}
    for piece in parts:
        if piece.name not in line_of:
            line_of[piece.name] = line_of[min(tall, key=lambda other: _distance(piece, other)).name]
    lines = [[piece for piece in parts if line_of[piece.name] == line] for line in sorted(set(line_of.values()))]
    return sorted(lines, key=lambda line: float(np.mean([piece.box[1] + piece.box[3] for piece in line])))


def _share_a_line(piece: Piece, other: Piece) -> bool:
    shared = min(piece.box[3], other.box[3]) - max(piece.box[1], other.box[1])
    return shared >= SAME_LINE * min(piece.height, other.height)


def _distance(piece: Piece, other: Piece) -> float:
    """Between two boxes, in pixels; 0 where they overlap."""
    across = max(piece.box[0] - other.box[2], other.box[0] - piece.box[2], 0)
    down = max(piece.box[1] - other.box[3], other.box[1] - piece.box[3], 0)
    return math.hypot(across, down)


def _line(
    foreground: Floats, labels: Labels, parts: Sequence[Piece], spec: InputSpec, cuts: bool, enlarged: int
) -> Line:
    """Find what may be a digit of a line; ``enlarged`` is how many pixels of a candidate's box are one of these."""
    height = _usual_height(parts)
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
    left, top, right, bottom = _grown(_around([piece.box for piece in pieces]), labels.shape)
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
            left, top, right, bottom = _grown(low.box, labels.shape)
            region = labels[top:bottom, left:right]
            region[region == low.name] = name
            del own[low.name]
            own[name] = Piece(name, _around([own[name].box, low.box]), own[name].ink + low.ink)
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


# ---------------------------------------------------------------------------------------------------------- candidates


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
            box = _around(boxes)
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
                gap=_gap(boxes) / height,
                cut=(start.cost + end.cost) / 2,
                pixels=frame_foreground(np.where(chosen, ink, 0), spec)[0],
            )


def _between(
    labels: Labels, pieces: Sequence[Piece], start: End, end: End
) -> tuple[NDArray[np.bool_], tuple[int, int], list[Box]]:
    """The ink between two ends: a mask (h, w), its left and top in the foreground, a box around each piece's share."""
    run = pieces[start.place : end.place + (end.columns is not None)]
    left, top, right, bottom = _grown(_around([piece.box for piece in run]), labels.shape)
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
        if (box := _box(own, left, top)) is not None:
            boxes.append(box)
        chosen |= own
    return chosen, (left, top), boxes


def _box(mask: NDArray[np.bool_], left: int, top: int) -> Box | None:
    """Around what is set in a mask whose corner is at ``left``, ``top``; None where nothing is."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    return (left + x, top + y, left + x + width, top + y + height) if width else None


def _grown(box: Box, shape: tuple[int, ...]) -> Box:
    """A box with room for the faint edge of the ink."""
    left, top, right, bottom = box
    return max(0, left - 3), max(0, top - 3), min(shape[1], right + 3), min(shape[0], bottom + 3)


def _around(boxes: Sequence[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _gap(boxes: Sequence[Box]) -> int:
    """The widest white column or row between boxes, in pixels."""
    widest = 0
    for axis in (0, 1):
        spans = sorted((box[axis], box[axis + 2]) for box in boxes)
        end = spans[0][1]
        for start, stop in spans[1:]:
            widest, end = max(widest, start - end), max(end, stop)
    return widest


# ------------------------------------------------------------------------------------------------------------- reading


def crossings(pixels: Pixels) -> float:
    """How often a row meets ink, on average of the rows that do: 1 for a 1, 2 for a 0, more for two digits at once."""
    ink = pixels >= 128
    met = np.count_nonzero(ink[:, 1:] > ink[:, :-1]) + np.count_nonzero(ink[:, 0])
    return int(met) / max(int(np.count_nonzero(ink.any(axis=1))), 1)


def log_odds(logits: Floats, temperature: float) -> float:
    """Of the most probable class against all others together, in nats; (classes,) logits. It goes on where p is 1."""
    ranked = np.sort(logits.astype(np.float64)) / temperature
    return float(ranked[-1] - np.logaddexp.reduce(ranked[:-1]))


def score(candidate: Candidate, odds: float, weights: Weights = WEIGHTS) -> float:
    """How well a candidate reads as one digit, in nats, given its log-odds."""
    return float(credit(np.array(odds), weights)) - cost(candidate, weights)


def credit(odds: NDArray[np.float64], weights: Weights = WEIGHTS) -> NDArray[np.float64]:
    """What its log-odds do for a candidate, in nats: any shape."""
    return weights.sure * odds - weights.doubt * np.minimum(np.logaddexp(0, -odds), weights.most_doubt)


def cost(candidate: Candidate, weights: Weights = WEIGHTS) -> float:
    """What is held against a candidate, whatever it reads as, in nats."""
    return (
        weights.digit
        + weights.busy * max(0, candidate.busy - weights.busiest_free)
        + weights.cut * candidate.cut
        + weights.gap * candidate.gap
        + weights.wide * max(0, candidate.width - weights.widest_free)
        + weights.low * max(0, weights.lowest_free - candidate.height)
    )


def best_path(line: Line, odds: Sequence[float], weights: Weights = WEIGHTS) -> tuple[list[int], float]:
    """Find the candidates that cover a line from end to end and read best: their indices, left to right, and score.

    Args:
        line: as ``split`` gives it.
        odds: as ``log_odds`` gives them, of each candidate.
        weights: what is held against a candidate.
    """
    best = [0.0] + [-math.inf] * line.pieces
    came: list[tuple[int, int | None]] = [(0, None)] * (line.pieces + 1)
    ways: list[list[tuple[int, float, int | None]]] = [[] for _ in best]
    for index, candidate in enumerate(line.candidates):
        worth = score(candidate, odds[index], weights)
        ways[candidate.last].append((candidate.first, worth, index))
    for piece, dirt in enumerate(line.dirt):
        ways[piece + 1].append((piece, -weights.dirt * dirt, None))
    for end in range(1, line.pieces + 1):
        for start, worth, way in ways[end]:
            if best[start] + worth > best[end]:
                best[end], came[end] = best[start] + worth, (start, way)
    path, end = [], line.pieces
    while end and math.isfinite(best[-1]):
        end, way = came[end]
        path += [] if way is None else [way]
    return path[::-1], best[-1]


def best_reading(
    lines: Sequence[Line], single: Candidate, odds: Sequence[float], weights: Weights = WEIGHTS
) -> list[int]:
    """Decide whether a picture is a number, and which candidates are its digits.

    Args:
        lines: as ``split`` gives them.
        single: as ``whole`` gives it.
        odds: as ``log_odds`` gives them, of ``single``, then of each candidate, line by line.
        weights: what is held against a candidate.

    Returns:
        Indices into ``odds`` as one reads; none where it is one digit.
    """
    chosen: list[int] = []
    total, start = -weights.several, 1
    for line in lines:
        end = start + len(line.candidates)
        path, worth = best_path(line, odds[start:end], weights)
        chosen += [start + index for index in path]
        total, start = total + worth, end
    return chosen if len(chosen) > 1 and total > score(single, odds[0], weights) else []
