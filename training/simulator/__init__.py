"""Pictures as people send them, made from the images of a data set: drawn in apps, photographed on paper or a floor.

A network for real pictures should meet their difficulties (shadows, ruled lines, thin pens) in training, as they are
after the app's own preprocessing. Only numpy, OpenCV and Pillow are needed.
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
"""Makes a picture of an image as the data set stores it, (28, 28) uint8 bright on black."""

CONDITIONS: dict[str, dict[str, Condition]] = {
    "mnist": {**drawings.CONDITIONS, **photographs.CONDITIONS},
    "fashion_mnist": garments.CONDITIONS,
}
"""Conditions by data set and name; a name without a slash mixes the conditions that begin with it."""


def originals(dataset: str, pixels: Pixels, labels: NDArray, seed: int) -> Pixels:
    """Return the images to make pictures of: digits with the habits of several countries, garments as they are.

    Args:
        dataset: name of the data set.
        pixels: (N, 28, 28) uint8, as stored.
        labels: (N,) integers.
        seed: with the index of an image it decides its habits.
    """
    return with_habits(pixels, labels, seed) if dataset == "mnist" else pixels


def simulate(pixels: Pixels, condition: Condition, seed: int) -> Iterator[Image.Image]:
    """Make one picture of each image, independently of the other images.

    Args:
        pixels: (N, 28, 28) uint8, as stored.
        condition: one of ``CONDITIONS``.
        seed: with the index of an image it decides the picture.
    """
    for index, image in enumerate(pixels):
        yield condition(image, np.random.default_rng([seed, index]))
