r"""Rows in a Parquet file: typed columns, written in groups of rows so that memory stays bounded.

Its texts are UTF-8 alone. Of a name that is not, ``path`` shows the odd bytes as escapes (``f\xfcnf.png``), and
``path_bytes``, the one column that the other formats have not, holds the bytes; it is null everywhere else. Sentences
that quote such a name show the escapes too.
"""

import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from app.batch.output.row import Row

if TYPE_CHECKING:
    import pyarrow as pa

GROUP = 16_384
"""Rows that are held in memory together."""

DIGIT = ("label", "confidence", "left", "top", "right", "bottom")


def require_pyarrow() -> None:
    """Say at once that Parquet cannot be written here, rather than at the end of a long run.

    Raises:
        ValueError: pyarrow is not installed.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise ValueError("Parquet needs pyarrow, which is not installed: pip install pyarrow, or write .csv or .jsonl.")


def write(rows: Iterable[Row], path: str) -> None:
    """Write all rows to a new file; the same rows give the same bytes.

    Raises:
        OSError: it cannot be written.
    """
    import pyarrow.parquet as pq

    remaining = iter(rows)
    with pq.ParquetWriter(path, _schema(), compression="zstd") as writer:
        while group := list(islice(remaining, GROUP)):
            writer.write_table(_table(group))


def read(path: str) -> Iterator[Row]:
    """Read the rows of such a file, a group at a time.

    Raises:
        ValueError: it is not a table of ours.
        OSError: it cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path} is not a Parquet file ({error}).") from error
    with file:
        if not file.schema_arrow.equals(_schema()):
            raise ValueError(f"{path} is not a table of app.predict: its columns are {file.schema_arrow.names}.")
        for batch in file.iter_batches(GROUP):
            yield from map(_row, batch.to_pylist())


@cache
def _schema() -> "pa.Schema":
    import pyarrow as pa

    ranked = pa.struct([("label", pa.string()), ("probability", pa.float64())])
    pixel = pa.int32()
    digit = pa.struct(list(zip(DIGIT, (pa.string(), pa.float64(), pixel, pixel, pixel, pixel), strict=True)))
    return pa.schema(
        [
            pa.field("path", pa.string(), nullable=False),
            pa.field("status", pa.string(), nullable=False),
            ("label", pa.string()),
            ("class_id", pa.int32()),
            ("confidence", pa.float64()),
            ("top_k", pa.list_(ranked)),
            ("notes", pa.list_(pa.string())),
            ("error", pa.string()),
            ("code", pa.string()),
            ("digits", pa.list_(digit)),
            ("path_bytes", pa.binary()),
        ]
    )


def _table(rows: Sequence[Row]) -> "pa.Table":
    schema = _schema()
    paths = [_utf8(row.path) for row in rows]
    columns: dict[str, Sequence[object]] = {
        "path": paths,
        "status": [row.status for row in rows],
        "label": [_utf8(row.label) for row in rows],
        "class_id": [row.class_id for row in rows],
        "confidence": [row.confidence for row in rows],
        "error": [_utf8(row.error) for row in rows],
        "code": [row.code for row in rows],
        "path_bytes": [_bytes(row.path) if row.path != path else None for row, path in zip(rows, paths, strict=True)],
    }
    lists: dict[str, Sequence[Sequence[Any]]] = {
        "top_k": [row.top_k for row in rows],
        "notes": [row.notes for row in rows],
        "digits": [row.digits for row in rows],
    }
    arrays = {name: _array(values, schema.field(name).type) for name, values in columns.items()}
    arrays |= {name: _lists(values, schema.field(name).type.value_type) for name, values in lists.items()}
    return _pa().Table.from_arrays([arrays[name] for name in schema.names], schema=schema)


def _pa() -> Any:
    import pyarrow

    return pyarrow


def _array(values: Sequence[object], kind: "pa.DataType") -> "pa.Array":
    return _pa().array(values, kind)


def _lists(lists: Sequence[Sequence[Any]], kind: "pa.DataType") -> "pa.Array":
    """One list a row, of texts or of tuples; column by column, which is far quicker than row by row."""
    offsets = [0]
    for each in lists:
        offsets.append(offsets[-1] + len(each))
    flat = [value for each in lists for value in each]
    if _pa().types.is_struct(kind):
        columns = list(zip(*flat, strict=True)) or [()] * kind.num_fields
        fields = [kind.field(index) for index in range(kind.num_fields)]
        arrays = [
            _array([_utf8(value) for value in column] if field.type == _pa().string() else column, field.type)
            for field, column in zip(fields, columns, strict=True)
        ]
        values = _pa().StructArray.from_arrays(arrays, fields=fields)
    else:
        values = _array([_utf8(value) for value in flat], kind)
    return _pa().ListArray.from_arrays(_array(offsets, _pa().int32()), values)


def _utf8(text: str | None) -> str | None:
    if text is None or text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return _bytes(text).decode("utf-8", "backslashreplace")
    return text


def _bytes(text: str) -> bytes:
    from app.batch.output.formats import as_bytes

    return as_bytes(text)


def _row(values: dict[str, Any]) -> Row:
    name = values.pop("path_bytes")
    if name is not None:
        values["path"] = name.decode("utf-8", "surrogateescape")
    values["top_k"] = tuple((each["label"], each["probability"]) for each in values["top_k"])
    values["notes"] = tuple(values["notes"])
    values["digits"] = tuple(tuple(each[name] for name in DIGIT) for each in values["digits"])
    return Row(**values)
