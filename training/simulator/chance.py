"""Random draws from ranges, and noise that takes hardly any time."""

from collections.abc import Sequence
from functools import cache
from typing import TypeVar

import cv2
import numpy as np

from inkwear.preprocess.spec import Floats

Choice = TypeVar("Choice")

Range = tuple[float, float]
"""Lowest and highest value."""

Shape = tuple[int, int]
"""Height and width of a picture in pixels."""

BANK = 2048
"""Pixels a side of the bank that all noise is cut from; drawing noise anew takes longer than all the rest."""


def between(rng: np.random.Generator, limits: Range) -> float:
    return float(rng.uniform(*limits))


def around(rng: np.random.Generator, limit: float) -> float:
    return float(rng.uniform(-limit, limit))


def happens(rng: np.random.Generator, chance: float) -> bool:
    return bool(rng.random() < chance)


def pick(rng: np.random.Generator, choices: Sequence[Choice]) -> Choice:
    return choices[int(rng.integers(len(choices)))]


def noise(shape: Shape, rng: np.random.Generator, grain: float = 1) -> Floats:
    """Cut a piece of normal noise from the bank, mean 0 and deviation about 1: (H, W) float32.

    Args:
        shape: at most ``BANK`` on a side.
        rng: draws the place.
        grain: size of a grain in pixels.
    """
    height, width = (max(2, round(side / grain)) for side in shape)
    top, left = rng.integers(0, BANK - height + 1), rng.integers(0, BANK - width + 1)
    piece = _bank()[top : top + height, left : left + width]
    if grain == 1:
        return piece
    smooth = cv2.INTER_CUBIC if grain > 4 else cv2.INTER_LINEAR
    return cv2.resize(piece, shape[::-1], interpolation=smooth)


@cache
def _bank() -> Floats:
    bank = np.random.default_rng(0).standard_normal((BANK, BANK), np.float32)
    bank.flags.writeable = False
    return bank
