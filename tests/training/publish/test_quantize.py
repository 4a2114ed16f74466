from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

import training.publish.parity
from inkwear.classifier import Classifier
from inkwear.onnx.metadata import ModelMetadata
from training.checkpoint import load_checkpoint
from training.datasets import DATASETS, load_pixels
from training.errors import ExportError
from training.publish.export import export_checkpoint
from training.publish.quantize import compact_weights, thin_out


def test_weights_of_fewer_bits_are_smaller_and_as_good(checkpoint: Path, data_dir: Path, tmp_path: Path) -> None:
    path = export_checkpoint(checkpoint, tmp_path, data_dir, compact=True)
    model = onnx.load(path)
    assert {tensor.data_type for tensor in model.graph.initializer if len(tensor.dims) == 4} == {onnx.TensorProto.INT8}
    metadata = ModelMetadata.from_props({prop.key: prop.value for prop in model.metadata_props})
    before = load_checkpoint(checkpoint).metrics["test_accuracy"]
    assert metadata.metrics["float32_test_accuracy"] == before
    assert before - metadata.metrics["test_accuracy"] <= 0.003
    classifier = Classifier(path, "cpu")
    classifier.self_test()
    pixels, labels = load_pixels(DATASETS["mnist"], "test", data_dir)
    assert (classifier.logits(pixels).argmax(1) == labels).mean() == metadata.metrics["test_accuracy"]


def two_layers() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10)).eval()


def test_linear_layers_get_eight_bits_but_for_the_last() -> None:
    model = two_layers()
    program = torch.onnx.export(model, (torch.zeros(2, 1, 28, 28),), dynamo=True, verbose=False)
    compacted = compact_weights(program.model_proto)
    assert [node.op_type for node in compacted.graph.node if "MatMul" in node.op_type] == ["MatMulNBits", "MatMul"]
    assert compacted.ByteSize() < 0.4 * program.model_proto.ByteSize()


def test_two_thin_layers_answer_like_one_whose_answers_vary_in_few_directions() -> None:
    torch.manual_seed(0)
    images = torch.randn(200, 1, 28, 28)
    model = two_layers()
    model[1].weight.data = torch.randn(256, 8) @ model[1].weight.data[:8]
    before = model(images)
    thin_out(model, images, rank=8)
    assert [tuple(weights.shape) for weights in model[1].parameters()] == [(8, 784), (256, 8), (256,)]
    assert torch.allclose(model(images), before, atol=1e-3)
    assert model[-1].weight.shape == (10, 256)  # the last layer stays whole


def test_fewer_bits_that_cost_too_much_are_refused(
    checkpoint: Path, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training.publish.parity, "MAX_COMPACT_LOSS", -0.1)
    with pytest.raises(ExportError, match=r"'accuracy' failed: \d+\.\d\d% of the test set"):
        export_checkpoint(checkpoint, tmp_path, data_dir, compact=True)
    assert list(tmp_path.iterdir()) == []
