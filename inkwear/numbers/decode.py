"""A picture of several digits: which of its candidates are digits, and what they read as."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from inkwear.numbers.joint import Reading, read_line
from inkwear.numbers.segment import WEIGHTS, best_reading, log_odds, score
from inkwear.preprocess.spec import Floats

if TYPE_CHECKING:
    from inkwear.classifier import Look
    from inkwear.numbers.line_reader import LineReader

Chosen = tuple[int, int, float]
"""A digit: its index in ``Look.pixels()``, its class id and its confidence."""


def read_number(
    look: "Look",
    logits: Floats,
    probabilities: Floats,
    temperature: float,
    open_reader: "Callable[[], LineReader | None]",
) -> list[Chosen]:
    """Choose the digits of a picture as one reads them; none where it shows one digit.

    Args:
        look: with lines.
        logits: (look.count, classes) float32 of the network that reads digits.
        probabilities: the same, calibrated.
        temperature: of ``logits``.
        open_reader: gives the reader of lines, or None where there is none; called where digits may touch.
    """
    assert look.single is not None
    odds = [log_odds(each, temperature) for each in logits]
    alone = [
        (index, int(np.argmax(probabilities[index])), float(probabilities[index].max()))
        for index in best_reading(look.lines, look.single, odds)
    ]
    reader = open_reader() if any(line.touching for line in look.lines) else None
    if reader is None or (len(look.lines) > 1 and not alone):
        return alone
    return _read_together(look, logits, odds[0], temperature, reader, alone)


def _read_together(
    look: "Look", logits: Floats, odds: float, temperature: float, reader: "LineReader", alone: list[Chosen]
) -> list[Chosen]:
    """Let the reader of lines have its say; ``alone`` is what the candidates have where it cannot help."""
    chosen: list[Chosen] = []
    reading: Reading | None = None
    start = 1
    for line in look.lines:
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
    if len(look.lines) > 1 or reading is None:
        return chosen
    assert look.single is not None
    as_one = score(look.single, odds) + reading.trust * reading.one[int(np.argmax(logits[0]))]
    as_many = reading.worth + reading.trust * reading.read - WEIGHTS.several
    return chosen if len(chosen) > 1 and as_many > as_one else []
