"""A number of several digits: where its digits may begin and end, and which of these ways to split it reads best.

Connected pieces of ink are put in lines; wide pieces are cut in more places than needed; runs of neighbouring pieces
are candidates for one digit each. A network reads all candidates, and dynamic programming finds the best path from the
left end of a line to its right end ("over-segmentation": Casey and Lecolinet, "A survey of methods and strategies in
character segmentation", 1996, section 4.1; Fujisawa, Nakano, Kurino, "Segmentation methods for character recognition:
from segmentation to document structure analysis", 1992).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from exports.framing import frame_foreground
from exports.spec import Floats, InputSpec, Pixels
from exports.strokes import stroke_width

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

MOST_PIECES = 14
"""Of which one digit may consist."""

MOST_PARTS = 150
"""With more pieces than that it is no number but a texture."""

SAME_LINE = 0.4
"""Neighbours are on one line if they share at least this fraction of the lower one's height."""

CUT_ROWS = 32
"""Rows to which the height of a line is reduced where cuts are looked for."""

REACH = 3
"""Columns, of such rows, by which a cut may wander to either side, as slanted digits need it."""

ASIDE = 0.1
"""Ink that a step to the side is worth."""

STEP = 2
"""Columns from one place where a cut is tried to the next."""

LEAST_SLICE = 0.3
"""Ink of a slice, in that of an upright stroke as high as the line; a cut that leaves less is no use."""

CUTS_APART = 0.12
"""Ink between two cuts, likewise."""

DEAREST_CUT = 4.0
"""Strokes; what takes more goes through a digit."""


@dataclass(frozen=True)
class Weights:
    """What is held against a candidate, in nats as the network's log-probability is, found on simulated numbers.

    Attributes:
        digit: for each digit, so that a reading in fewer is preferred.
        doubt: factor of the network's own -log p, which is at most ``most_doubt``.
        most_doubt: beyond it, worse is not worse.
        busy, busiest_free: for each time more than ``busiest_free`` that a row meets ink, on average of the rows.
        cut: for each stroke's width of ink that is cut through.
        gap: for each line height of white that lies within a digit.
        wide, widest_free: for each line height by which a digit is wider than ``widest_free``.
        low, lowest_free: for each line height by which a digit is lower than ``lowest_free``.
        dirt: for leaving out a small piece, for each upright stroke's ink that is in it.
        several: for being a number at all.
    """

    digit: float = 0.9
    doubt: float = 5.8
    most_doubt: float = 6.0
    busy: float = 11.0
    busiest_free: float = 1.8
    cut: float = 1.0
    gap: float = 7.0
    wide: float = 9.3
    widest_free: float = 0.75
    low: float = 20.0
    lowest_free: float = 0.69
    dirt: float = 3.6
    several: float = 2.0


WEIGHTS = Weights()


