"""Compares the structure of a foreign ONNX file with what a network for 28×28 pixels needs; runs nothing of it.

The message types and field numbers are those of onnx.proto. Unknown fields are refused, so that no other reader finds
in a file what was not checked here.
"""

import io
import math
from collections.abc import Iterator
from typing import BinaryIO

from inkwear.errors import ForeignModelError, ProtobufError
from inkwear.onnx.wire import BYTES, VARINT, Field, content, fields, read_varint

MODEL_FIELDS = {1, 2, 3, 4, 5, 6, 7, 8, 14}
"""Fields of ``ModelProto``, all but training_info, functions and configurations."""

GRAPH_FIELDS = {1, 2, 5, 10, 11, 12, 13, 14, 16}
"""Fields of ``GraphProto``, all but sparse initializers."""

NODE_FIELDS = {1, 2, 3, 4, 5, 6, 7, 9}
"""Fields of ``NodeProto``, all but overloads."""

ATTRIBUTE_FIELDS = {1, 2, 3, 4, 5, 7, 8, 9, 13, 20}
"""Fields of ``AttributeProto`` for numbers, texts and one tensor; no graph, sparse tensor or list of tensors."""

TENSOR_FIELDS = {1, 2, 4, 5, 7, 8, 9, 10, 11, 12, 14, 16}
"""Fields of ``TensorProto``, all but segments, texts and data outside the file."""

TENSOR_TYPES = {1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 16, 21, 22}
"""Data types of ``TensorProto``: numbers of 4 to 64 bits, and booleans."""

MAX_PARTS = 20_000
"""Nodes, tensors and names of a graph together; AlexNet has about a hundred."""

MAX_VALUES, MAX_DIMENSIONS = 100_000_000, 8
"""Values and dimensions of one tensor; AlexNet's largest layer has 37,748,736 values."""

_ONNX = """
Abs Add AveragePool BatchNormalization Cast Clip Concat Constant Conv ConvInteger ConvTranspose DepthToSpace
DequantizeLinear Div Dropout DynamicQuantizeLinear Elu Erf Exp Flatten Gather Gelu Gemm GlobalAveragePool GlobalMaxPool
GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization LRN LayerNormalization LeakyRelu Log LogSoftmax
MatMul MatMulInteger Max MaxPool Min Mish Mul Neg PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear Reciprocal
ReduceMax ReduceMean ReduceSum Relu Reshape Resize Selu Shape Sigmoid Slice Softmax Softplus Softsign SpaceToDepth Split
Sqrt Squeeze Sub Sum Tanh Transpose Unsqueeze
"""

_MICROSOFT = """
DynamicQuantizeMatMul FusedConv FusedGemm FusedMatMul MatMulNBits QGemm QLinearAdd QLinearAveragePool QLinearConcat
QLinearGlobalAveragePool QLinearMul QLinearSigmoid QLinearSoftmax
"""

OPERATORS = {"": set(_ONNX.split()), "com.microsoft": set(_MICROSOFT.split())}
"""Operators that networks of convolutions and linear layers need, by domain (``ai.onnx`` is another name of the first):
no control flow, nothing that makes large outputs of small inputs, nothing random, nothing that reads files."""


def check_structure(data: bytes) -> None:
    """Check that an ONNX file contains only what is allowed.

    Raises:
        ForeignModelError: it contains something else, which the message names.
    """
    file = io.BytesIO(data)
    try:
        parts = list(_known(file, Field(0, BYTES, 0, len(data)), MODEL_FIELDS, "the file"))
        graphs = [part for part in parts if part.number == 7]
        if len(graphs) != 1:
            raise ForeignModelError(f"it holds {len(graphs)} graphs, and one is needed")
        _check_graph(file, graphs[0])
    except (ProtobufError, UnicodeDecodeError) as error:
        raise ForeignModelError(f"its structure cannot be read: {error}") from error


