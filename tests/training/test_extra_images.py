"""Files of extra images, and the commands that make them."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.hand import render
from tests.training.clothes import write_photographs
from tests.training.runs import CPU, invoke, small_config
from training import outliers, photos, simulate, split_samples
from training.datasets import DATASETS, Part
from training.errors import DataError
from training.extra_images import NO_CLASS, ExtraImages, load_extra_images, save_extra_images
from training.run import fit

MNIST = DATASETS["mnist"]
SIX = ExtraImages("mnist", np.full((6, 28, 28), 9, np.uint8), np.arange(6, dtype=np.uint8))


@pytest.fixture
def six(tmp_path: Path) -> Path:
    save_extra_images(SIX, tmp_path / "new" / "six.npz")
    return tmp_path / "new" / "six.npz"


def test_images_are_read_back(six: Path) -> None:
    images = load_extra_images(six, MNIST)
    assert images.dataset == "mnist"
    assert np.array_equal(images.pixels, SIX.pixels)
    assert np.array_equal(images.labels, SIX.labels)


def test_a_file_that_cannot_be_used_is_named(six: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.npz").write_bytes(six.read_bytes()[:200])
    save_extra_images(ExtraImages("mnist", SIX.pixels, np.full(6, 77, np.uint8)), tmp_path / "strange.npz")
    for path, dataset, reason in (
        (six, "fashion_mnist", "holds images for mnist, not for fashion_mnist"),
        (tmp_path / "no.npz", "mnist", r"is missing. Make it with"),
        (tmp_path / "cut.npz", "mnist", "damaged"),
        (tmp_path / "strange.npz", "mnist", r"labels \[77\]"),
    ):
        with pytest.raises(DataError, match=reason):
            load_extra_images(path, DATASETS[dataset])


@pytest.mark.slow
def test_a_run_trains_on_extra_images_and_names_them(six: Path, data_dir: Path, tmp_path: Path) -> None:
    best = fit(small_config(extra_images=[six]), data_dir, tmp_path / "run", CPU)
    assert best.config["extra_images"].startswith("six.npz ")


# ------------------------------------------------------------------------------------- simulated pictures, split rows


@pytest.mark.slow
@pytest.mark.parametrize("command", [simulate, split_samples])
def test_what_a_command_makes_depends_on_its_options_alone(command, data_dir: Path, tmp_path: Path) -> None:
    paths = [tmp_path / "one.npz", tmp_path / "two.npz"]
    for path in paths:
        invoke(command.cli, "--dataset=mnist", "--count=12", f"--data-dir={data_dir}", f"--output={path}")
    first, second = (load_extra_images(path, MNIST) for path in paths)
    assert np.array_equal(first.pixels, second.pixels)
    good = first.labels != NO_CLASS
    assert len(set(first.labels[good].tolist())) >= 5
    if command is simulate:
        assert len(first.labels) >= 8
        assert first.pixels.max(axis=(1, 2)).min() >= 250
    else:
        assert 5 < good.sum() < len(good) - 5, "digits that stand there, and others that do not"


def test_digits_of_a_row_touch_and_stand_where_they_stand_alone() -> None:
    five = 255 - np.asarray(render("5", canvas=28, side=20, pen=2))
    alone = split_samples.row_of_digits(np.stack([five] * 3), np.random.default_rng(0))
    columns = [np.flatnonzero(one.any(axis=0)) for one in alone]
    assert all(left[-1] + 8 >= right[0] for left, right in pairwise(columns))
    assert columns[0][0] < columns[1][0] < columns[2][0]


def test_clothes_are_not_cut_apart(data_dir: Path, tmp_path: Path) -> None:
    options = ["--dataset=fashion_mnist", f"--data-dir={data_dir}", f"--output={tmp_path / 'no.npz'}"]
    assert "fashion_mnist has no strokes" in invoke(split_samples.cli, *options, code=2)


# ----------------------------------------------------------------------------------------------------------- outliers


@pytest.mark.parametrize("kind", ["scribble", "letter", "noise", *outliers.MISCUT])
@pytest.mark.parametrize("part", ["train", "test"])
def test_outliers_are_framed_and_repeatable(kind: str, part: Part, data_dir: Path) -> None:
    first, second = (outliers.make_outliers(kind, MNIST, part, 8, 3, data_dir) for _ in range(2))
    assert np.array_equal(first, second)
    assert first.shape[1:] == (28, 28)
    assert len({image.tobytes() for image in first}) == len(first) >= 6


def test_a_fragment_is_one_side_of_a_digit_and_no_straight_line() -> None:
    ring = 255 - np.asarray(render("0", canvas=28, side=20, pen=2))
    pixels, labels = np.repeat(ring[None], 10, axis=0), np.zeros(10, np.uint8)
    for fragment in outliers._fragments(pixels, labels, 20, np.random.default_rng(1)):
        assert outliers.breadth(fragment) > outliers.MAX_BREADTH_OF_ONE
    cut = [outliers._cut(ring, True, np.random.default_rng(seed)) for seed in range(20)]
    assert all(fragment[:, :14].any() and not fragment[:, 22:].any() for fragment in cut)
    stick = np.pad(np.full((20, 2), 255, np.uint8), ((4, 4), (13, 13)))
    assert outliers.breadth(stick) < outliers.MAX_BREADTH_OF_ONE


# -------------------------------------------------------------------------------------------------------- photographs


def test_photographs_become_images_but_those_of_held_out_senders(tmp_path: Path) -> None:
    write_photographs(tmp_path, ("Dress", "Shoes sandal", "Hat"), senders=8)
    output = tmp_path / "photos.npz"
    invoke(photos.cli, tmp_path, f"--output={output}", "--variants=2")
    images = load_extra_images(output, DATASETS["fashion_mnist"])
    assert Counter(images.labels.tolist()) == {3: 2 * 6, 5: 2 * 6, NO_CLASS: 2 * 6}
    assert images.pixels.shape == (36, 28, 28)
