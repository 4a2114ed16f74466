from pathlib import Path

import numpy as np
import pytest
import torch

from training.config import Config
from training.datasets import DATASETS
from training.errors import DataError
from training.extra_images import ExtraImages, load_extra_images, save_extra_images
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
    with pytest.raises(DataError, match="holds images for mnist, not for fashion_mnist"):
        load_extra_images(six, DATASETS["fashion_mnist"])
    with pytest.raises(DataError, match=r"is missing. Make it with"):
        load_extra_images(tmp_path / "no.npz", MNIST)
    (tmp_path / "cut.npz").write_bytes(six.read_bytes()[:200])
    with pytest.raises(DataError, match="damaged"):
        load_extra_images(tmp_path / "cut.npz", MNIST)
    save_extra_images(ExtraImages("mnist", SIX.pixels, np.full(6, 77, np.uint8)), tmp_path / "strange.npz")
    with pytest.raises(DataError, match=r"labels \[77\]"):
        load_extra_images(tmp_path / "strange.npz", MNIST)


@pytest.mark.slow
def test_a_run_trains_on_extra_images_and_names_them(six: Path, data_dir: Path, tmp_path: Path) -> None:
    config = Config.of("mnist", "mlp_small", extra_images=[six], epochs=1)
    best = fit(config, data_dir, tmp_path / "run", torch.device("cpu"))
    assert best.config["extra_images"].startswith("six.npz ")
