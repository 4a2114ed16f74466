"""A row of the table: an input and its answer, or why it has none."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal, Self

from app.batch.inputs.input import Code, Failure

if TYPE_CHECKING:
    from inkwear.prediction import Prediction

Status = Literal["ok", "unsure", "blank", "error"]


@dataclass(frozen=True)
class Row:
    """An input and its answer.

    The label of a number is its digits in a row, its ``text`` keeps separators, signs and line breaks; its
    ``class_id`` is None, its ``top_k`` empty, and ``digits`` lists (label, confidence, left, top, right, bottom) for
    each, in pixels of the upright picture. The text of one thing is its label. A failure has a ``code`` and an
    ``error`` only.
    """

    path: str
    status: Status
    label: str | None = None
    text: str | None = None
    class_id: int | None = None
    confidence: float | None = None
    top_k: tuple[tuple[str, float], ...] = ()
    notes: tuple[str, ...] = ()
    error: str | None = None
    code: Code | None = None
    digits: tuple[tuple[str, float, int, int, int, int], ...] = ()

    @classmethod
    def of(cls, path: str, prediction: "Prediction", top_k: int) -> Self:
        """Make the row of an input that was read.

        Args:
            path: name of the input.
            prediction: its answer.
            top_k: number of classes to list.
        """
        digits, best = prediction.digits, prediction.top(top_k)
        label = best[0][0] if best else prediction.label
        return cls(
            path=path,
            status=prediction.status,
            label=label,
            text=prediction.text if digits else label,
            class_id=prediction.probabilities.index(best[0][1]) if best else None,
            confidence=best[0][1] if best else prediction.confidence,
            top_k=tuple(best),
            notes=tuple([str(note) for note in prediction.notes]),
            digits=tuple([(digit.label, digit.confidence, *digit.box) for digit in digits]) if digits else (),
        )

    @classmethod
    def failed(cls, path: str, failure: Failure) -> Self:
        """Make the row of an input that could not be read."""
        return cls(path, "error", error=failure.sentence, code=failure.code)


COLUMNS = tuple(field.name for field in fields(Row))
"""Names of a table's columns, in order."""
