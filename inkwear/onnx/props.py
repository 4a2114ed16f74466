"""Reads the ``metadata_props`` of an ONNX file without ONNX, and skips everything else by its length.

An ONNX file is a protocol buffer; ``metadata_props`` is field 14 of its ``ModelProto`` (onnx.proto), each entry a
message of a key, field 1, and a value, field 2. The graph, which may have hundreds of megabytes, is one other field.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from inkwear.errors import ProtobufError
from inkwear.onnx.wire import BYTES, Field, content, fields, size_of

METADATA_PROPS, KEY, VALUE = 14, 1, 2

MAX_ENTRY_BYTES, MAX_BYTES = 1_000_000, 4_000_000
"""Bytes of one entry, and of all together; ours have some thousands."""

MAX_FIELDS = 10_000
"""Fields of a file, outside its graph; ours have about twenty."""


def read_props(path: Path) -> dict[str, str]:
    """Return the ``metadata_props`` of an ONNX file.

    Raises:
        OSError: the file cannot be read.
        ProtobufError: it is not an ONNX file, it is cut short, or a key is repeated or too long.
    """
    if path.exists() and not path.is_file():  # opening a pipe would block
        raise ProtobufError("it is not a file")
    with path.open("rb") as file:
        return load_props(file)


def load_props(file: BinaryIO) -> dict[str, str]:
    """Return the ``metadata_props`` of an open ONNX file; what is raised as in ``read_props``."""
    found: dict[str, str] = {}
    try:
        for key, value in _props(file):
            if key in found:  # two readers could take different values
                raise ProtobufError(f"its metadata has the key {key[:60]!r} twice")
            found[key] = value
    except UnicodeDecodeError as error:
        raise ProtobufError("its metadata is not text") from error
    return found


def _props(file: BinaryIO) -> Iterator[tuple[str, str]]:
    total = 0
    for field in fields(file, 0, size_of(file), MAX_FIELDS):
        if field.number == METADATA_PROPS and field.kind == BYTES:
            length = field.end - field.start
            total += length
            if length > MAX_ENTRY_BYTES or total > MAX_BYTES:
                raise ProtobufError(
                    f"its metadata is too long: {MAX_ENTRY_BYTES:,} bytes an entry and {MAX_BYTES:,} in all are allowed"
                )
            yield _entry(file, field)


def _entry(file: BinaryIO, field: Field) -> tuple[str, str]:
    parts = {part.number: part for part in fields(file, field.start, field.end, 100) if part.kind == BYTES}
    key, value = (content(file, parts[number]).decode() if number in parts else "" for number in (KEY, VALUE))
    return key, value
