import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import onnx
import onnxruntime as ort
import pytest
import torch

import training.publish.parity
from inkwear.classifier import Classifier
from inkwear.onnx.checksums import is_listed
from tests.conftest import ROOT
from tests.training.runs import invoke
from training.checkpoint import Checkpoint, save_checkpoint
from training.errors import ExportError, ReplaceError
from training.export import cli
from training.publish.export import export_checkpoint


def test_an_export_keeps_the_contract(export: Path, trained: Checkpoint) -> None:
    assert export.name == "mnist-convnet.onnx"
    assert {path.name for path in export.parent.iterdir()} == {export.name, "reports", "SHA256SUMS"}
    assert is_listed(export.name, hashlib.sha256(export.read_bytes()).hexdigest(), export.parent)
    Classifier(export, "cpu").self_test()
    session = ort.InferenceSession(export)
    assert [(value.name, value.shape) for value in session.get_inputs()] == [("images", ["batch", 1, 28, 28])]
    assert [(value.name, value.shape) for value in session.get_outputs()] == [("logits", ["batch", 10])]
    props = session.get_modelmeta().custom_metadata_map
    assert json.loads(props["class_names"]) == list("0123456789")
    assert json.loads(props["metrics"])["test_accuracy"] == trained.metrics["test_accuracy"]
    assert json.loads(props["recipe"])["command"].startswith("python -m training.train --dataset mnist --model convnet")
    assert "images (batch, 1, 28, 28)" in onnx.load(export).doc_string


def test_an_export_carries_no_path_of_the_machine_that_made_it(export: Path) -> None:
    content = export.read_bytes()
    strange = (*map(str, (ROOT, Path(torch.__file__).parent, Path.home())), "stack_trace")
    assert not [text for text in strange if text.encode() in content]


def test_a_failed_check_leaves_the_old_file(
    checkpoint: Path, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mnist-convnet.onnx").write_bytes(b"old")
    monkeypatch.setattr(training.publish.parity, "TOLERANCE", 0.0)
    with pytest.raises(ExportError, match="differs from torch"):
        export_checkpoint(checkpoint, tmp_path, data_dir)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("mnist-convnet.onnx", b"old")]


@pytest.fixture
def shelf(export: Path, tmp_path: Path) -> Path:
    """A folder with one export."""
    shutil.copy(export, tmp_path)
    return tmp_path


def changed(trained: Checkpoint, path: Path, gain: float = 0.0, **options: object) -> Path:
    """Save the same weights with a higher validation accuracy, or as those of other options."""
    accuracy = min(1.0, trained.metrics["validation_accuracy"] + gain)
    metrics = trained.metrics | {"validation_accuracy": accuracy}
    save_checkpoint(dataclasses.replace(trained, config=trained.config | options, metrics=metrics), path)
    return path


@pytest.mark.parametrize(
    ("gain", "options", "reason"),
    [
        (0.0, {"lr": 0.5}, "was made by another run"),
        (0.01, {"extra_images": "digits.npz f1f026d6fb4d"}, "was made by another run"),
        (-0.01, {}, "is better"),
    ],
)
def test_a_better_export_or_one_of_another_run_is_replaced_only_where_that_was_said(
    trained: Checkpoint, shelf: Path, data_dir: Path, gain: float, options: dict, reason: str
) -> None:
    there = shelf / "mnist-convnet.onnx"
    command = [changed(trained, shelf / "new.pt", gain, **options), f"--output-dir={shelf}", f"--data-dir={data_dir}"]
    before = there.read_bytes()
    refused = invoke(cli, *command, code=2)
    assert there.read_bytes() == before
    assert f"{there} is there already and {reason}" in refused
    assert f"its validation accuracy is {trained.metrics['validation_accuracy']:.2%}, that of" in refused
    assert "Add --replace to replace it, or --output-dir FOLDER to keep both." in refused
    assert f"{there}  " in invoke(cli, *command, "--replace")
    assert there.read_bytes() != before


def test_a_file_of_unknown_origin_is_kept(checkpoint: Path, shelf: Path, data_dir: Path) -> None:
    path = shelf / "mnist-convnet.onnx"
    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.save(model, path)
    with pytest.raises(ReplaceError, match=r"which run made it is unknown: .* Add --replace"):
        export_checkpoint(checkpoint, shelf, data_dir)


@pytest.mark.parametrize("lost", [0, 100], ids=["by the same run", "damaged"])
def test_an_export_that_is_no_loss_is_replaced_unasked(
    checkpoint: Path, shelf: Path, data_dir: Path, lost: int
) -> None:
    path = shelf / "mnist-convnet.onnx"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - lost])
    assert export_checkpoint(checkpoint, shelf, data_dir) == path
    assert onnx.load(path).graph.node


def test_a_checkpoint_that_cannot_be_exported_is_exit_code_4(trained, tmp_path: Path, data_dir: Path) -> None:
    output = invoke(cli, tmp_path / "no.pt", f"--data-dir={data_dir}", code=4)
    assert "there is no such checkpoint" in output
    other = changed(trained, tmp_path / "other.pt", model="lenet")
    assert "do not fit today's 'lenet'" in invoke(cli, other, f"--data-dir={data_dir}", code=4)
