"""A picture of several digits: which of its candidates are digits, and what they read as."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from inkwear.numbers.joint import Reading, read_line
from inkwear.numbers.score import WEIGHTS, Candidate, Line, Weights, log_odds, score
from inkwear.preprocess.spec import Floats

if TYPE_CHECKING:
    from inkwear.numbers.line_reader import LineReader
    from inkwear.prediction import Prepared

Chosen = tuple[int, int, float]
"""A digit: its index in ``Prepared.pixels()``, its class id and its confidence."""


def read_number(
    prepared: "Prepared",
    logits: Floats,
    probabilities: Floats,
    temperature: float,
    open_reader: "Callable[[], LineReader | None]",
) -> list[Chosen]:
    """Choose the digits of a picture as one reads them; none where it shows one digit.

    Args:
        prepared: with lines.
        logits: (prepared.count, classes) float32 of the network that reads digits.
        probabilities: the same, calibrated.
        temperature: of ``logits``.
        open_reader: gives the reader of lines, or None where there is none; called where digits may touch.
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
    return _read_together(prepared, logits, odds[0], temperature, reader, alone)


def _read_together(
    prepared: "Prepared", logits: Floats, odds: float, temperature: float, reader: "LineReader", alone: list[Chosen]
) -> list[Chosen]:
    """Let the reader of lines have its say; ``alone`` is what the candidates have where it cannot help."""
    chosen: list[Chosen] = []
    reading: Reading | None = None
    start = 1
    for line in prepared.lines:
        end = start + len(line.candidates)
        assert line.strip is not None
        reading = read_line(line, logits[start:end], reader.read(line.strip), temperature)
        if reading is None:
            return alone
        chosen += [
            (start + index, class_id, confidence)
            for index, class_id, confidence in zip(reading.path, reading.classes, reading.sure, strict=True)
        ]
        start = end
    if len(prepared.lines) > 1 or reading is None:
        return chosen
    assert prepared.single is not None
    as_one = score(prepared.single, odds) + reading.trust * reading.one[int(np.argmax(logits[0]))]
    as_many = reading.worth + reading.trust * reading.read - WEIGHTS.several
    return chosen if len(chosen) > 1 and as_many > as_one else []


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
