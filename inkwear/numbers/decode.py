"""Reads a picture of several digits: which of its candidates are digits, and which classes they have."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from inkwear.numbers.score import WEIGHTS, Candidate, Line, Weights, log_odds, score
from inkwear.preprocess.spec import Floats

if TYPE_CHECKING:
    from inkwear.prediction import Prepared

Chosen = tuple[int, int, float]
"""A digit: its index in ``Prepared.pixels()``, its class id and its confidence."""


def read_number(prepared: "Prepared", logits: Floats, probabilities: Floats, temperature: float) -> list[Chosen]:
    """Choose the digits of a picture in reading order; none if it shows one digit.

    Args:
        prepared: a picture with lines.
        logits: (prepared.count, classes) float32 of the network that reads digits.
        probabilities: (prepared.count, classes) float32, calibrated.
        temperature: of ``logits``.
    """
    assert prepared.single is not None
    odds = [log_odds(each, temperature) for each in logits]
    return [
        (index, int(np.argmax(probabilities[index])), float(probabilities[index].max()))
        for index in best_reading(prepared.lines, prepared.single, odds)
    ]


def best_path(line: Line, odds: Sequence[float], weights: Weights = WEIGHTS) -> tuple[list[int], float]:
    """Find the candidates that cover a line and read best: their indices from left to right, and their score.

    Args:
        line: from ``split``.
        odds: the ``log_odds`` of each candidate.
        weights: of the score.
    """
    best = [0.0] + [-math.inf] * line.pieces
    back: list[tuple[int, int | None]] = [(0, None)] * (line.pieces + 1)
    incoming: list[list[tuple[int, float, int | None]]] = [[] for _ in best]
    for index, candidate in enumerate(line.candidates):
        incoming[candidate.last].append((candidate.first, score(candidate, odds[index], weights), index))
    for piece, ink in enumerate(line.speckles):
        incoming[piece + 1].append((piece, -weights.speckle * ink, None))
    for end in range(1, line.pieces + 1):
        for start, gain, taken in incoming[end]:
            if best[start] + gain > best[end]:
                best[end], back[end] = best[start] + gain, (start, taken)
    path, end = [], line.pieces
    while end and math.isfinite(best[-1]):
        end, taken = back[end]
        path += [] if taken is None else [taken]
    return path[::-1], best[-1]


def best_reading(
    lines: Sequence[Line], single: Candidate, odds: Sequence[float], weights: Weights = WEIGHTS
) -> list[int]:
    """Decide whether a picture is a number, and which candidates are its digits.

    Args:
        lines: from ``split``.
        single: from ``whole``.
        odds: the ``log_odds`` of ``single``, then of each candidate, line by line.
        weights: of the score.

    Returns:
        Indices into ``odds`` in reading order; none if it is one digit.
    """
    chosen: list[int] = []
    total, start = -weights.several, 1
    for line in lines:
        end = start + len(line.candidates)
        path, gain = best_path(line, odds[start:end], weights)
        chosen += [start + index for index in path]
        total, start = total + gain, end
    return chosen if len(chosen) > 1 and total > score(single, odds[0], weights) else []
