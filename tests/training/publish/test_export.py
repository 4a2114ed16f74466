import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from typer.testing import CliRunner

import training.publish.parity
from inkwear.classifier import Classifier
from inkwear.onnx.checksums import is_listed
from inkwear.onnx.metadata import ModelMetadata
from inkwear.preprocess.steps import normalize, unsqueeze
from tests.conftest import ROOT
from training.calibrate import Calibration, calibrate
from training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from training.datasets import DATASETS, Split, load_pixels, load_split
from training.publish.export import ReplaceError, cli, describe, export_checkpoint, rebuild, write_onnx
from training.publish.parity import ExportError, check_export
from training.publish.quantize import compact_weights, thin_out

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


def check(path: Path, model: torch.nn.Module, metadata: ModelMetadata, test_set: tuple[np.ndarray, Split]) -> None:
    check_export(path, model, metadata, *test_set)


def test_an_export_keeps_the_contract(export: Path, trained: Checkpoint) -> None:
    assert export.name == "mnist-convnet.onnx"
    assert {path.name for path in export.parent.iterdir()} == {export.name, "reports", "SHA256SUMS"}
    assert is_listed(export.name, hashlib.sha256(export.read_bytes()).hexdigest(), export.parent)
    session = ort.InferenceSession(export)
    assert [(value.name, value.shape) for value in session.get_inputs()] == [("images", ["batch", 1, 28, 28])]
    assert [(value.name, value.shape) for value in session.get_outputs()] == [("logits", ["batch", 10])]
    props = session.get_modelmeta().custom_metadata_map
    assert json.loads(props["class_names"]) == list("0123456789")
    assert json.loads(props["metrics"])["test_accuracy"] == trained.metrics["test_accuracy"]
    assert json.loads(props["recipe"])["command"].startswith("python -m training.train --dataset mnist --model convnet")
    assert "images (batch, 1, 28, 28)" in onnx.load(export).doc_string


def test_the_command_names_all_that_an_export_was_trained_with(trained: Checkpoint, metadata: ModelMetadata) -> None:
    more = {"also": "digits.npz f1f026d6fb4d, photos.npz 34d3444b2c4e", "start_from": "mnist-convnet after 3 epochs"}
    more["teacher"] = "mnist-sturdy-tuned after 4 epochs"
    assert "--strength" not in str(metadata.recipe["command"])
    checkpoint = dataclasses.replace(trained, config=trained.config | more)
    recipe = describe(checkpoint, MNIST, rebuild(trained), Calibration(1, 0)).recipe
    assert str(recipe["command"]).endswith(
        "--also data/digits.npz --also data/photos.npz --start-from models/checkpoints/mnist-convnet/best.pt "
        "--teacher models/checkpoints/mnist-sturdy-tuned/best.pt"
    )
    assert "--also" not in str(metadata.recipe["command"])


def test_the_command_names_exports_that_were_begun_with_and_what_departs_from_the_recipe(trained: Checkpoint) -> None:
    more = {
        "start_from": "mnist-convnet.onnx 34d3444b2c4e",
        "teacher": "mnist-sturdy.onnx f1f026d6fb4d",
        "strength": 0.5,
    }
    checkpoint = dataclasses.replace(trained, config=trained.config | more)
    recipe = describe(checkpoint, MNIST, rebuild(trained), Calibration(1, 0)).recipe
    assert str(recipe["command"]).endswith(
        "--strength 0.5 --start-from exports/mnist-convnet.onnx --teacher exports/mnist-sturdy.onnx"
    )


def test_an_export_carries_no_path_of_the_machine_that_made_it(export: Path) -> None:
    content = export.read_bytes()
    for path in (ROOT, Path(torch.__file__).parent, Path.home()):
        assert str(path).encode() not in content
    assert b"stack_trace" not in content


def test_a_consumer_can_check_itself_with_the_reference(export: Path) -> None:
    session = ort.InferenceSession(export)
    metadata = ModelMetadata.from_props(session.get_modelmeta().custom_metadata_map)
    images = unsqueeze(normalize(metadata.reference.image(), metadata.input))
    [logits] = session.run(None, {"images": images})
    np.testing.assert_allclose(logits[0], metadata.reference.logits, atol=1e-3)


