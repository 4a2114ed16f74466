"""Measuring finished networks; nothing is trained or chosen by the test set here."""

from collections.abc import Iterable
from dataclasses import dataclass

from inkwear.prediction import Prediction


@dataclass(frozen=True)
class Result:
    """How many of the ``images`` in a ``condition`` were classified right; the test set as it is has no condition.

    Of the wrong answers, ``wrong_with_ok`` had the status ``ok``; None where answers have no status.
    """

    condition: str
    correct: int
    images: int
    wrong_with_ok: int | None = None

    @classmethod
    def of(cls, condition: str, answers: Iterable[tuple[Prediction, bool]]) -> "Result":
        """Count predictions, each with whether it is right."""
        found = [(right, prediction.status) for prediction, right in answers]
        return cls(condition, sum(right for right, _ in found), len(found), found.count((False, "ok")))

    @property
    def accuracy(self) -> float:
        return self.correct / self.images
