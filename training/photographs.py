"""The photographs of clothing to learn from: github.com/alexeygrigorev/clothing-dataset, CC0, split by sender.

``images.csv`` names each photograph's kind and its sender; kinds of shoes come from ``training/labels/shoes.csv``.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inkwear.images.decode import open_image
from inkwear.preprocess.grayscale import to_colors, to_grayscale
from inkwear.preprocess.spec import Pixels
from training.errors import DataError
from training.extra_images import NO_CLASS

CLASSES = {
    "T-Shirt": 0,
    "Polo": 0,
    "Undershirt": 0,
    "Top": 0,
    "Body": 0,
    "Pants": 1,
    "Longsleeve": 2,
    "Hoodie": 2,
    "Dress": 3,
    "Outwear": 4,
    "Blazer": 4,
    "Shirt": 6,
    "Blouse": 6,
}
"""Kind of a photograph -> its class of Fashion-MNIST."""

SHOES = {"sandal": 5, "sneaker": 7, "boot": 9, "clog": NO_CLASS, "other": NO_CLASS}
"""Kind of shoes -> its class; Fashion-MNIST has none for clogs, pumps and loafers."""

UNNAMED = frozenset({"Hat", "Skirt", "Shorts"})
"""Kinds that belong to no class. Most of ``Other`` and ``Not sure`` belong to one, but it is in doubt which."""

SHOE_LABELS = Path(__file__).with_name("labels") / "shoes.csv"

HELD_OUT_EVERY = 7
"""Photographs of every seventh sender are held out."""


@dataclass(frozen=True, eq=False)
class FoundPhotograph:
    """A photograph of which the class is known, or known to be none.

    Attributes:
        path: of its file.
        label: its class, or ``NO_CLASS``.
        sender: number of the person who sent it.
    """

    path: Path
    label: int
    sender: int

    @property
    def is_held_out(self) -> bool:
        return self.sender % HELD_OUT_EVERY == 0


@dataclass(frozen=True, eq=False)
class Photograph(FoundPhotograph):
    """A photograph with its pixels, (H, W) uint8, upright."""

    gray: Pixels


def load_photographs(folder: Path) -> list[Photograph]:
    """Read all photographs of ``find_photographs`` in gray; raises as that does."""
    found = []
    for each in find_photographs(folder):
        picture, _ = to_colors(open_image(each.path))
        found.append(Photograph(each.path, each.label, each.sender, to_grayscale(picture)))
    return found


def find_photographs(folder: Path) -> list[FoundPhotograph]:
    """List all photographs of which the class is known, or known to be none.

    Args:
        folder: holds ``images.csv`` and ``images``.

    Raises:
        DataError: there is no ``images.csv``, or a photograph is missing.
    """
    table = folder / "images.csv"
    if not table.exists():
        raise DataError(f"{table} is missing. Put a copy of github.com/alexeygrigorev/clothing-dataset into {folder}.")
    shoes = {row["image"]: row for row in _rows(SHOE_LABELS)}
    found = []
    for row in _rows(table):
        label = _label(row, shoes.get(row["image"]))
        if label is None:
            continue
        path = folder / "images" / f"{row['image']}.jpg"
        if not path.exists():
            raise DataError(f"{path} is missing, though {table} lists it.")
        found.append(FoundPhotograph(path, label, int(row["sender_id"])))
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _label(row: dict[str, str], shoe: dict[str, str] | None) -> int | None:
    """Return the class of a photograph; None where it is in doubt."""
    if row["label"] == "Shoes":
        return SHOES[shoe["kind"]] if shoe and shoe["sure"] == "1" else None
    return NO_CLASS if row["label"] in UNNAMED else CLASSES.get(row["label"])


def counts(photographs: list[Photograph], class_names: tuple[str, ...]) -> str:
    """Say how many photographs of each class there are."""
    labels = np.array([each.label for each in photographs])
    named = [f"{name} {np.count_nonzero(labels == index)}" for index, name in enumerate(class_names)]
    return ", ".join([*named, f"no class {np.count_nonzero(labels == NO_CLASS)}"])
