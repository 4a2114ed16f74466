"""The fields of a protocol buffer, found without ONNX and without reading what they hold (protobuf.dev, "Encoding")."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""How a field's value is written: the wire types that are in use."""


class ProtobufError(ValueError):
    """What is read is no protocol buffer of ONNX, or cut short; the message says which."""


@dataclass(frozen=True, slots=True)
class Field:
    """Where a field stands.

    Attributes:
        number: which field of its message it is.
        kind: its wire type.
        begin: its first byte in the file, the tag.
        start, end: its value there; of a number, the bytes of that.
        value: of a varint; 0 for other kinds.
    """

    number: int
    kind: int
    begin: int
    start: int
    end: int
    value: int = 0


def fields(file: BinaryIO, start: int, end: int, most: int) -> Iterator[Field]:
    """Yield the fields of the message that lies in a file from ``start`` to ``end``, in their order.

    Raises:
        ProtobufError: it is no message, or it has more than ``most`` fields.
    """
    if start == end == 0:
        raise ProtobufError("it is empty")
    at = start
    for _ in range(most):
        if at >= end:
            return
        file.seek(at)
        field = _field(file, at, end)
        yield field
        at = field.end
    if at < end:
        raise ProtobufError(f"it is not an ONNX file: a part of it has more than {most:,} fields")


def content(file: BinaryIO, field: Field) -> bytes:
    """Return the bytes of a field's value."""
    file.seek(field.start)
    return file.read(field.end - field.start)


def written(number: int, value: bytes) -> bytes:
    """Return a field of bytes as it is written."""
    return _as_varint(number * 8 + BYTES) + _as_varint(len(value)) + value


def _field(file: BinaryIO, begin: int, end: int) -> Field:
    number, kind = divmod(_varint(file), 8)
    if not number or kind not in (VARINT, FIXED64, BYTES, FIXED32):
        raise ProtobufError("it is not an ONNX file")
    start, value = file.tell(), 0
    if kind == VARINT:
        value, length = _varint(file), file.tell() - start
    elif kind == BYTES:
        length = _varint(file)
        start = file.tell()
    else:
        length = 8 if kind == FIXED64 else 4
    if start + length > end:
        raise ProtobufError("it is not an ONNX file, or cut short")
    return Field(number, kind, begin, start, start + length, value)


def _varint(file: BinaryIO) -> int:
    """A whole number: seven bits a byte, the lowest first; the eighth says that more follow."""
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            raise ProtobufError("it is not an ONNX file, or cut short")
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return value
    raise ProtobufError("it is not an ONNX file")


def _as_varint(value: int) -> bytes:
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def size_of(file: BinaryIO) -> int:
    """Bytes of an open file."""
    return file.seek(0, os.SEEK_END)
