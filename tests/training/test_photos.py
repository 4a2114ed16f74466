from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inkwear.classifier import Classifier
from tests.training.commands import invoke
from training import photos
from training.datasets import DATASETS
from training.extra_images import load_extra_images
from training.photos import find_photos


def test_photographs_become_images_with_a_fifth_held_out(tmp_path: Path) -> None:
    shirt = np.full((90, 80, 3), 250, np.uint8)
    shirt[20:70, 25:55] = (200, 30, 30)
    for kind in ("dress", "shoes"):
        (tmp_path / kind).mkdir()
        for index in range(5):
            Image.fromarray(shirt).save(tmp_path / kind / f"{index}.png")
    assert [path.name for path, _ in find_photos(tmp_path, held_out=True)] == ["0.png", "0.png"]
    export = Path("exports/fashion_mnist-mlp_small.onnx")
    output = tmp_path / "photos.npz"
    invoke(photos.cli, str(tmp_path), f"--output={output}", f"--model={export}", "--variants=2")
    images = load_extra_images(output, DATASETS["fashion_mnist"])
    names = [Classifier(export, "cpu").metadata.class_names[label] for label in images.labels]
    assert len(names) == 2 * 4 * 2
    assert names[:8] == ["Dress"] * 8
    assert set(names[8:]) <= {"Sandal", "Sneaker", "Ankle boot"}


def test_a_folder_without_photographs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no photographs in folders named t-shirt"):
        find_photos(tmp_path, held_out=False)
