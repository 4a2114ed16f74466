"""Finds the picture that ends every process that reads it, so that it costs no other input its answer."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from app.batch.inputs.input import Chunk, Failure, Input, fingerprint_of
from app.batch.output.formats import Format, encode
from app.batch.output.row import Row
from app.batch.run.reader import Answered

AnswerEach = Callable[[Sequence[Chunk]], Sequence[Answered | None]]
"""Answers chunks in processes that may die; None stands for a chunk whose processes died."""


def rescued(chunk: Chunk, answer_each: AnswerEach, form: Format) -> Answered:
    """Answer a chunk whose processes died: what kills even alone becomes an error row, the rest stays a chunk.

    Where inputs kill only together, each is answered alone.

    Args:
        chunk: the inputs.
        answer_each: runs them again.
        form: the table's format.
    """
    alone = answer_each([[item] for item in chunk]) if len(chunk) > 1 else [None]
    spared = [_failed(item) if answer is None else item for item, answer in zip(chunk, alone, strict=True)]
    [together] = answer_each([spared])
    singly = [answer or _error_row(item, form) for item, answer in zip(spared, alone, strict=True)]
    return replace(together or Answered.joined(singly), fingerprint=fingerprint_of(chunk))


def _failed(item: Input) -> Input:
    sentence = f"{item.path}: it ended the process that read it (a crash, or no memory left)."
    return replace(item, source=Failure("internal", sentence))


def _error_row(item: Input, form: Format) -> Answered:
    assert isinstance(item.source, Failure)
    return Answered(encode([Row.failed(item.path, item.source)], form), Counter(error=1))