def test_a_good_file_passes(trained, metadata, test_set, tmp_path: Path) -> None:
    write_onnx(rebuild(trained), metadata, tmp_path / "good.onnx")
    check(tmp_path / "good.onnx", rebuild(trained), metadata, test_set)


def test_a_wrong_mean_is_caught(trained, metadata, test_set, tmp_path: Path) -> None:
    wrong = dataclasses.replace(metadata, input=dataclasses.replace(metadata.input, mean=0.1207))
    write_onnx(rebuild(trained), wrong, tmp_path / "wrong.onnx")
    with pytest.raises(ExportError, match=r"'batch of 1' failed: a logit differs from torch by 0\.\d+, allowed"):
        check(tmp_path / "wrong.onnx", rebuild(trained), wrong, test_set)


def in_training_mode(model: torch.nn.Module) -> torch.nn.Module:
    """Make BatchNorm use the batch's own statistics, as in training.

    Alone, ``model.train()`` does no harm any more: torch 2.15 exports such a BatchNorm as in evaluation.
    """
    for layer in model.train().modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.track_running_stats, layer.running_mean, layer.running_var = False, None, None
    return model


@pytest.mark.filterwarnings("ignore:Exporting a model while it is in training mode")
def test_a_network_left_in_training_mode_is_caught(trained, metadata, test_set, tmp_path: Path) -> None:
    write_onnx(in_training_mode(rebuild(trained)), metadata, tmp_path / "training.onnx")
    with pytest.raises(ExportError, match="'batch of 1' failed: a logit differs from torch by"):
        check(tmp_path / "training.onnx", rebuild(trained), metadata, test_set)


def edited(source: Path, target: Path, edit) -> Path:
    model = onnx.load(source)
    edit(model)
    onnx.save(model, target)
    return target


def freeze_batch(model: onnx.ModelProto) -> None:
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1


def freeze_batch_inside(model: onnx.ModelProto) -> None:
    """Leave the declared shapes dynamic, but reshape to a batch of one on the way."""
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.INT64 and list(onnx.numpy_helper.to_array(tensor).shape) == [2]:
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.array([1, -1]), tensor.name))


def perturb_weights(model: onnx.ModelProto) -> None:
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            tensor.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor) * 1.01, tensor.name))


def lose_metadata(model: onnx.ModelProto) -> None:
    del model.metadata_props[:]


def change_metadata(model: onnx.ModelProto) -> None:
    next(prop for prop in model.metadata_props if prop.key == "title").value = '"something else"'


def rename_output(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        node.output[:] = ["scores" if name == "logits" else name for name in node.output]
    model.graph.output[0].name = "scores"


def unknown_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "NoSuchOperator"


def weights_outside(model: onnx.ModelProto) -> None:
    tensor = next(tensor for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT)
    onnx.external_data_helper.set_external_data(tensor, "weights.bin")


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (freeze_batch, "'opens in ONNX Runtime and keeps the contract' failed: .* batches of exactly 1"),
        (freeze_batch_inside, "'batch of 2' failed"),
        (perturb_weights, "'batch of 1' failed: a logit differs from torch by"),
        (lose_metadata, "keeps the contract' failed: .* no Inkwear metadata"),
        (change_metadata, "'metadata' failed"),
        (rename_output, "keeps the contract' failed: .*scores"),
        (unknown_operator, "'ONNX checker' failed"),
        (weights_outside, "'(ONNX checker|one file)' failed"),
    ],
)
def test_a_file_that_breaks_the_contract_is_caught(
    edit, reason: str, export: Path, trained, metadata, test_set, tmp_path: Path
) -> None:
    broken = edited(export, tmp_path / "broken.onnx", edit)
    with pytest.raises(ExportError, match=reason):
        check(broken, rebuild(trained), metadata, test_set)


