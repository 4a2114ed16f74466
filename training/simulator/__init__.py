"""Pictures as people send them, made from the images of a data set: drawn in apps, photographed on paper or a floor.

A network that is to read the world's pictures should meet their troubles in training, after the preprocessing that
will meet them too: shadows, ruled lines, thin pens. Only numpy, OpenCV and Pillow are needed.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkwear.preprocess.spec import Pixels
from training.simulator import drawings, garments, photographs
from training.simulator.habits import with_habits

__all__ = ["CONDITIONS", "Condition", "originals", "simulate"]

Condition = Callable[[Pixels, np.random.Generator], Image.Image]
"""From an image as the data set stores it, (28, 28) uint8 bright on black, to a picture of it."""

CONDITIONS: dict[str, dict[str, Condition]] = {
    "mnist": {**drawings.CONDITIONS, **photographs.CONDITIONS},
    "fashion_mnist": garments.CONDITIONS,
}
"""By the name of the data set, then of the condition; a name without a slash mixes those that begin with it."""


def originals(dataset: str, pixels: Pixels, labels: NDArray, seed: int) -> Pixels:
    """Return what pictures are to be made of: digits as people of several countries write them, garments as they are.

    Args:
        dataset: its name.
        pixels: (N, 28, 28) uint8, as stored.
        labels: (N,) integers.
        seed: with an image's index it decides everything that is left to chance.
    """
    return with_habits(pixels, labels, seed) if dataset == "mnist" else pixels


def simulate(pixels: Pixels, condition: Condition, seed: int) -> Iterator[Image.Image]:
    """Make one picture of each image; the same whatever other images are asked for with it.

    Args:
        pixels: (N, 28, 28) uint8, as stored.
        condition: one of ``CONDITIONS``.
        seed: with the image's index it decides everything that is left to chance.
    """
    for index, image in enumerate(pixels):
        yield condition(image, np.random.default_rng([seed, index]))
