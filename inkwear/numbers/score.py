"""Candidates for one digit, and the score of each."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from inkwear.numbers.components import Box
from inkwear.preprocess.spec import Floats, Pixels


@dataclass(frozen=True)
class Weights:
    """The terms of a candidate's score, in nats.

    Found by maximum likelihood of the right strings, summed over all ways to split, on simulated numbers and digits
    of validation images (550 touching, 130 apart, 54 single that may be several), read by ``mnist-sturdy``; ``several``
    was then raised as far as no number was lost.

    Attributes:
        digit: cost of each digit, so that fewer digits are preferred.
        sure: credit for each nat of its log-odds: a part of a digit may read as another one with a probability of
            99 %, the whole digit reads with more.
        doubt: cost for each nat of -log p, of which at most ``max_doubt`` count.
        max_doubt: in nats.
        busy, free_crossings: cost for each crossing of a row with ink beyond ``free_crossings``, averaged over rows.
        cut: cost for each stroke's width of ink that is cut through.
        gap: cost for each line height of white within a digit.
        wide, free_width: cost for each line height by which a digit is wider than ``free_width``.
        low, free_height: cost for each line height by which a digit is lower than ``free_height``.
        speckle: cost of leaving out a small piece, for each upright stroke of ink in it.
        several: cost of being a number at all.
    """

    digit: float = 4.3
    sure: float = 0.43
    doubt: float = 0.1
    max_doubt: float = 6.0
    busy: float = 4.6
    free_crossings: float = 1.8
    cut: float = 0.22
    gap: float = 1.9
    wide: float = 3.6
    free_width: float = 0.75
    low: float = 2.7
    free_height: float = 0.9
    speckle: float = 4.2
    several: float = 1.0


WEIGHTS = Weights()


@dataclass(frozen=True, eq=False)
class Candidate:
    """Ink that may be one digit: from end ``first`` to end ``last`` of a line.

    Attributes:
        box: around it, in pixels of the foreground.
        width, height, gap: in heights of the line; ``gap`` is the widest white column or row within.
        cut: half the cost of the cuts around it, in strokes.
        crossings: as ``mean_crossings`` counts them.
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
    crossings: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "crossings", mean_crossings(self.pixels))


@dataclass(frozen=True, eq=False)
class Line:
    """A line of pieces from left to right, and the candidates among them.

    Attributes:
        pieces: their number.
        speckles: for each piece its ink in upright strokes if it may be left out, else infinity.
        candidates: in any order.
    """

    pieces: int
    speckles: tuple[float, ...]
    candidates: tuple[Candidate, ...]


def mean_crossings(pixels: Pixels) -> float:
    """Count how often a row with ink meets it, on average: 1 for a 1, 2 for a 0, more for two digits at once."""
    ink = pixels >= 128
    met = np.count_nonzero(ink[:, 1:] > ink[:, :-1]) + np.count_nonzero(ink[:, 0])
    return int(met) / max(int(np.count_nonzero(ink.any(axis=1))), 1)


def log_odds(logits: Floats, temperature: float) -> float:
    """Return the log-odds of the likeliest class in nats, which stay exact where p rounds to 1: (classes,)."""
    ranked = np.sort(logits.astype(np.float64)) / temperature
    return float(ranked[-1] - np.logaddexp.reduce(ranked[:-1]))


def score(candidate: Candidate, odds: float, weights: Weights = WEIGHTS) -> float:
    """Score how well a candidate reads as one digit, in nats.

    Args:
        candidate: with its pixels.
        odds: its log-odds, in nats.
        weights: of the terms.
    """
    return float(credit(np.array(odds), weights)) - cost(candidate, weights)


def credit(odds: NDArray[np.float64], weights: Weights = WEIGHTS) -> NDArray[np.float64]:
    """Return the credit for log-odds of any shape, in nats."""
    return weights.sure * odds - weights.doubt * np.minimum(np.logaddexp(0, -odds), weights.max_doubt)


def cost(candidate: Candidate, weights: Weights = WEIGHTS) -> float:
    """Return the cost of a candidate, whatever it reads as, in nats."""
    return (
        weights.digit
        + weights.busy * max(0, candidate.crossings - weights.free_crossings)
        + weights.cut * candidate.cut
        + weights.gap * candidate.gap
        + weights.wide * max(0, candidate.width - weights.free_width)
        + weights.low * max(0, weights.free_height - candidate.height)
    )
