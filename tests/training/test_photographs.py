from pathlib import Path

import pytest

from inkwear.classifier import Classifier
from tests.conftest import EXPORTS
from tests.training.clothes import write_photographs
from training.datasets import find_dataset
from training.errors import DataError
from training.evaluate.robustness import photographed
from training.extra_images import NO_CLASS
from training.photographs import CLASSES, UNNAMED, counts, load_photographs

NAMES = find_dataset("fashion_mnist").class_names


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("T-Shirt", "T-shirt/top"),
        ("Hoodie", "Pullover"),
        ("Blazer", "Coat"),
        ("Shoes sneaker", "Sneaker"),
        ("Shoes boot", "Ankle boot"),
        ("Shoes other", None),
        ("Hat", None),
    ],
)
def test_kinds_are_classes_or_none(kind: str, expected: str | None, tmp_path: Path) -> None:
    write_photographs(tmp_path, (kind,), senders=2)
    labels = {each.label for each in load_photographs(tmp_path)}
    assert labels == {NAMES.index(expected) if expected else NO_CLASS}


@pytest.mark.parametrize("kind", ["Skip", "Not sure", "Other", "Shoes sneaker 0"])
def test_doubtful_photographs_are_left_out(kind: str, tmp_path: Path) -> None:
    write_photographs(tmp_path, (kind, "Pants"), senders=2)
    assert [each.label for each in load_photographs(tmp_path)] == [1, 1]


def test_all_photographs_of_a_sender_are_held_out_or_none(tmp_path: Path) -> None:
    write_photographs(tmp_path, ("Dress", "Shirt"), senders=15)
    found = load_photographs(tmp_path)
    assert {each.sender for each in found if each.is_held_out} == {0, 7, 14}
    assert sum(each.is_held_out for each in found) == 6
    assert counts(found, NAMES).split(", ")[3] == "Dress 15"


def test_no_class_has_two_names() -> None:
    assert not UNNAMED & set(CLASSES)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"images.csv is missing. Put a copy of github.com"):
        load_photographs(tmp_path)
    write_photographs(tmp_path, ("Dress",), senders=1)
    (tmp_path / "images/photo-0-0.jpg").unlink()
    with pytest.raises(DataError, match=r"photo-0-0.jpg is missing, though"):
        load_photographs(tmp_path)


def test_photographs_of_held_out_senders_are_read_class_by_class(tmp_path: Path) -> None:
    write_photographs(tmp_path, ("Dress", "Pants", "Hat"), senders=8)
    classifier = Classifier(EXPORTS / "fashion_mnist-lenet.onnx", "cpu")
    results = {result.condition: result.images for result in photographed(classifier, tmp_path)}
    assert results == {"Trouser": 2, "Dress": 2, "all photographs": 4, "of no class": 2}
