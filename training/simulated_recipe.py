"""The options of training on simulated examples; reading them needs no torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SimulatedRecipe:
    """All that decides the weights of a network that learns from simulated examples, but its data set.

    Attributes:
        count: examples to learn from.
        digits: images of the data set that are written with.
        batch_size: examples a step.
        lr: learning rate after the first ``warmup`` examples and before the last ``decay``.
        warmup: first examples, over which the learning rate rises from 0 in a straight line.
        decay: last examples, over which it falls to 0 in a straight line.
        seed: of the examples and the weights.
    """

    count: int
    digits: int = 30_000
    batch_size: int = 48
    lr: float = 0.002
    warmup: int = 10_000
    decay: int = 150_000
    seed: int = 0

    def rate(self, seen: int) -> float:
        """Return the learning rate after ``seen`` examples."""
        return self.lr * min(1.0, (seen + self.batch_size) / self.warmup, max(0.0, self.count - seen) / self.decay)
