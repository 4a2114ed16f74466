from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from inkwear.errors import ProtobufError
from tests.conftest import EXPORTS
from training.publish.graph import Graph, Tensor, read_graph


def as_onnx_reads(path: Path) -> Graph:
    model = onnx.load(path)

    def tensors(values: list) -> tuple[Tensor, ...]:
        return tuple(
            Tensor(
                value.name,
                helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name,
                tuple(size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim),
            )
            for value in values
        )

    return Graph(
        tensors(model.graph.input),
        tensors(model.graph.output),
        {opset.domain: opset.version for opset in model.opset_import},
        tuple(sorted({f"{node.domain}.{node.op_type}".strip(".") for node in model.graph.node})),
    )


@pytest.mark.parametrize("path", sorted(EXPORTS.glob("*.onnx")), ids=lambda path: path.stem)
def test_the_same_is_read_as_onnx_reads(path: Path) -> None:
    assert read_graph(path) == as_onnx_reads(path)


def small_model(shape: list[int | str | None], dtype: int = TensorProto.FLOAT) -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["in"], ["out"])],
        "small",
        [helper.make_tensor_value_info("in", dtype, shape)],
        [helper.make_tensor_value_info("out", dtype, shape)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


@pytest.mark.parametrize(
    ("shape", "dtype", "expected", "batches"),
    [
        (["lines", 1, 32, "width"], TensorProto.UINT8, Tensor("in", "uint8", ("lines", 1, 32, "width")), True),
        ([1, 28, 300], TensorProto.INT64, Tensor("in", "int64", (1, 28, 300)), False),
        ([None, 3], TensorProto.FLOAT16, Tensor("in", "float16", ("?", 3)), True),
        ([], TensorProto.STRING, Tensor("in", "string", ()), False),
    ],
)
def test_shapes_and_types_of_any_file_are_read(
    tmp_path: Path, shape: list, dtype: int, expected: Tensor, batches: bool
) -> None:
    onnx.save(small_model(shape, dtype), tmp_path / "small.onnx")
    graph = read_graph(tmp_path / "small.onnx")
    assert graph.inputs == (expected,)
    assert graph.takes_batches == batches
    assert (graph.operators, graph.opsets) == (("Identity",), {"": 18})


def test_what_is_no_onnx_file_is_said(tmp_path: Path) -> None:
    whole = (EXPORTS / "mnist-lenet.onnx").read_bytes()
    for data in (b"", b"broken", b"\xff" * 40, whole[:1000], whole[: len(whole) // 2], b"\x08\x08"):
        (tmp_path / "bad.onnx").write_bytes(data)
        with pytest.raises(ProtobufError, match="it is "):
            read_graph(tmp_path / "bad.onnx")


def test_no_flipped_bit_raises_anything_else(tmp_path: Path) -> None:
    whole, path = (EXPORTS / "mnist-mlp_small.onnx").read_bytes(), tmp_path / "flipped.onnx"
    for bit in [*range(0, 16000, 37), *range(8 * len(whole) - 80000, 8 * len(whole), 211)]:
        broken = bytearray(whole)
        broken[bit // 8] ^= 1 << bit % 8
        path.write_bytes(broken)
        try:
            read_graph(path)
        except ProtobufError:
            continue
