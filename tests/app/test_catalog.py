import json
import shutil
from pathlib import Path

import onnx
import pytest

from app.catalog import UnknownModelError, find_model, scan
from inkwear.errors import ModelFileError
from tests.conftest import EXPORTS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good export, one without metadata, one that is no model, and a file that is none of ours."""
    shutil.copy(EXPORTS / "mnist-lenet.onnx", tmp_path)
    foreign = onnx.load(EXPORTS / "mnist-lenet.onnx")
    del foreign.metadata_props[:]
    onnx.save(foreign, tmp_path / "foreign.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"broken")
    (tmp_path / "readme.txt").write_text("hello")
    return tmp_path


def test_usable_models_are_listed_and_the_others_with_their_reason(folder: Path) -> None:
    catalog = scan(folder)
    assert list(catalog.entries) == ["mnist-lenet"]
    assert catalog.entries["mnist-lenet"].bytes == (folder / "mnist-lenet.onnx").stat().st_size
    assert catalog.entries["mnist-lenet"].opened_on == ()
    assert set(catalog.refused) == {"broken", "foreign"}
    assert "it is not an ONNX file" in catalog.refused["broken"]
    assert "no Inkwear metadata, so its mean, std and class names are unknown" in catalog.refused["foreign"]


def test_the_file_name_is_for_people_and_a_classifier_is_opened_once(folder: Path) -> None:
    (folder / "mnist-lenet.onnx").rename(folder / "what you will.onnx")
    catalog = scan(folder)
    assert catalog.entries["what you will"].metadata.dataset == "mnist"
    assert catalog.classifier("what you will", "cpu") is catalog.classifier("what you will", "cpu")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("mnist-lenett", r"Did you mean 'mnist-lenet'\? Known: mnist-lenet\."),
        ("foreign", "The model 'foreign' cannot be used: .* no Inkwear metadata"),
    ],
)
def test_an_unusable_name_is_explained(folder: Path, name: str, reason: str) -> None:
    for find in (scan(folder).find, lambda name: find_model(folder, name)):
        with pytest.raises(UnknownModelError, match=reason):
            find(name)


def test_a_model_is_found_by_its_name_or_its_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for model in ("mnist-lenet", "mnist-lenet.onnx", "./mnist-lenet.onnx", str(folder / "mnist-lenet.onnx")):
        assert find_model(folder, model).name == "mnist-lenet"
    with pytest.raises(UnknownModelError, match=r"There is no file other/mnist-lenet\.onnx\. Give a path that exists"):
        find_model(folder, "other/mnist-lenet.onnx")
    with pytest.raises(ModelFileError, match=r"broken\.onnx: .*not an ONNX file"):
        find_model(folder, "broken.onnx")


def test_the_most_accurate_on_real_pictures_leads_then_the_smaller_then_validation(tmp_path: Path) -> None:
    model = onnx.load(EXPORTS / "mnist-lenet.onnx")
    (field,) = (prop for prop in model.metadata_props if prop.key == "metrics")
    shipped = json.loads(field.value)
    for name, metrics in {
        "a": {"parameters": 3e5},
        "b": {"parameters": 9e5, "validation_accuracy": 0.999},
        "c": {"real_accuracy": 0.97, "validation_accuracy": 0.5, "parameters": 9e5},
        "d": {"real_accuracy": 0.97, "parameters": 9e5},
        "e": {"real_accuracy": 0.97, "parameters": 3e5},
        "f": {"real_accuracy": 0.98, "parameters": 9e6},
    }.items():
        field.value = json.dumps(shipped | metrics)
        (tmp_path / f"{name}.onnx").write_bytes(model.SerializeToString())
    snapshot = scan(tmp_path).snapshot
    assert "".join(entry.name for entry in snapshot.ranked) == "fedcba"
    assert snapshot.best == "f"


def test_an_empty_folder_has_no_best_model_and_says_so(tmp_path: Path) -> None:
    assert scan(tmp_path).snapshot.best is None
    for name in ("mnist-lenet", "auto", None):
        with pytest.raises(UnknownModelError, match=r"holds no usable \.onnx file"):
            scan(tmp_path).reader(name)


def test_auto_asks_the_best_of_each_set_for_small_images_and_for_photographs() -> None:
    catalog = scan(EXPORTS)
    asked = [entry.metadata for entry in catalog.asked("auto")]
    kinds = [(metadata.dataset, metadata.input.whole) for metadata in asked]
    assert kinds == [("mnist", False), ("fashion_mnist", False), ("fashion_mnist", True)]
    ranked = [entry.metadata for entry in catalog.snapshot.ranked]
    assert all(
        metadata == next(each for each in ranked if kind == (each.dataset, each.input.whole))
        for metadata, kind in zip(asked, kinds, strict=True)
    )
    reader = catalog.reader("auto", "cpu")
    assert [each.metadata for each in reader.classifiers] == asked


def test_a_file_named_auto_is_a_model_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "auto.onnx").write_bytes((EXPORTS / "mnist-lenet.onnx").read_bytes())
    assert [entry.name for entry in scan(tmp_path).asked("auto")] == ["auto"]
