from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.hand import render
from tests.training.commands import invoke
from training import split_samples
from training.datasets import DATASETS
from training.extra_images import NO_CLASS, load_extra_images

pytestmark = pytest.mark.slow

MNIST = DATASETS["mnist"]


def test_samples_are_digits_that_stand_there_and_others_that_do_not(data_dir: Path, tmp_path: Path) -> None:
    for name in ("one.npz", "two.npz"):
        options = [f"--data-dir={data_dir}", f"--output={tmp_path / name}", "--count=12"]
        invoke(split_samples.cli, *options)
    first, second = (load_extra_images(tmp_path / name, MNIST) for name in ("one.npz", "two.npz"))
    assert np.array_equal(first.pixels, second.pixels)
    good = first.labels != NO_CLASS
    assert 5 < good.sum() < len(good) - 5
    assert len(set(first.labels[good].tolist())) >= 5


def test_digits_of_a_row_touch_and_stand_where_they_stand_alone() -> None:
    five = 255 - np.asarray(render("5", canvas=28, side=20, pen=2))
    alone = split_samples.row_of_digits(np.stack([five] * 3), np.random.default_rng(0))
    assert len(alone) == 3
    columns = [np.flatnonzero(one.any(axis=0)) for one in alone]
    assert all(left[-1] + 8 >= right[0] for left, right in pairwise(columns))
    assert columns[0][0] < columns[1][0] < columns[2][0]


def test_clothes_are_not_cut_apart(data_dir: Path, tmp_path: Path) -> None:
    options = ["--dataset=fashion_mnist", f"--data-dir={data_dir}", f"--output={tmp_path / 'no.npz'}"]
    output = invoke(split_samples.cli, *options, code=2)
    assert "fashion_mnist has no strokes" in output
