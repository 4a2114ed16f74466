"""What the graph of an ONNX file states: its inputs, outputs and operators, read without ONNX and without its weights.

The numbers are those of onnx.proto.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from inkwear.errors import ProtobufError
from inkwear.onnx.wire import BYTES, VARINT, Field, content, fields, size_of

GRAPH, OPSETS = 7, 8
NODES, INPUTS, OUTPUTS = 1, 11, 12
OPERATOR, DOMAIN = 4, 7

MOST_FIELDS = 100_000
"""Of one message; a graph has one for each node and each tensor of weights."""

DTYPES = {
    **{1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool"},
    **{10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 16: "bfloat16"},
}
"""``TensorProto.DataType``, in numpy's words."""


@dataclass(frozen=True)
class Tensor:
    """An input or an output; of ``shape``, a size that is open has a name (or ``?``)."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(map(str, self.shape))}) {self.dtype}"


@dataclass(frozen=True)
class Graph:
    """What goes in, what comes out, and what it takes to compute it.

    Attributes:
        opsets: version by domain; ONNX's own domain is the empty string.
        operators: by name, sorted; those of another domain than ONNX's with it, ``com.microsoft.MatMulNBits``.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    opsets: Mapping[str, int]
    operators: tuple[str, ...]

    @property
    def takes_batches(self) -> bool:
        """Whether the first size of every input and output is open."""
        return all(tensor.shape and isinstance(tensor.shape[0], str) for tensor in (*self.inputs, *self.outputs))


def read_graph(path: Path) -> Graph:
    """Read it from a file.

    Raises:
        OSError: the file cannot be read.
        ProtobufError: it is no ONNX file, or it is cut short.
    """
    with path.open("rb") as file:
        parts = list(fields(file, 0, size_of(file), MOST_FIELDS))
        graph = next((part for part in parts if part.number == GRAPH and part.kind == BYTES), None)
        if graph is None:
            raise ProtobufError("it is not an ONNX file: it has no graph")
        members = list(_inside(file, graph))
        return Graph(
            inputs=tuple(_tensor(file, member) for member in members if member.number == INPUTS),
            outputs=tuple(_tensor(file, member) for member in members if member.number == OUTPUTS),
            opsets=dict(_opset(file, part) for part in parts if part.number == OPSETS),
            operators=tuple(sorted({_operator(file, member) for member in members if member.number == NODES})),
        )


def _opset(file: BinaryIO, field: Field) -> tuple[str, int]:
    domain, version = "", 0
    for part in _inside(file, field):
        if part.kind == BYTES:
            domain = _text(file, part)
        elif part.kind == VARINT:
            version = part.value
    return domain, version


def _operator(file: BinaryIO, node: Field) -> str:
    names = {part.number: _text(file, part) for part in _inside(file, node) if part.number in (OPERATOR, DOMAIN)}
    return ".".join(filter(None, (names.get(DOMAIN), names.get(OPERATOR))))


def _tensor(file: BinaryIO, field: Field) -> Tensor:
    """Read a ``ValueInfoProto``: name 1, type 2, in it tensor type 1, in it element type 1 and shape 2."""
    name, dtype = "", "?"
    shape: tuple[int | str, ...] = ()
    for part in _inside(file, field):
        if part.number == 1:
            name = _text(file, part)
        for kind in _members(file, part, 2):
            for what in _members(file, kind, 1):
                if what.number == 1 and what.kind == VARINT:
                    dtype = DTYPES.get(what.value, f"type {what.value}")
                elif what.number == 2:
                    shape = tuple(_size(file, size) for size in _inside(file, what))
    return Tensor(name, dtype, shape)


def _members(file: BinaryIO, field: Field, number: int) -> Iterator[Field]:
    """The fields inside of a field, if it has this number."""
    return _inside(file, field) if field.number == number and field.kind == BYTES else iter(())


def _size(file: BinaryIO, dimension: Field) -> int | str:
    """Read a ``Dimension``: a number in field 1 or a name in field 2."""
    for part in _inside(file, dimension):
        return part.value if part.kind == VARINT else _text(file, part)
    return "?"


def _inside(file: BinaryIO, field: Field) -> Iterator[Field]:
    """The fields of the message that a field holds."""
    if field.kind != BYTES:
        raise ProtobufError("it is not an ONNX file")
    return fields(file, field.start, field.end, MOST_FIELDS)


def _text(file: BinaryIO, field: Field) -> str:
    if field.kind != BYTES:
        raise ProtobufError("it is not an ONNX file")
    try:
        return content(file, field).decode()
    except UnicodeDecodeError as error:
        raise ProtobufError("it is not an ONNX file") from error
