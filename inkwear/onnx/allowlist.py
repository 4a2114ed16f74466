"""What a foreign ONNX file is made of, held against what a network for 28×28 pixels needs; nothing of it is run.

The message types and field numbers are those of onnx.proto. Whatever this reader does not know it refuses, so that no
other reader finds in a file what was not looked at here.
"""

import io
import math
from collections.abc import Iterator
from typing import BinaryIO

from inkwear.onnx.wire import BYTES, VARINT, Field, ProtobufError, content, fields

MODEL_FIELDS = {1, 2, 3, 4, 5, 6, 7, 8, 14}
"""All but training_info, functions and configurations."""

GRAPH_FIELDS = {1, 2, 5, 10, 11, 12, 13, 14, 16}
"""All but sparse initializers."""

NODE_FIELDS = {1, 2, 3, 4, 5, 6, 7, 9}
ATTRIBUTE_FIELDS = {1, 2, 3, 4, 5, 7, 8, 9, 13, 20}
"""Numbers, texts and one tensor; no graph, no sparse tensor, no lists of tensors."""

TENSOR_FIELDS = {1, 2, 4, 5, 7, 8, 9, 10, 11, 12, 14, 16}
"""All but segments, texts and data outside the file."""

TENSOR_TYPES = {1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 16, 21, 22}
"""Numbers of 4 to 64 bits, and booleans."""

MOST_PARTS = 20_000
"""Of a graph: nodes, tensors and names together; AlexNet has about a hundred."""

MOST_VALUES = 100_000_000
"""Of one tensor, and MOST_DIMENSIONS of it; AlexNet's largest layer has 37,748,736."""

MOST_DIMENSIONS = 8

_OF_ONNX = """
Abs Add AveragePool BatchNormalization Cast Clip Concat Constant Conv ConvInteger ConvTranspose DepthToSpace
DequantizeLinear Div Dropout DynamicQuantizeLinear Elu Erf Exp Flatten Gather Gelu Gemm GlobalAveragePool GlobalMaxPool
GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization LRN LayerNormalization LeakyRelu Log LogSoftmax
MatMul MatMulInteger Max MaxPool Min Mish Mul Neg PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear Reciprocal
ReduceMax ReduceMean ReduceSum Relu Reshape Resize Selu Shape Sigmoid Slice Softmax Softplus Softsign SpaceToDepth Split
Sqrt Squeeze Sub Sum Tanh Transpose Unsqueeze
"""

_OF_MICROSOFT = """
DynamicQuantizeMatMul FusedConv FusedGemm FusedMatMul MatMulNBits QGemm QLinearAdd QLinearAveragePool QLinearConcat
QLinearGlobalAveragePool QLinearMul QLinearSigmoid QLinearSoftmax
"""

OPERATORS = {"": set(_OF_ONNX.split()), "com.microsoft": set(_OF_MICROSOFT.split())}
"""What networks of convolutions and linear layers are computed with, by domain (``ai.onnx`` is another name of the
first): no control flow, nothing that makes much of little, nothing random, nothing that reads files."""


class StructureError(ValueError):
    """A file is made of something that is not allowed; the message names it."""


def check_structure(data: bytes) -> None:
    """Hold the structure of an ONNX file against what is allowed.

    Raises:
        StructureError: names what is not.
    """
    file = io.BytesIO(data)
    try:
        parts = list(_known(file, Field(0, BYTES, 0, 0, len(data)), MODEL_FIELDS, "the file"))
        graphs = [part for part in parts if part.number == 7]
        if len(graphs) != 1:
            raise StructureError(f"it holds {len(graphs)} graphs, and one is needed")
        _check_graph(file, graphs[0])
    except (ProtobufError, UnicodeDecodeError) as error:
        raise StructureError(f"its structure cannot be read: {error}") from error


def _check_graph(file: BinaryIO, graph: Field) -> None:
    """Look at every node and tensor of a graph."""
    made: set[str] = set()
    for part in _known(file, graph, GRAPH_FIELDS, "its graph"):
        names: list[str] = []
        if part.number == 1:
            names = _check_node(file, part)
        elif part.number == 5:
            names = [_check_tensor(file, part)]
        for name in filter(None, names):
            if name in made:
                raise StructureError(f"two of its values have the name {name[:60]!r}")
            made.add(name)


def _check_node(file: BinaryIO, node: Field) -> list[str]:
    """Look at a node and return the names of what it computes."""
    parts = list(_known(file, node, NODE_FIELDS, "a node"))
    domain, operator = _one_text(file, parts, 7), _one_text(file, parts, 4)
    _check_domain(domain)
    if operator not in OPERATORS["" if domain == "ai.onnx" else domain]:
        raise StructureError(
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
    """Look at a tensor and return its name: its values must lie in it, and be no more than there are bytes for."""
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
            raise StructureError("a tensor has its values outside the file")
    if kind not in TENSOR_TYPES:
        raise StructureError(f"the tensor {name[:60]!r} holds values of type {kind}, and numbers are needed")
    values = math.prod(shape) if len(shape) <= MOST_DIMENSIONS and max(shape, default=0) <= MOST_VALUES else math.inf
    if values > min(MOST_VALUES, 2 * (tensor.end - tensor.start)):  # the smallest have four bits
        raise StructureError(f"the tensor {name[:60]!r} says it has more values than there are bytes, or too many")
    return name


def _check_domain(domain: str) -> None:
    if domain not in (*OPERATORS, "ai.onnx"):
        raise StructureError(f"it computes with operators of {domain[:60]!r}, and only ONNX's own are known here")


def _known(file: BinaryIO, message: Field, known: set[int], where: str) -> Iterator[Field]:
    for part in fields(file, message.start, message.end, MOST_PARTS):
        if part.number not in known:
            raise StructureError(f"{where} holds {_UNWANTED.get((where, part.number), f'a field {part.number}')}")
        yield part


_UNWANTED = {
    ("the file", 20): "instructions for training",
    ("the file", 25): "functions of its own",
    ("its graph", 15): "sparse tensors",
    ("a tensor", 6): "texts",
    ("a tensor", 13): "the name of a file that has its values",
}
"""What people call the fields that are not allowed."""


def _packed(file: BinaryIO, part: Field) -> list[int]:
    """Numbers that stand in one field, one after the other; more than a shape can have are not read."""
    numbers, value, shift = [], 0, 0
    for byte in content(file, part)[: 10 * MOST_DIMENSIONS + 1]:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(value)
            value, shift = 0, 0
    return numbers


def _one_text(file: BinaryIO, parts: list[Field], number: int) -> str:
    """The text of a field, of which there may be one at most."""
    found = [content(file, part) for part in parts if part.number == number and part.kind == BYTES]
    if len(found) > 1:
        raise StructureError("a name is there twice")
    return found[0].decode() if found else ""
