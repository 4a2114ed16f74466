from pathlib import Path

import numpy as np
import pytest

from tests.hand import render
from training import outliers
from training.datasets import DATASETS

MNIST = DATASETS["mnist"]


@pytest.mark.parametrize("kind", ["scribble", "letter", "noise"])
@pytest.mark.parametrize("part", ["train", "test"])
def test_outliers_are_framed_and_repeatable(kind: str, part, tmp_path: Path) -> None:
    first, second = (outliers.make_outliers(kind, MNIST, part, 8, 3, tmp_path) for _ in range(2))
    assert np.array_equal(first, second)
    assert first.shape[1:] == (28, 28)
    assert len({image.tobytes() for image in first}) == len(first) >= 6


@pytest.mark.parametrize("kind", outliers.MISCUT)
def test_digits_taken_together_and_cut_through_are_outliers_too(kind: str, data_dir: Path) -> None:
    first, second = (outliers.make_outliers(kind, MNIST, "train", 20, 3, data_dir) for _ in range(2))
    assert np.array_equal(first, second)
    assert len({image.tobytes() for image in first}) == len(first) == 20


def test_a_fragment_is_one_side_of_a_digit_and_no_straight_line() -> None:
    ring = 255 - np.asarray(render("0", canvas=28, side=20, pen=2))
    pixels, labels = np.repeat(ring[None], 10, axis=0), np.zeros(10, np.uint8)
    for fragment in outliers._fragments(pixels, labels, 20, np.random.default_rng(1)):
        assert outliers.breadth(fragment) > outliers.MAX_BREADTH_OF_ONE
    kept = [np.count_nonzero(outliers._cut(ring, True, np.random.default_rng(seed))[:, :14]) for seed in range(20)]
    lost = [np.count_nonzero(outliers._cut(ring, True, np.random.default_rng(seed))[:, 22:]) for seed in range(20)]
    assert min(kept) > 0
    assert sum(lost) == 0
    stick = np.zeros((1, 28, 28), np.uint8)
    stick[0, 4:24, 13:15] = 255
    assert outliers.breadth(stick[0]) < outliers.MAX_BREADTH_OF_ONE