def test_every_image_is_compared(export: Path, trained, metadata, test_set) -> None:
    """Logits that differ only on an image beyond the largest batch are caught too."""
    pixels, split = test_set
    changed = Split(torch.cat([split.images[:-1], split.images[:1] * 0]), split.labels)
    with pytest.raises(ExportError, match=r"'whole test set' failed: .* so for 1 of 1,100 images"):
        check(export, rebuild(trained), metadata, (pixels, changed))


def test_weights_of_fewer_bits_are_smaller_and_as_good(checkpoint: Path, data_dir: Path, tmp_path: Path) -> None:
    path = export_checkpoint(checkpoint, tmp_path, data_dir, compact=True)
    model = onnx.load(path)
    assert {tensor.data_type for tensor in model.graph.initializer if len(tensor.dims) == 4} == {onnx.TensorProto.INT8}
    metadata = ModelMetadata.from_props({prop.key: prop.value for prop in model.metadata_props})
    before = load_checkpoint(checkpoint).metrics["test_accuracy"]
    assert metadata.metrics["float32_test_accuracy"] == before
    assert before - metadata.metrics["test_accuracy"] <= 0.003
    test_a_consumer_can_check_itself_with_the_reference(path)
    classifier = Classifier(path, "cpu")
    pixels, labels = load_pixels(DATASETS["mnist"], "test", data_dir)
    assert (classifier.logits(pixels).argmax(1) == labels).mean() == metadata.metrics["test_accuracy"]


def test_linear_layers_get_eight_bits_but_for_the_last() -> None:
    model = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10)
    ).eval()
    program = torch.onnx.export(model, (torch.zeros(2, 1, 28, 28),), dynamo=True, verbose=False)
    compacted = compact_weights(program.model_proto)
    assert [node.op_type for node in compacted.graph.node if "MatMul" in node.op_type] == ["MatMulNBits", "MatMul"]
    assert compacted.ByteSize() < 0.4 * program.model_proto.ByteSize()


def test_two_thin_layers_answer_like_one_whose_answers_vary_in_few_directions() -> None:
    torch.manual_seed(0)
    images = torch.randn(200, 1, 28, 28)
    model = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10)
    ).eval()
    model[1].weight.data = torch.randn(256, 8) @ model[1].weight.data[:8]
    before = model(images)
    thin_out(model, images, rank=8)
    assert [tuple(weights.shape) for weights in model[1].parameters()] == [(8, 784), (256, 8), (256,)]
    assert torch.allclose(model(images), before, atol=1e-3)
    assert model[-1].weight.shape == (10, 256)  # the last layer stays whole


def test_fewer_bits_that_cost_too_much_are_refused(
    checkpoint: Path, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training.publish.parity, "COMPACT_LOSS", -0.1)
    with pytest.raises(
        ExportError, match=r"'accuracy' failed: \d+\.\d\d% of the test set were read right with float32"
    ):
        export_checkpoint(checkpoint, tmp_path, data_dir, compact=True)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_check_leaves_the_old_file(
    checkpoint: Path, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mnist-convnet.onnx").write_bytes(b"old")
    monkeypatch.setattr(training.publish.parity, "TOLERANCE", 0.0)
    with pytest.raises(ExportError, match="differs from torch"):
        export_checkpoint(checkpoint, tmp_path, data_dir)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("mnist-convnet.onnx", b"old")]


# ------------------------------------------------------------------------------------------------------ replacing


@pytest.fixture
def shelf(export: Path, tmp_path: Path) -> Path:
    """A folder with one export."""
    shutil.copy(export, tmp_path)
    return tmp_path


def changed(trained: Checkpoint, path: Path, accuracy: float, **options: object) -> Path:
    """Save a checkpoint of the same weights that has another validation accuracy, or comes of other options."""
    metrics = trained.metrics | {"validation_accuracy": accuracy}
    save_checkpoint(dataclasses.replace(trained, config=trained.config | options, metrics=metrics), path)
    return path


