import dataclasses
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from training.errors import ExportError
from training.pretrained import rebuild
from training.publish.export import write_onnx
from training.publish.parity import check_export
from training.splits import Split


def test_a_wrong_mean_is_caught(trained, metadata, test_set, tmp_path: Path) -> None:
    wrong = dataclasses.replace(metadata, input=dataclasses.replace(metadata.input, mean=0.1207))
    write_onnx(rebuild(trained), wrong, tmp_path / "wrong.onnx")
    with pytest.raises(ExportError, match=r"'batch of 1' failed: a logit differs from torch by 0\.\d+, allowed"):
        check_export(tmp_path / "wrong.onnx", rebuild(trained), wrong, *test_set)


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
    model, broken = onnx.load(export), tmp_path / "broken.onnx"
    edit(model)
    onnx.save(model, broken)
    with pytest.raises(ExportError, match=reason):
        check_export(broken, rebuild(trained), metadata, *test_set)


def test_every_image_is_compared(export: Path, trained, metadata, test_set) -> None:
    """Logits that differ only on an image beyond the largest batch are caught too."""
    pixels, split = test_set
    changed = Split(torch.cat([split.images[:-1], split.images[:1] * 0]), split.labels)
    with pytest.raises(ExportError, match=r"'whole test set' failed: .* so for 1 of 1,100 images"):
        check_export(export, rebuild(trained), metadata, pixels, changed)
