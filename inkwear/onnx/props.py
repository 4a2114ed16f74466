"""What an ONNX file says of itself, read without ONNX: everything but the ``metadata_props`` is skipped by its length.

An ONNX file is a protocol buffer; ``metadata_props`` is field 14 of its ``ModelProto`` (onnx.proto), each entry a
message of a key, field 1, and a value, field 2. The graph, which may have hundreds of megabytes, is one other field,
and is never read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from inkwear.onnx.wire import BYTES, Field, ProtobufError, content, fields, size_of

METADATA_PROPS, KEY, VALUE = 14, 1, 2

LONGEST, MOST_IN_ALL = 1_000_000, 4_000_000
"""Bytes of one entry, and of all; ours have some thousands."""

MOST_FIELDS = 10_000
"""Of a file, outside its graph; ours have about twenty."""


class PropsError(ProtobufError):
    """The file is no protocol buffer, or cut short, or its metadata cannot be read; the message says which."""


@dataclass(frozen=True, slots=True)
class Prop:
    """An entry of the metadata and where it stands: ``field`` of the file, ``value_at`` the first byte of its value."""

    key: str
    value: str
    field: Field
    value_at: int


def read_props(path: Path) -> dict[str, str]:
    """Return the ``metadata_props`` of an ONNX file.

    Raises:
        OSError: the file cannot be read.
        PropsError: it is no ONNX file, it is cut short, or it says something twice or at too great length.
    """
    if path.exists() and not path.is_file():  # a pipe would keep whoever opens it waiting for ever
        raise PropsError("it is not a file")
    with path.open("rb") as file:
        return as_mapping(find_props(file))


def as_mapping(props: list[Prop]) -> dict[str, str]:
    """Return entries by their keys.

    Raises:
        PropsError: a key is there twice, so that one reader may take this value and another that.
    """
    found: dict[str, str] = {}
    for prop in props:
        if prop.key in found:
            raise PropsError(f"its metadata has the key {prop.key[:60]!r} twice")
        found[prop.key] = prop.value
    return found


def find_props(file: BinaryIO) -> list[Prop]:
    """Find the entries of the metadata in an open file, in their order.

    Raises:
        PropsError: as ``read_props``.
    """
    try:
        return list(_props(file))
    except ProtobufError as error:
        raise PropsError(str(error)) from error
    except UnicodeDecodeError as error:
        raise PropsError("its metadata is not text") from error


def _props(file: BinaryIO) -> Iterator[Prop]:
    in_all = 0
    for field in fields(file, 0, size_of(file), MOST_FIELDS):
        if field.number == METADATA_PROPS and field.kind == BYTES:
            length = field.end - field.start
            in_all += length
            if length > LONGEST or in_all > MOST_IN_ALL:
                raise PropsError(
                    f"its metadata is too long: {LONGEST:,} bytes an entry and {MOST_IN_ALL:,} in all are allowed"
                )
            yield _prop(file, field)


def _prop(file: BinaryIO, field: Field) -> Prop:
    parts = {part.number: part for part in fields(file, field.start, field.end, 100) if part.kind == BYTES}
    key, value = parts.get(KEY), parts.get(VALUE)
    return Prop(
        key=content(file, key).decode() if key else "",
        value=content(file, value).decode() if value else "",
        field=field,
        value_at=value.start if value else field.end,
    )
