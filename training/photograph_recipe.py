"""How a network learns from photographs; reading the options needs no torch."""

from dataclasses import dataclass

from inkwear.preprocess.spec import InputSpec
from training.recipes import Recipe

MEAN, STD = 0.498039, 0.501961
"""Mean and deviation of the pixels that the published weights were learned with: 127 and 128 of 255."""


def input_spec(size: int) -> InputSpec:
    """Say how a network reads whole pictures from squares of ``size`` pixels a side."""
    return InputSpec(
        mean=MEAN,
        std=STD,
        box=size,
        centering="box",
        full_range=False,
        stroke=None,
        even_lighting=False,
        size=size,
        whole=True,
    )


STRIDE = 32
"""Sides of the squares are multiples of it, so that each halving pads as the published weights were learned."""


@dataclass(frozen=True)
class PhotographRecipe:
    """All that decides the weights but the photographs.

    Attributes:
        epochs: passes over ``photographs`` and ``pasted`` pictures drawn for each.
        size: pixels of a side of the square that the network reads.
        photographs: drawn for an epoch, rare classes and those of senders of few more often.
        pasted: drawn for an epoch from ``bank``.
        nothing: pictures of digits and of empty floors, drawn for an epoch from a fifth of ``bank``.
        bank: pasted pictures that are made.
        batch_size: pictures a step; an epoch that it divides needs one compilation.
        lr: highest learning rate.
        kept: share of the published weights in the weights that are used.
        seed: of everything.
    """

    epochs: int = 40
    size: int = 160
    photographs: int = 4_416
    pasted: int = 2_400
    nothing: int = 352
    bank: int = 15_000
    batch_size: int = 64
    lr: float = 0.0005
    kept: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        if self.size % STRIDE:
            raise ValueError(f"--size is {self.size}; a multiple of {STRIDE} is needed, such as 160.")

    def learning(self) -> Recipe:
        """Return how the network learns."""
        return Recipe(
            epochs=self.epochs,
            lr=self.lr,
            batch_size=self.batch_size,
            optimizer="adamw",
            weight_decay=0.02,
            one_cycle=True,
            label_smoothing=0.1,
            ema_epochs=1.0,
            cutmix=0.25,
            outliers=True,
        )