@pytest.mark.parametrize(
    ("gain", "options", "reason"),
    [
        (0.0, {"lr": 0.5}, "was made by another run"),
        (0.01, {"also": "digits.npz f1f026d6fb4d"}, "was made by another run"),
        (-0.01, {}, "is better"),
    ],
)
def test_a_better_export_or_one_of_another_run_is_replaced_only_where_that_was_said(
    trained: Checkpoint, shelf: Path, data_dir: Path, gain: float, options: dict, reason: str
) -> None:
    old = trained.metrics["validation_accuracy"]
    new = min(1.0, old + gain)
    command = [
        str(changed(trained, shelf / "new.pt", new, **options)),
        f"--output-dir={shelf}",
        f"--data-dir={data_dir}",
    ]
    before = (shelf / "mnist-convnet.onnx").read_bytes()
    refused = CliRunner().invoke(cli, command)
    assert refused.exit_code == 2
    assert (shelf / "mnist-convnet.onnx").read_bytes() == before
    assert f"{shelf}/mnist-convnet.onnx is there already and {reason}" in refused.output
    assert f"its validation accuracy is {old:.2%}, that of this checkpoint {new:.2%}" in refused.output
    assert "Add --replace to replace it, or --output-dir FOLDER to keep both." in refused.output
    assert CliRunner().invoke(cli, [*command, "--replace"]).exit_code == 0
    assert (shelf / "mnist-convnet.onnx").read_bytes() != before


def test_the_same_run_replaces_its_export_unasked(checkpoint: Path, shelf: Path, data_dir: Path) -> None:
    assert export_checkpoint(checkpoint, shelf, data_dir) == shelf / "mnist-convnet.onnx"


def test_a_file_of_unknown_origin_is_kept(checkpoint: Path, shelf: Path, data_dir: Path) -> None:
    path = shelf / "mnist-convnet.onnx"
    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.save(model, path)
    with pytest.raises(ReplaceError, match=r"which run made it is unknown: .* Add --replace"):
        export_checkpoint(checkpoint, shelf, data_dir)


def test_a_damaged_export_is_replaced_unasked(checkpoint: Path, shelf: Path, data_dir: Path) -> None:
    path = shelf / "mnist-convnet.onnx"
    path.write_bytes(path.read_bytes()[:-100])
    assert onnx.load(export_checkpoint(checkpoint, shelf, data_dir)).graph.node


# --------------------------------------------------------------------------------------------------------- commands


def test_the_command_says_where_the_file_lies(checkpoint: Path, data_dir: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, [str(checkpoint), f"--output-dir={tmp_path}", f"--data-dir={data_dir}"])
    assert result.exit_code == 0
    assert f"{tmp_path}/mnist-convnet.onnx" in result.output


def test_a_missing_checkpoint_is_exit_code_4(tmp_path: Path, data_dir: Path) -> None:
    result = CliRunner().invoke(cli, [str(tmp_path / "no.pt"), f"--data-dir={data_dir}"])
    assert result.exit_code == 4
    assert "there is no such checkpoint" in result.output


def test_weights_of_another_network_are_named(trained, tmp_path: Path, data_dir: Path) -> None:
    other = dataclasses.replace(trained, config=trained.config | {"model": "lenet"})
    save_checkpoint(other, tmp_path / "other.pt")
    result = CliRunner().invoke(cli, [str(tmp_path / "other.pt"), f"--data-dir={data_dir}"])
    assert result.exit_code == 4
    assert "do not fit today's 'lenet'" in result.output


def test_evaluate_measures_checkpoint_and_export_alike(checkpoint: Path, export: Path, data_dir: Path) -> None:
    from training.evaluate.testset import cli as evaluate

    result = CliRunner().invoke(evaluate, [str(checkpoint), str(export), f"--data-dir={data_dir}", "--json"])
    first, second = (json.loads(line) for line in result.output.splitlines())
    assert first["images"] == second["images"] == 200
    assert first["accuracy"] == pytest.approx(load_checkpoint(checkpoint).metrics["test_accuracy"])
    assert second["accuracy"] == pytest.approx(first["accuracy"], abs=0.01)


def test_evaluate_refuses_other_files(data_dir: Path) -> None:
    from training.evaluate.testset import cli as evaluate

    result = CliRunner().invoke(evaluate, ["five.png", f"--data-dir={data_dir}"])
    assert result.exit_code == 2
    assert "a checkpoint (.pt) or an export (.onnx) is needed" in result.output
