from pathlib import Path

import numpy as np
import pytest

from tests.training.clothes import garment, write_fashion
from training.extra_images import NO_CLASS
from training.pasted import SIDE, _corner, _paste, nothing_to_wear, pasted, without_halo


@pytest.fixture
def fashion(data_dir: Path) -> Path:
    """The folder of the small data sets, with a Fashion-MNIST among them."""
    write_fashion(data_dir)
    return data_dir


def photograph() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (90, 120)).astype(np.uint8)


@pytest.mark.slow
def test_garments_are_pasted_with_their_classes_and_rare_ones_more_often(fashion: Path) -> None:
    samples = pasted(60, 1, [photograph()], fashion)
    labels = np.array([label for _, label in samples])
    assert len(samples) == 60
    assert all(picture.dtype == np.uint8 and max(picture.shape) <= SIDE for picture, _ in samples)
    assert (labels == 8).sum() > (labels == 1).sum()


@pytest.mark.slow
def test_digits_and_floors_belong_to_no_class(fashion: Path) -> None:
    samples = nothing_to_wear(8, 1, fashion)
    assert [label for _, label in samples] == [NO_CLASS] * 8
    assert len({picture.tobytes() for picture, _ in samples}) == 8


def test_the_same_seed_pastes_alike() -> None:
    image = garment(3, np.random.default_rng(0))
    made = [_paste(image, photograph(), (1, index)) for index in (4, 4, 5)]
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])


def test_a_corner_of_a_photograph_becomes_a_background() -> None:
    even = np.full((90, 120), 77, np.uint8)
    background = _corner((50, 64), np.random.default_rng(0), even)
    assert background.shape == (50, 64, 3)
    assert (background == 77).all()


def test_a_halo_gets_the_level_of_what_is_beside_it_and_straps_stay() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[6:22, 6:22], image[7:21, 7:21] = 60, 200
    image[2:6, 12] = 150  # a strap, one pixel wide
    evened = without_halo(image)
    assert evened[6:22, 6:22].min() >= 199
    assert np.array_equal(evened[2:4, 12], image[2:4, 12])
    assert np.array_equal(evened > 0, image > 0)
