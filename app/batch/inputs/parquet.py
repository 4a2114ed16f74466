"""Parquet files with encoded pictures in a column, as Hugging Face's data sets have them, a few rows at a time."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from app.archives.entry import MEGABYTE, ArchiveError, check_ratio, too_large
from app.batch.inputs.input import MAX_ENTRY_BYTES, Code, Content, Failure, TableError

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

MAX_ROWS = 64
"""Rows that are read at once."""

MAX_BATCH_BYTES = 8 * MEGABYTE
"""Bytes that these rows have together, estimated from their average."""

READ_AHEAD = 1 << 20
"""Bytes of a column that are in memory before they are decompressed."""

PREFERRED = ("image", "img", "picture")
"""Names of the column to read where several could hold pictures, best first."""


def images(path: str, file: BinaryIO) -> Iterator[Content]:
    """Yield ``path#0``, ``path#1``, … with the encoded bytes of a row each, and a failure where the file is broken.

    The column is the one of type ``struct<bytes: binary, …>`` or binary; of several, ``PREFERRED``. A damaged row group
    costs its own remaining rows and not those of the next. In memory are a few rows, and what the format keeps
    together: a page and a dictionary, which Arrow writes for up to 1,024 rows each.
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
                raise TableError("they are not there")
        except Exception as error:
            sentence = f"{path}: rows {index:,} to {end - 1:,} cannot be read ({_reason(error)})."
            code: Code = "archive_refused" if isinstance(error, ArchiveError) else "table_damaged"
            yield f"{path}#{index}", Failure(code, sentence)
        start = max(index, end)


def _for_arrow(path: str, file: BinaryIO) -> str | BinaryIO:
    """Return what Arrow is to open: the path, which takes half the memory, or the file where the path is not UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return file
    return os.path.abspath(path)


def _rows(path: str, size: int, table: "ParquetFile", group: int, column: str) -> Iterator[bytes | None]:
    metadata = table.metadata.row_group(group)  # that of its columns, where damaged, makes Arrow end the process
    check_ratio(path, metadata.total_byte_size, size)
    at_once = max(1, min(MAX_ROWS, MAX_BATCH_BYTES * metadata.num_rows // max(1, metadata.total_byte_size)))
    for batch in table.iter_batches(at_once, row_groups=[group], columns=[column], use_threads=False):
        for value in batch.column(0).to_pylist():
            yield value["bytes"] if isinstance(value, dict) else value


def _checked(name: str, data: bytes | None) -> bytes | Failure:
    if data is None:
        return Failure("empty", f"{name}: the row has no bytes of a picture; put them in, not their path alone.")
    if len(data) > MAX_ENTRY_BYTES:
        return Failure.of(too_large(name, MAX_ENTRY_BYTES))
    return data


def _column(table: "ParquetFile") -> str:
    """Return Parquet's name of the column that holds the pictures.

    Raises:
        TableError: no column, or more than one, can hold them.
    """
    import pyarrow.types as types

    def is_binary(kind: Any) -> bool:
        return types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind)

    columns = {}
    for field in table.schema_arrow:
        if is_binary(field.type):
            columns[field.name] = field.name
        elif types.is_struct(field.type) and any(part.name == "bytes" and is_binary(part.type) for part in field.type):
            columns[field.name] = f"{field.name}.bytes"
    chosen = list(columns) if len(columns) == 1 else [name for name in PREFERRED if name in columns]
    if chosen:
        return columns[chosen[0]]
    has = ", ".join(f"{field.name} ({field.type})" for field in table.schema_arrow)
    wanted = "a column of type binary, or struct with a field 'bytes' of it; of several, one named image"
    raise TableError(f"which column holds pictures? It has {has}; accepted is {wanted}")


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".") or type(error).__name__
