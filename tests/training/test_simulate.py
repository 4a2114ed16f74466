from pathlib import Path

import numpy as np
import pytest

from tests.training.commands import invoke
from training import simulate
from training.datasets import DATASETS
from training.extra_images import load_extra_images

pytestmark = pytest.mark.slow

MNIST = DATASETS["mnist"]


def test_simulated_pictures_become_framed_images(data_dir: Path, tmp_path: Path) -> None:
    arguments = ["--dataset=mnist", "--count=12", f"--data-dir={data_dir}"]
    for name in ("one.npz", "two.npz"):
        invoke(simulate.cli, *arguments, f"--output={tmp_path / name}")
    first, second = (load_extra_images(tmp_path / name, MNIST) for name in ("one.npz", "two.npz"))
    assert np.array_equal(first.pixels, second.pixels)
    assert len(first.labels) >= 8
    assert first.pixels.max(axis=(1, 2)).min() >= 250
