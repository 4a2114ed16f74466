"""Parquet files with encoded pictures in a column, as Hugging Face's data sets have them, a few rows at a time."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from app.archives.entry import MEGABYTE, ArchiveError, check_ratio
from app.batch.inputs.containers import MOST_BYTES, Content
from app.batch.inputs.item import Code, Failure

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

MOST_ROWS, BATCH = 64, 8 * MEGABYTE
"""How many rows are read at once: fewer where they have more bytes together, going by their average."""

READ_AHEAD = 1 << 20
"""Bytes of a column that are in memory before they are unpacked."""

PREFERRED = ("image", "img", "picture")
"""Where several columns could hold pictures, the first of these that is among them."""


class _TableError(ValueError):
    """There is nothing to be read in this file; the message says why."""


def images(path: str, file: BinaryIO) -> Iterator[Content]:
    """Yield ``path#0``, ``path#1``, … with the encoded bytes of a row each; what is wrong, when it is met.

    The column is the one of type ``struct<bytes: binary, …>``, or the one of type binary; of several, ``PREFERRED``.
    A group of rows that is damaged costs the rest of itself, and not those behind it. In memory are a few rows, and
    what the format does not let be parted: a page and a dictionary, which Arrow writes of up to 1,024 rows each.
    """
    from pyarrow.parquet import ParquetFile

    try:
        table = ParquetFile(_for_arrow(path, file), buffer_size=READ_AHEAD, pre_buffer=False)
        column = _column(table)
        groups = table.num_row_groups
    except Exception as error:  # Arrow's own, and OSError, ValueError, MemoryError …
        yield path, Failure("table_damaged", f"{path}: {_reason(error)}.")
        return
    start, size = 0, os.fstat(file.fileno()).st_size
    for group in range(groups):
        index, end = start, start + table.metadata.row_group(group).num_rows
        try:
            for data in _rows(path, size, table, group, column):
                yield f"{path}#{index}", _checked(f"{path}#{index}", data)
                index += 1
            if index < end:
                raise _TableError("they are not there")
        except Exception as error:
            said = f"{path}: rows {index:,} to {end - 1:,} cannot be read ({_reason(error)})."
            code: Code = "archive_refused" if isinstance(error, ArchiveError) else "table_damaged"
            yield f"{path}#{index}", Failure(code, said)
        start = max(index, end)


def _for_arrow(path: str, file: BinaryIO) -> str | BinaryIO:
    """Arrow reads with half the memory what it opens itself; it can open names of UTF-8 alone."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return file
    return os.path.abspath(path)


def _rows(path: str, size: int, table: "ParquetFile", group: int, column: str) -> Iterator[bytes | None]:
    facts = table.metadata.row_group(group)  # its columns' own facts, where damaged, make Arrow end the process
    check_ratio(path, facts.total_byte_size, size)
    at_once = max(1, min(MOST_ROWS, BATCH * facts.num_rows // max(1, facts.total_byte_size)))
    for batch in table.iter_batches(at_once, row_groups=[group], columns=[column], use_threads=False):
        for value in batch.column(0).to_pylist():
            yield value["bytes"] if isinstance(value, dict) else value


def _checked(name: str, data: bytes | None) -> bytes | Failure:
    if data is None:
        return Failure("empty", f"{name}: the row has no bytes of a picture; put them in, not their path alone.")
    if len(data) > MOST_BYTES:
        return Failure("too_large", f"{name}: more than the {MOST_BYTES // MEGABYTE} MB accepted of one picture.")
    return data


def _column(table: "ParquetFile") -> str:
    """The column that holds the pictures, as Parquet names it.

    Raises:
        _TableError: there is none, or there are several.
    """
    import pyarrow.types as types

    def is_binary(kind: Any) -> bool:
        return types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind)

    found = {}
    for field in table.schema_arrow:
        if is_binary(field.type):
            found[field.name] = field.name
        elif types.is_struct(field.type) and any(part.name == "bytes" and is_binary(part.type) for part in field.type):
            found[field.name] = f"{field.name}.bytes"
    chosen = list(found) if len(found) == 1 else [name for name in PREFERRED if name in found]
    if chosen:
        return found[chosen[0]]
    has = ", ".join(f"{field.name} ({field.type})" for field in table.schema_arrow)
    wanted = "a column of type binary, or struct with a field 'bytes' of it; of several, one named image"
    raise _TableError(f"which column holds pictures? It has {has}; accepted is {wanted}")


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".") or type(error).__name__
