import json
import shutil
from pathlib import Path

import onnx
import pytest

from app.catalog import UnknownModelError, scan
from tests.conftest import EXPORTS


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A good export, one without metadata, one that is no model, and a file that is none of ours."""
    shutil.copy(EXPORTS / "mnist-lenet.onnx", tmp_path)
    foreign = onnx.load(EXPORTS / "mnist-lenet.onnx")
    del foreign.metadata_props[:]
    onnx.save(foreign, tmp_path / "foreign.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"broken")
    (tmp_path / "readme.txt").write_text("hello")
    return tmp_path


def test_what_can_be_used_is_listed_and_the_rest_with_its_reason(shelf: Path) -> None:
    catalog = scan(shelf)
    assert list(catalog.entries) == ["mnist-lenet"]
    assert catalog.entries["mnist-lenet"].bytes == (shelf / "mnist-lenet.onnx").stat().st_size
    assert set(catalog.refused) == {"broken", "foreign"}
    assert "it is not an ONNX file" in catalog.refused["broken"]
    assert "no Inkwear metadata, so its mean, std and class names are unknown" in catalog.refused["foreign"]


def test_the_file_name_is_for_people(shelf: Path) -> None:
    (shelf / "mnist-lenet.onnx").rename(shelf / "what you will.onnx")
    assert scan(shelf).entries["what you will"].metadata.dataset == "mnist"


def test_a_classifier_is_opened_once(shelf: Path) -> None:
    catalog = scan(shelf)
    assert catalog.classifier("mnist-lenet", "cpu") is catalog.classifier("mnist-lenet", "cpu")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("mnist-lenett", r"Did you mean 'mnist-lenet'\? Known: mnist-lenet\."),
        ("foreign", "The model 'foreign' cannot be used: .* no Inkwear metadata"),
    ],
)
def test_an_unusable_name_is_explained(shelf: Path, name: str, reason: str) -> None:
    with pytest.raises(UnknownModelError, match=reason):
        scan(shelf).find(name)


@pytest.mark.parametrize(
    ("models", "best"),
    [
        ({"a": {"real_accuracy": 0.97}, "b": {"real_accuracy": 0.98}, "c": {}}, "b"),
        ({"a": {"real_accuracy": 0.98, "parameters": 9e5}, "b": {"real_accuracy": 0.98, "parameters": 3e5}}, "b"),
        ({"a": {"parameters": 3e5}, "b": {"parameters": 9e5, "validation_accuracy": 0.999}}, "b"),
    ],
    ids=["real pictures", "the smaller of two alike", "validation"],
)
def test_where_none_is_named_the_best_is_taken(tmp_path: Path, models: dict[str, dict[str, float]], best: str) -> None:
    model = onnx.load(EXPORTS / "mnist-lenet.onnx")
    (field,) = (prop for prop in model.metadata_props if prop.key == "metrics")
    shipped = json.loads(field.value)
    for name, metrics in models.items():
        field.value = json.dumps(shipped | metrics)
        (tmp_path / f"{name}.onnx").write_bytes(model.SerializeToString())
    assert scan(tmp_path).shelf.best == best


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match=r"holds no usable \.onnx file"):
        scan(tmp_path).find("mnist-lenet")


def test_the_shipped_exports_are_all_usable() -> None:
    catalog = scan(EXPORTS)
    assert not catalog.refused
    assert "lines" not in catalog.entries
    assert {"mnist-lenet", "mnist-convnet", "fashion_mnist-lenet", "fashion_mnist-convnet"} <= set(catalog.entries)
