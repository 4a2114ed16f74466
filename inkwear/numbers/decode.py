"""Reads a picture of several digits: which of its candidates are digits, and which classes they have."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from inkwear.numbers.joint import Reading, read_line
from inkwear.numbers.line_reader import LineReader
from inkwear.numbers.score import WEIGHTS, Candidate, Line, Weights, log_odds, score
from inkwear.preprocess.spec import Floats

if TYPE_CHECKING:
    from inkwear.prediction import Prepared

Chosen = tuple[int, int, float]
"""A digit: its index in ``Prepared.pixels()``, its class id and its confidence."""


def read_number(
    prepared: "Prepared",
    logits: Floats,
    probabilities: Floats,
    temperature: float,
    open_reader: Callable[[], LineReader | None],
) -> list[Chosen]:
    """Choose the digits of a picture in reading order; none if it shows one digit.

    Args:
        prepared: a picture with lines.
        logits: (prepared.count, classes) float32 of the network that reads digits.
        probabilities: (prepared.count, classes) float32, calibrated.
        temperature: of ``logits``.
        open_reader: returns the reader of lines, or None if there is none; called where digits may touch.
    """
    assert prepared.single is not None
    odds = [log_odds(each, temperature) for each in logits]
    alone = [
        (index, int(np.argmax(probabilities[index])), float(probabilities[index].max()))
        for index in best_reading(prepared.lines, prepared.single, odds)
    ]
    reader = open_reader() if any(line.touching for line in prepared.lines) else None
    if reader is None or (len(prepared.lines) > 1 and not alone):
        return alone
    readings = _read_lines(prepared.lines, logits, temperature, reader)
    if readings is None:
        return alone
    chosen = [
        (start + index, class_id, confidence)
        for start, reading in readings
        for index, class_id, confidence in zip(reading.path, reading.classes, reading.confidences, strict=True)
    ]
    return chosen if len(readings) > 1 or _are_several(prepared.single, logits[0], odds[0], readings[0][1]) else []


def _read_lines(
    lines: Sequence[Line], logits: Floats, temperature: float, reader: LineReader
) -> list[tuple[int, Reading]] | None:
    """Read lines by candidates and reader; return for each its first index in ``logits``, or None if one is unread."""
    readings: list[tuple[int, Reading]] = []
    start = 1
    for line in lines:
        end = start + len(line.candidates)
        assert line.strip is not None
        reading = read_line(line, logits[start:end], reader.read(line.strip), temperature)
        if reading is None:
            return None
        readings.append((start, reading))
        start = end
    return readings


def _are_several(single: Candidate, logits: Floats, odds: float, reading: Reading) -> bool:
    """Return whether a line reads better as its digits than as one digit."""
    as_one = score(single, odds) + reading.trust * reading.log_p_of_one[int(np.argmax(logits))]
    as_several = reading.score + reading.trust * reading.log_p - WEIGHTS.several
    return len(reading.classes) > 1 and as_several > as_one


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
