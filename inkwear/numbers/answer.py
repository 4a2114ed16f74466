"""The answer for a picture that the reader of lines has read: a digit, a number, or something that is neither."""

import math
from collections.abc import Sequence

import numpy as np

from inkwear.numbers.agreement import Agreed, agree_on_number, agree_on_one
from inkwear.numbers.components import scaled_box
from inkwear.numbers.line_reader import UNKNOWN
from inkwear.numbers.reading import ReadLine, ReadPage
from inkwear.onnx.metadata import ModelMetadata
from inkwear.prediction import Digit, Prediction, Prepared, ReadBy
from inkwear.preprocess.notes import Note
from inkwear.preprocess.spec import Floats

LONE_DIGIT = 0.9
"""Probability of there being one digit and nothing else, for the reader, below which one is not sure of it. Nor is one
where model and reader differ: of letters, shapes, scribbles and lying digits each is sure at times, of others."""

SURE_OF_ONE, SURE_OF_NUMBER = 0.97, 0.975
"""Confidence from which a digit is ``ok``, and a number whose least certain digit has it: with these, about one picture
in a hundred or fewer was wrong, yet ``ok``, in each kind of 54 real pictures or more, from which neither network had
learned (checks, crops, cells, boxes), for four models. A model's own threshold may be higher."""

FEW_DIGITS, ILLEGIBLE, WHOLE = 3, 0.6, 0.8
"""A reading of so few digits, less probable than the second, gives way to the picture as one digit if that has the
third as its confidence: strokes that are interrupted and specks look like digits to the reader."""


def answer(prepared: Prepared, probabilities: Floats, metadata: ModelMetadata) -> Prediction:
    """Answer for a picture.

    Args:
        prepared: with lines that were read.
        probabilities: (prepared.count, classes) of the model.
        metadata: of the model.
    """
    page = prepared.page
    assert page is not None
    lines = [line for line in page.lines if line.digits]
    count = sum(len(line.digits) for line in lines)
    if count > 1:
        p = math.prod(line.transcript.p for line in page.lines)
        if count > FEW_DIGITS or p >= ILLEGIBLE or probabilities[0].max() < WHOLE:
            return _number(prepared, page, lines, probabilities[1:], metadata)
        lines = []
    ours, pixels, p_alone, by_both, text = probabilities[0], prepared.framed.pixels, 0.0, False, None
    if lines:
        [line], [digit] = lines, lines[0].digits
        is_all = len(page.lines) == 1 and len(line.transcript.signs) == 1 and not page.notes
        if not is_all and digit.pixels.any():
            ours, pixels = probabilities[1], digit.pixels
        ours, p_alone, by_both = agree_on_one(line.transcript, ours)
        text = line.transcript.spelled([metadata.class_names[int(ours.argmax())]])
    enough = max(SURE_OF_ONE, metadata.reject_threshold)
    is_sure = page.is_known and by_both and p_alone >= LONE_DIGIT and float(ours.max()) >= enough
    notes = (*prepared.framed.notes, *_notes(page))
    return Prediction(
        status="ok" if is_sure else "unsure",
        class_names=metadata.class_names,
        probabilities=tuple(ours.tolist()),
        pixels=pixels,
        notes=notes,
        written=text,
    )


def _number(
    prepared: Prepared, page: ReadPage, lines: Sequence[ReadLine], probabilities: Floats, metadata: ModelMetadata
) -> Prediction:
    """Answer with the digits of ``lines``, to which the rows of ``probabilities`` belong in turn."""
    digits: list[Digit] = []
    agreed: list[Agreed] = []
    texts = []
    for line in lines:
        ours = probabilities[len(digits) : len(digits) + len(line.digits)]
        is_seen = np.array([[digit.pixels.any()] for digit in line.digits])
        ours = np.where(is_seen, ours, 1 / len(metadata.class_names))
        in_line = agree_on_number(line.transcript, ours, [digit.is_cut for digit in line.digits])
        agreed += in_line
        for digit, each in zip(line.digits, in_line, strict=True):
            name, box = metadata.class_names[each.class_id], scaled_box(digit.box, prepared.scale)
            digits.append(Digit(name, each.p, box, digit.pixels))
        texts.append(line.transcript.spelled(digit.label for digit in digits[-len(in_line) :]))
    enough = max(SURE_OF_NUMBER, metadata.reject_threshold)
    is_sure = page.is_known and min(digit.confidence for digit in digits) >= enough
    notes = [*prepared.found, Note("number", {"digits": len(digits)})]
    if len(lines) > 1:
        notes.append(Note("lines", {"lines": len(lines)}))
    return Prediction(
        status="ok" if is_sure else "unsure",
        class_names=metadata.class_names,
        probabilities=(),
        pixels=prepared.framed.pixels,
        notes=(*notes, *_notes(page)),
        digits=tuple(digits),
        written="\n".join(texts),
        reader=_read_by(agreed),
    )


def _read_by(agreed: Sequence[Agreed]) -> ReadBy:
    if all(each.by_reader for each in agreed):
        return "both" if all(each.by_model for each in agreed) else "line reader"
    return "model"


def _notes(page: ReadPage) -> list[Note]:
    """Say how the page was turned, what was left out, and which marks are no digits."""
    names = [sign.name for line in page.lines for sign in line.transcript.signs if sign.class_id is None]
    signs = "".join(dict.fromkeys(name for name in names if name not in (UNKNOWN, " ")))
    notes = [Note("signs", {"signs": signs})] if signs else []
    return [*page.notes, *notes] + [Note("unknown_marks", {"count": names.count(UNKNOWN)})] * (UNKNOWN in names)
