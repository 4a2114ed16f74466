"""A small Fashion-MNIST and a small collection of photographs, both drawn by us, for tests."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from tests.conftest import write_idx
from training.photographs import SHOE_LABELS


def garment(label: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a rectangle whose shape tells its class: (28, 28) uint8, bright on black."""
    image = np.zeros((28, 28), np.uint8)
    height, width = 8 + 2 * label, 26 - 2 * label
    image[14 - height // 2 : 14 + height // 2, 14 - width // 2 : 14 + width // 2] = rng.integers(120, 256)
    return image


def write_fashion(folder: Path, count: int = 60) -> None:
    """Write images in torchvision's layout: of each class as many."""
    rng = np.random.default_rng(3)
    labels = np.arange(count) % 10
    for prefix in ("train", "t10k"):
        images = np.stack([garment(int(label), rng) for label in labels])
        write_idx(folder / f"FashionMNIST/raw/{prefix}-images-idx3-ubyte", images)
        write_idx(folder / f"FashionMNIST/raw/{prefix}-labels-idx1-ubyte", labels)


def write_photographs(folder: Path, kinds: tuple[str, ...], senders: int = 8) -> None:
    """Write photographs of kinds, of each sender one of each kind, as the public collection has them.

    A kind such as ``Shoes sneaker`` gets the name of a photograph that the labels of shoes know.
    """
    with SHOE_LABELS.open(encoding="utf-8") as file:
        shoes = list(csv.DictReader(file))
    (folder / "images").mkdir(parents=True, exist_ok=True)
    rows, rng = [], np.random.default_rng(4)
    for sender in range(senders):
        for number, kind in enumerate(kinds):
            name, label = f"photo-{sender}-{number}", kind
            if kind.startswith("Shoes "):
                label, shoe, sure = (*kind.split(), "1")[:3]
                named = [each["image"] for each in shoes if each["kind"] == shoe and each["sure"] == sure]
                name = named[sender]
            picture = np.full((60, 80), 210, np.uint8)
            picture[10 : 20 + 4 * number, 20:60] = rng.integers(20, 120)
            Image.fromarray(picture).convert("RGB").save(folder / "images" / f"{name}.jpg")
            rows.append([name, sender, label, False])
    with (folder / "images.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["image", "sender_id", "label", "kids"], *rows])
