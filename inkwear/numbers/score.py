"""Candidates for a digit, and what speaks for and against each."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from inkwear.numbers.components import Box
from inkwear.preprocess.spec import Floats, Pixels


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
