"""What an ONNX file says of itself, read without ONNX: everything but the ``metadata_props`` is skipped by its length.

An ONNX file is a protocol buffer (protobuf.dev, "Encoding"); ``metadata_props`` is field 14 of its ``ModelProto``
(onnx.proto), each entry a message of a key, field 1, and a value, field 2. The graph, which may have hundreds of
megabytes, is one other field, and is never read.
"""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

METADATA_PROPS, KEY, VALUE = 14, 1, 2

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""How a field's value is written: the wire types that are in use."""

LONGEST = 10_000_000
"""Bytes of one entry; ours have some thousands."""


class PropsError(ValueError):
    """The file is no protocol buffer, or cut short; the message says which."""


def read_props(path: Path) -> dict[str, str]:
    """Return the ``metadata_props`` of an ONNX file.

    Raises:
        OSError: the file cannot be read.
        PropsError: it is no ONNX file, or it is cut short.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        entries = [dict(_fields(io.BytesIO(entry), len(entry))) for entry in _entries(file, size)]
    try:
        return {entry.get(KEY, b"").decode(): entry.get(VALUE, b"").decode() for entry in entries}
    except UnicodeDecodeError as error:
        raise PropsError("its metadata is not text") from error


def _entries(file: BinaryIO, size: int) -> Iterator[bytes]:
    return (value for number, value in _fields(file, size, wanted=METADATA_PROPS) if number == METADATA_PROPS)


def _fields(file: BinaryIO, size: int, wanted: int | None = None) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of the fields that have a length, or of the ``wanted`` one alone; skip all others."""
    if not size:
        raise PropsError("it is empty")
    while file.tell() < size:
        number, kind = divmod(_varint(file), 8)
        if not number:
            raise PropsError("it is not an ONNX file")
        if kind == VARINT:
            _varint(file)
            continue
        length = {FIXED64: 8, FIXED32: 4}.get(kind) or (_varint(file) if kind == BYTES else -1)
        if length < 0:
            raise PropsError("it is not an ONNX file")
        if file.tell() + length > size:
            raise PropsError("it is not an ONNX file, or cut short")
        if kind == BYTES and wanted in (None, number) and length <= LONGEST:
            yield number, file.read(length)
        else:
            file.seek(length, os.SEEK_CUR)


def _varint(file: BinaryIO) -> int:
    """A whole number: seven bits a byte, the lowest first; the eighth says that more follow."""
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            raise PropsError("it is not an ONNX file, or cut short")
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return value
    raise PropsError("it is not an ONNX file")
