from pathlib import Path

import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from inkwear.onnx.metadata import ModelMetadata
from tests.conftest import EXPORTS, some_exports
from tests.mutations import flip_a_bit, mutants
from training.publish.exports import Tensor, read_export, read_exports


def small_model(shape: list[int | str | None], dtype: int = TensorProto.FLOAT) -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["in"], ["out"])],
        "small",
        [helper.make_tensor_value_info("in", dtype, shape)],
        [helper.make_tensor_value_info("out", dtype, shape)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


@pytest.mark.parametrize("path", sorted(EXPORTS.glob("*mnist-*.onnx")), ids=lambda path: path.stem)
def test_an_export_is_described_as_onnx_runtime_sees_it(path: Path) -> None:
    export, session = read_export(path), onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for ours, theirs in ((export.inputs, session.get_inputs()), (export.outputs, session.get_outputs())):
        assert [(each.name, list(each.shape), each.dtype) for each in ours] == [
            (each.name, each.shape, "float32") for each in theirs
        ]
    assert export.takes_batches
    assert export.metadata == ModelMetadata.from_props(session.get_modelmeta().custom_metadata_map)
    assert export.report is not None
    assert ("com.microsoft.MatMulNBits" in export.operators) == ("alexnet" in path.stem)


@pytest.mark.parametrize(
    ("shape", "dtype", "expected", "batches"),
    [
        (["lines", 1, 32, "width"], TensorProto.UINT8, Tensor("in", "uint8", ("lines", 1, 32, "width")), True),
        ([1, 28, 300], TensorProto.INT64, Tensor("in", "int64", (1, 28, 300)), False),
        ([None, 3], TensorProto.FLOAT16, Tensor("in", "float16", ("?", 3)), True),
        ([], TensorProto.STRING, Tensor("in", "object", ()), False),
    ],
)
def test_shapes_and_types_of_any_file_are_read(
    tmp_path: Path, shape: list, dtype: int, expected: Tensor, batches: bool
) -> None:
    onnx.save(small_model(shape, dtype), tmp_path / "small.onnx")
    export = read_export(tmp_path / "small.onnx")
    assert export.inputs == (expected,)
    assert export.takes_batches == batches
    assert (export.operators, export.opsets, export.metadata) == (("Identity",), {"": 18}, None)


def test_a_damaged_file_is_a_sentence_and_no_flipped_bit_raises_anything_else(tmp_path: Path) -> None:
    whole, path = (EXPORTS / "mnist-mlp_small.onnx").read_bytes(), tmp_path / "bad.onnx"
    for data in (b"", b"broken", b"\xff" * 40, whole[:1000], whole[: len(whole) // 2], b"\x08\x08"):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"bad.onnx: it is not an ONNX file"):
            read_export(path)
    errors = []
    for mutant in mutants(whole, 300, seed=1, mutations=(flip_a_bit,)):
        path.write_bytes(mutant)
        try:
            read_export(path)
        except ValueError as error:
            errors.append(str(error))
    assert errors
    assert all(error.startswith(f"{path}: it is not an ONNX file") for error in errors)


def test_files_are_read_by_name_in_the_order_asked_for(tmp_path: Path) -> None:
    folder = some_exports(tmp_path, ["mnist-mlp_small", "mnist-lenet"])
    assert [export.name for export in read_exports(folder)] == ["mnist-lenet", "mnist-mlp_small"]
    asked = ["mnist-mlp_small", "mnist-lenet", "mnist-mlp_small"]
    assert [export.name for export in read_exports(folder, asked)] == ["mnist-mlp_small", "mnist-lenet"]
    with pytest.raises(ValueError, match=r"no mnist-lennet.onnx in .*; did you mean mnist-lenet\? There are"):
        read_exports(folder, ["mnist-lennet"])