@dataclass(frozen=True)
class Piece:
    """Ink that is not divided further: a connected piece, or a slice of one.

    Attributes:
        name: its value in the map of labels.
        box: around it.
        ink: its area in pixels.
        cuts: (name of a neighbouring slice, cost of the cut between in strokes) on both sides.
    """

    name: int
    box: Box
    ink: int
    cuts: tuple[tuple[int, float], ...] = ()

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
    """

    pieces: int
    dirt: tuple[float, ...]
    candidates: tuple[Candidate, ...]


# ----------------------------------------------------------------------------------------------------------- splitting


def split(foreground: Floats, spec: InputSpec) -> list[Line]:
    """Find what may be the digits of a number.

    Args:
        foreground: (h, w) float32 from 0, where there is no ink, to 255.
        spec: how the data set frames.

    Returns:
        Lines from top to bottom; none where a look at the pieces says that it is one digit.
    """
    labels, parts = _parts(foreground)
    height = _usual_height(parts)
    tall = [part for part in parts if part.height >= TALL * height]
    if not 1 <= len(parts) <= MOST_PARTS or (len(tall) == 1 and tall[0].width <= LONE_WIDTH * tall[0].height):
        return []
    return [_line(foreground, labels, line, spec) for line in _lines(parts, tall)]


def whole(foreground: Floats, pixels: Pixels) -> Candidate:
    """All the ink of a picture as one digit, ``pixels`` (28, 28) uint8: what the split has to be better than."""
    ink = foreground >= CORE
    columns, rows = (np.flatnonzero(ink.any(axis=axis)) for axis in (0, 1))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    height = box[3] - box[1]
    gap = max(_white(columns), _white(rows)) / height
    return Candidate(0, 1, box, (box[2] - box[0]) / height, 1, gap, 0, pixels)


def _white(places: NDArray[np.intp]) -> int:
    """The longest run missing from ascending places."""
    return int(np.diff(places).max(initial=1)) - 1


def _parts(foreground: Floats) -> tuple[Labels, list[Piece]]:
    """Connected pieces of ink, and a map (h, w) that says for each pixel to which it belongs; 0 is the background."""
    core = foreground >= CORE
    count, labels, stats, _ = cv2.connectedComponentsWithStats(core.astype(np.uint8))
    if (foreground > 0).sum() > core.sum() and count > 1:
        _, nearest = cv2.distanceTransformWithLabels((~core).astype(np.uint8), cv2.DIST_L2, 5)
        names = np.zeros(int(nearest.max()) + 1, np.int32)
        names[nearest[core]] = labels[core]
        labels = np.where(foreground > 0, names[nearest], 0)
    pieces = []
    for name in range(1, count):
        left, top, width, height, ink = map(int, stats[name])
        pieces.append(Piece(name, (left, top, left + width, top + height), ink))
    return labels, pieces


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


def _line(foreground: Floats, labels: Labels, parts: Sequence[Piece], spec: InputSpec) -> Line:
    height = _usual_height(parts)
    stroke = max(1.0, float(np.median([_stroke_of(labels, part) for part in parts if part.height >= TALL * height])))
    pieces: list[Piece] = []
    for part in parts:
        slices = _slices(labels, part, height, stroke) if part.width >= CUT_WIDTH * height else []
        pieces += slices or [part]
    ordered = _in_order(pieces, height)
    uncut = {part.name for part in parts}
    dirt = [
        piece.ink / (stroke * height) if piece.name in uncut and piece.height < TALL * height else math.inf
        for piece in ordered
    ]
    return Line(len(ordered), tuple(dirt), tuple(_candidates(foreground, labels, ordered, height, spec)))


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


# ------------------------------------------------------------------------------------------------------------- cutting


def _slices(labels: Labels, part: Piece, height: float, stroke: float) -> list[Piece]:
    """Cut a piece wherever digits may touch, and write the slices' own names into the map of labels."""
    left, top, right, bottom = part.box
    mask = (labels[top:bottom, left:right] == part.name).astype(np.float32)
    scale = min(1, CUT_ROWS / height)
    small = cv2.resize(mask, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else mask
    paths, costs = _cuts(small, stroke * scale, height * scale)
    if not len(paths):
        return []
    whole_box = _grown(part.box, labels.shape)
    region = labels[whole_box[1] : whole_box[3], whole_box[0] : whole_box[2]]
    rows = (np.arange(region.shape[0]) + whole_box[1] - top + 0.5) * scale - 0.5
    columns = [np.interp(rows, np.arange(small.shape[0]), path) / scale + left - whole_box[0] for path in paths]
    index = sum((np.arange(region.shape[1]) >= column[:, None]).astype(np.int32) for column in columns)
    own = region == part.name
    first = int(labels.max()) + 1
    region[own] = first + index[own]
    return _named(labels, whole_box, first, costs)


def _grown(box: Box, shape: tuple[int, ...]) -> Box:
    """A box with room for the faint edge of the ink."""
    left, top, right, bottom = box
    return max(0, left - 3), max(0, top - 3), min(shape[1], right + 3), min(shape[0], bottom + 3)


def _named(labels: Labels, box: Box, first: int, costs: Sequence[float]) -> list[Piece]:
    """Slices ``first`` … of a box as pieces, each with what the cuts to its neighbours cost."""
    region = labels[box[1] : box[3], box[0] : box[2]]
    pieces = []
    for name in range(first, first + len(costs) + 1):
        rows, columns = np.nonzero(region == name)
        if len(rows):
            around = (name - first - 1, name - first)
            cuts = [(first + cut + (cut == name - first), costs[cut]) for cut in around if 0 <= cut < len(costs)]
            sides = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            place = tuple(int(side) + box[axis % 2] for axis, side in enumerate(sides))
            pieces.append(Piece(name, (place[0], place[1], place[2], place[3]), len(rows), tuple(cuts)))
    return pieces


def _cuts(ink: Floats, stroke: float, height: float) -> tuple[list[NDArray], list[float]]:
    """Paths from top to bottom that go through little ink, from left to right, and their costs in strokes.

    A drop that falls along the ink and cuts it where it must (Congedo, Dimauro, Impedovo, Pirlo, "Segmentation of
    numeric strings", 1995), but with the whole way in view: dynamic programming over the rows.
    """
    paths, costs = _falls(ink)
    before = np.pad(np.cumsum(ink, axis=1), ((0, 0), (1, 0)))
    kept: list[int] = []
    amounts = np.array([before[np.arange(len(path)), path].sum() for path in paths])
    least = LEAST_SLICE * stroke * height
    for index in np.argsort(costs, kind="stable"):
        at_ends = min(amounts[index], float(ink.sum()) - amounts[index])
        nearest = min(abs(amounts[kept] - amounts[index]), default=math.inf)
        if costs[index] <= DEAREST_CUT * stroke and at_ends >= least and nearest >= CUTS_APART * stroke * height:
            kept.append(int(index))
    kept.sort(key=lambda index: amounts[index])
    ordered = np.maximum.accumulate(paths[kept], axis=0) if kept else paths[:0]
    return list(ordered), [float(costs[index]) / stroke for index in kept]


def _falls(ink: Floats) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The cheapest path in each of many overlapping windows: columns (n, rows), and the ink each goes through (n,)."""
    starts = np.arange(STEP, ink.shape[1] - STEP + 1, STEP)
    side = 2 * REACH + 1
    padded = np.pad(ink, ((0, 0), (REACH, REACH)), constant_values=1)
    if not len(starts):
        return np.zeros((0, ink.shape[0]), np.intp), np.zeros(0)
    upright = 0.01 * np.abs(np.arange(side) - REACH) / REACH  # where nothing else decides
    windows = np.stack([padded[:, start : start + side] for start in starts], axis=1).astype(np.float64) + upright
    total, came = windows[0], np.zeros(windows.shape, np.intp)
    for row in range(1, len(windows)):
        straight = np.pad(total, ((0, 0), (1, 1)), constant_values=np.inf)
        aside = 1.4 * windows[row] + ASIDE
        ways = np.stack([straight[:, :-2] + aside, total + windows[row], straight[:, 2:] + aside])
        came[row] = np.argmin(ways, axis=0) - 1
        total = ways.min(axis=0)
    each, column = np.arange(len(starts)), np.argmin(total, axis=1)
    paths = np.zeros((len(starts), len(windows)), np.intp)
    costs = total[each, column]
    for row in reversed(range(len(windows))):
        paths[:, row] = column + starts - REACH
        column = column + came[row][each, column]
    return paths.clip(0, ink.shape[1]), costs


# ---------------------------------------------------------------------------------------------------------- candidates


def _candidates(
    foreground: Floats, labels: Labels, pieces: Sequence[Piece], height: float, spec: InputSpec
) -> Iterable[Candidate]:
    """Every run of neighbouring pieces that is not too wide for a digit, nor too low."""
    for first in range(len(pieces)):
        for last in range(first + 1, min(len(pieces), first + MOST_PIECES) + 1):
            run = pieces[first:last]
            box = _around(run)
            if len(run) > 1 and box[2] - box[0] > WIDEST * height:
                break
            if box[3] - box[1] < TALL * height:
                continue
            yield Candidate(
                first,
                last,
                box,
                width=(box[2] - box[0]) / height,
                height=(box[3] - box[1]) / height,
                gap=_gap(run) / height,
                cut=_cost(run),
                pixels=frame_foreground(_only(foreground, labels, run, box), spec)[0],
            )


def _around(run: Sequence[Piece]) -> Box:
    boxes = np.array([piece.box for piece in run])
    left, top = boxes[:, :2].min(axis=0).tolist()
    right, bottom = boxes[:, 2:].max(axis=0).tolist()
    return left, top, right, bottom


def _gap(run: Sequence[Piece]) -> int:
    """The widest white column or row between pieces, in pixels."""
    widest = 0
    for axis in (0, 1):
        spans = sorted((piece.box[axis], piece.box[axis + 2]) for piece in run)
        end = spans[0][1]
        for start, stop in spans[1:]:
            widest, end = max(widest, start - end), max(end, stop)
    return widest


def _cost(run: Sequence[Piece]) -> float:
    """Half the cost of the cuts between a run and what is left of its pieces; the other half is the neighbour's."""
    names = {piece.name for piece in run}
    return sum(cost for piece in run for neighbour, cost in piece.cuts if neighbour not in names) / 2


def _only(foreground: Floats, labels: Labels, run: Sequence[Piece], box: Box) -> Floats:
    """The ink of a run alone."""
    left, top, right, bottom = _grown(box, labels.shape)
    chosen = np.isin(labels[top:bottom, left:right], [piece.name for piece in run])
    return np.where(chosen, foreground[top:bottom, left:right], 0)


# ------------------------------------------------------------------------------------------------------------- reading


def crossings(pixels: Pixels) -> float:
    """How often a row meets ink, on average of the rows that do: 1 for a 1, 2 for a 0, more for two digits at once."""
    ink = np.pad(pixels >= 128, ((0, 0), (1, 0)))
    return int((ink[:, 1:] & ~ink[:, :-1]).sum()) / max(int(ink.any(axis=1).sum()), 1)


def score(candidate: Candidate, log_probability: float, weights: Weights = WEIGHTS) -> float:
    """How well a candidate reads as one digit, in nats."""
    return -(
        weights.digit
        + weights.doubt * min(-log_probability, weights.most_doubt)
        + weights.busy * max(0, candidate.busy - weights.busiest_free)
        + weights.cut * candidate.cut
        + weights.gap * candidate.gap
        + weights.wide * max(0, candidate.width - weights.widest_free)
        + weights.low * max(0, weights.lowest_free - candidate.height)
    )


def best_path(line: Line, log_probabilities: Sequence[float], weights: Weights = WEIGHTS) -> tuple[list[int], float]:
    """Find the candidates that cover a line from end to end and read best: their indices, left to right, and score.

    Args:
        line: as ``split`` gives it.
        log_probabilities: of each candidate's most probable class.
        weights: what is held against a candidate.
    """
    best = [0.0] + [-math.inf] * line.pieces
    came: list[tuple[int, int | None]] = [(0, None)] * (line.pieces + 1)
    ways: list[list[tuple[int, float, int | None]]] = [[] for _ in best]
    for index, candidate in enumerate(line.candidates):
        worth = score(candidate, log_probabilities[index], weights)
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
    lines: Sequence[Line], single: Candidate, log_probabilities: Sequence[float], weights: Weights = WEIGHTS
) -> list[int]:
    """Decide whether a picture is a number, and which candidates are its digits.

    Args:
        lines: as ``split`` gives them.
        single: as ``whole`` gives it.
        log_probabilities: of the most probable class of ``single``, then of each candidate, line by line.
        weights: what is held against a candidate.

    Returns:
        Indices into ``log_probabilities`` as one reads; none where it is one digit.
    """
    chosen: list[int] = []
    total, start = -weights.several, 1
    for line in lines:
        end = start + len(line.candidates)
        path, worth = best_path(line, log_probabilities[start:end], weights)
        chosen += [start + index for index in path]
        total, start = total + worth, end
    return chosen if len(chosen) > 1 and total > score(single, log_probabilities[0], weights) else []
