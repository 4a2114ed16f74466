"""Flags and bars: where they go, and that nothing else changes."""

import numpy as np
import pytest

from tests.hand import render
from training.simulator.habits import with_habits


def image(digit: str) -> np.ndarray:
    """A digit as MNIST has it: (28, 28) uint8, bright on black."""
    return 255 - np.asarray(render(digit, canvas=28, side=20, pen=2))


@pytest.fixture(scope="module")
def plain_one() -> np.ndarray:
    stem = np.zeros((28, 28), np.uint8)
    stem[4:24, 13:16] = 255
    return stem


def changed(pixels: np.ndarray, label: int, count: int = 200) -> np.ndarray:
    """The versions of an image that a habit changed: (n, 28, 28)."""
    copies = np.repeat(pixels[None], count, axis=0)
    made = with_habits(copies, np.full(count, label), seed=3)
    return made[(made != copies).any(axis=(1, 2))]


def test_a_third_of_plain_ones_get_a_flag_at_the_upper_left(plain_one: np.ndarray) -> None:
    flagged = changed(plain_one, 1)
    assert 40 < len(flagged) < 100
    added = flagged.astype(int) - plain_one
    assert (added >= 0).all()
    assert (added[:, :14, :13] > 100).any(axis=(1, 2)).all()
    assert not added[:, :14, 18:].any()


def test_sevens_get_a_bar_or_a_hook() -> None:
    barred = changed(image("7"), 7)
    assert 40 < len(barred) < 110


@pytest.mark.parametrize("label", [0, 2, 3, 4, 5, 6, 8, 9])
def test_other_digits_stay(label: int) -> None:
    assert not len(changed(image(str(label)), label))


def test_an_image_is_changed_alike_whatever_comes_after_it(plain_one: np.ndarray) -> None:
    copies, labels = np.repeat(plain_one[None], 20, axis=0), np.ones(20, int)
    assert np.array_equal(with_habits(copies, labels, 4)[:10], with_habits(copies[:10], labels[:10], 4))
