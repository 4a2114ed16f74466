"""Walks the fields of a protocol buffer without ONNX and without reading their values (protobuf.dev, "Encoding")."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from inkwear.errors import ProtobufError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""The wire types in use: how the value of a field is written."""


@dataclass(frozen=True, slots=True)
class Field:
    """Where a field stands.

    Attributes:
        number: of the field in its message.
        kind: its wire type.
        start, end: its value in the file.
        value: of a varint; 0 for other kinds.
    """

    number: int
    kind: int
    start: int
    end: int
    value: int = 0


def fields(file: BinaryIO, start: int, end: int, max_fields: int) -> Iterator[Field]:
    """Yield the fields of the message that lies in a file from ``start`` to ``end``, in their order.

    Args:
        file: is open for reading; its position moves.
        start: first byte of the message.
        end: first byte after it.
        max_fields: more are an error.

    Raises:
        ProtobufError: it is not a message, or has more than ``max_fields`` fields.
    """
    if start == end == 0:
        raise ProtobufError("it is empty")
    at = start
    for _ in range(max_fields):
        if at >= end:
            return
        file.seek(at)
        field = _field(file, end)
        yield field
        at = field.end
    if at < end:
        raise ProtobufError(f"it is not an ONNX file: a part of it has more than {max_fields:,} fields")


def content(file: BinaryIO, field: Field) -> bytes:
    """Return the bytes of a field's value."""
    file.seek(field.start)
    return file.read(field.end - field.start)


def size_of(file: BinaryIO) -> int:
    """Return the size of an open file in bytes."""
    return file.seek(0, os.SEEK_END)


def _field(file: BinaryIO, end: int) -> Field:
    number, kind = divmod(read_varint(file), 8)
    if not number or kind not in (VARINT, FIXED64, BYTES, FIXED32):
        raise ProtobufError("it is not an ONNX file")
    start, value = file.tell(), 0
    if kind == VARINT:
        value, length = read_varint(file), file.tell() - start
    elif kind == BYTES:
        length = read_varint(file)
        start = file.tell()
    else:
        length = 8 if kind == FIXED64 else 4
    if start + length > end:
        raise ProtobufError("it is not an ONNX file, or cut short")
    return Field(number, kind, start, start + length, value)


def read_varint(file: BinaryIO) -> int:
    """Read a whole number: seven bits a byte, the lowest first; the eighth bit says that more follow."""
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            raise ProtobufError("it is not an ONNX file, or cut short")
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return value
    raise ProtobufError("it is not an ONNX file")