def _check_graph(file: BinaryIO, graph: Field) -> None:
    """Check every node and tensor of a graph."""
    made: set[str] = set()
    for part in _known(file, graph, GRAPH_FIELDS, "its graph"):
        names: list[str] = []
        if part.number == 1:
            names = _check_node(file, part)
        elif part.number == 5:
            names = [_check_tensor(file, part)]
        for name in filter(None, names):
            if name in made:
                raise ForeignModelError(f"two of its values have the name {name[:60]!r}")
            made.add(name)


def _check_node(file: BinaryIO, node: Field) -> list[str]:
    """Check a node and return the names of its outputs."""
    parts = list(_known(file, node, NODE_FIELDS, "a node"))
    domain, operator = _one_text(file, parts, 7), _one_text(file, parts, 4)
    _check_domain(domain)
    if operator not in OPERATORS["" if domain == "ai.onnx" else domain]:
        raise ForeignModelError(
            f"it computes with the operator {f'{domain}.' * bool(domain)}{operator[:60]}, which is not among those "
            "that a network for 28×28 pixels needs"
        )
    for part in parts:
        if part.number == 5:
            _check_attribute(file, part, operator)
    return [content(file, part).decode() for part in parts if part.number == 2]


def _check_attribute(file: BinaryIO, attribute: Field, operator: str) -> None:
    for part in _known(file, attribute, ATTRIBUTE_FIELDS, f"an attribute of {operator}"):
        if part.number == 5:
            _check_tensor(file, part)


def _check_tensor(file: BinaryIO, tensor: Field) -> str:
    """Check a tensor and return its name; its values must lie in the file, and be no more than its bytes can hold."""
    shape: list[int] = []
    name, kind = "", 0
    for part in _known(file, tensor, TENSOR_FIELDS, "a tensor"):
        if part.number == 1:
            shape += [part.value] if part.kind == VARINT else _packed(file, part)
        elif part.number == 2:
            kind = part.value
        elif part.number == 8:
            name = content(file, part).decode()
        elif part.number == 14 and part.value:
            raise ForeignModelError("a tensor has its values outside the file")
    if kind not in TENSOR_TYPES:
        raise ForeignModelError(f"the tensor {name[:60]!r} holds values of type {kind}, and numbers are needed")
    values = math.prod(shape) if len(shape) <= MAX_DIMENSIONS and max(shape, default=0) <= MAX_VALUES else math.inf
    if values > min(MAX_VALUES, 2 * (tensor.end - tensor.start)):  # the smallest have four bits
        raise ForeignModelError(f"the tensor {name[:60]!r} says it has more values than there are bytes, or too many")
    return name


def _check_domain(domain: str) -> None:
    if domain not in (*OPERATORS, "ai.onnx"):
        raise ForeignModelError(f"it computes with operators of {domain[:60]!r}, and only ONNX's own are known here")


def _known(file: BinaryIO, message: Field, known: set[int], where: str) -> Iterator[Field]:
    for part in fields(file, message.start, message.end, MAX_PARTS):
        if part.number not in known:
            raise ForeignModelError(f"{where} holds {_UNWANTED.get((where, part.number), f'a field {part.number}')}")
        yield part


_UNWANTED = {
    ("the file", 20): "instructions for training",
    ("the file", 25): "functions of its own",
    ("its graph", 15): "sparse tensors",
    ("a tensor", 6): "texts",
    ("a tensor", 13): "the name of a file that has its values",
}
"""Names for people of the fields that are not allowed."""


def _packed(file: BinaryIO, part: Field) -> list[int]:
    """Read the numbers of one packed field, at most one more than a shape can have."""
    packed, numbers = io.BytesIO(content(file, part)), list[int]()
    while packed.tell() < part.end - part.start and len(numbers) <= MAX_DIMENSIONS:
        numbers.append(read_varint(packed))
    return numbers


def _one_text(file: BinaryIO, parts: list[Field], number: int) -> str:
    """Return the text of a field that may occur once, or an empty string."""
    found = [content(file, part) for part in parts if part.number == number and part.kind == BYTES]
    if len(found) > 1:
        raise ForeignModelError("a name is there twice")
    return found[0].decode() if found else ""
