from pathlib import Path

import numpy as np
import pytest

from inkwear.onnx.metadata import ModelMetadata
from training.calibrate import calibrate
from training.checkpoint import Checkpoint, load_checkpoint
from training.datasets import DATASETS, load_pixels
from training.pretrained import rebuild
from training.publish.describe import describe
from training.splits import Split, load_split

MNIST = DATASETS["mnist"]


@pytest.fixture(scope="module")
def trained(checkpoint: Path) -> Checkpoint:
    return load_checkpoint(checkpoint)


@pytest.fixture(scope="module")
def metadata(trained: Checkpoint, data_dir: Path) -> ModelMetadata:
    model = rebuild(trained)
    return describe(trained, MNIST, model, calibrate(model, load_split(MNIST, "validation", data_dir)))


@pytest.fixture(scope="module")
def test_set(data_dir: Path) -> tuple[np.ndarray, Split]:
    """More images than the largest batch that is checked."""
    return load_pixels(MNIST, "train", data_dir)[0], load_split(MNIST, "train", data_dir)
