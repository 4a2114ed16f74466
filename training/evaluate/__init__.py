"""Measuring finished networks; nothing is trained or chosen by the test set here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """How many of the ``images`` in a ``condition`` were classified right; the test set as it is has no condition."""

    condition: str
    correct: int
    images: int

    @property
    def accuracy(self) -> float:
        return self.correct / self.images
