r"""Rows in a Parquet file: typed columns, written in groups of rows so that memory stays bounded.

Its texts are UTF-8 alone. Of a name that is not, ``path`` shows the odd bytes as escapes (``f\xfcnf.png``), and
``path_bytes``, the one column that the other formats have not, holds the bytes; it is null everywhere else. Sentences
that quote such a name show the escapes too.
"""

import importlib.util
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from app.batch.output.formats import as_bytes, json_values
from app.batch.output.row import Row

if TYPE_CHECKING:
    import pyarrow as pa

GROUP = 16_384
"""Rows that are held in memory, and written, together."""

DIGIT = ("label", "confidence", "left", "top", "right", "bottom")
"""Names of the fields of a digit."""


def require_pyarrow() -> None:
    """Fail at once where Parquet cannot be written, rather than at the end of a long run.

    Raises:
        ValueError: pyarrow is not installed.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise ValueError("Parquet needs pyarrow, which is not installed: pip install pyarrow, or write .csv or .jsonl.")


def write(lines: Iterable[bytes], path: str) -> None:
    """Write rows that were encoded as JSON lines to a file; the same rows give the same bytes.

    Raises:
        OSError: it cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    remaining = iter(lines)
    with pq.ParquetWriter(path, _schema(), compression="zstd") as writer:
        while group := list(islice(remaining, GROUP)):
            writer.write_table(pa.Table.from_pylist(list(map(_record, group)), schema=_schema()))


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
            ("text", pa.string()),
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


def _record(line: bytes) -> dict[str, Any]:
    """Return the row of a JSON line as ``pa.Table.from_pylist`` takes it."""
    values = json_values(line)
    name = values["path"]
    values |= {column: _utf8(values[column]) for column in ("path", "label", "text", "error")}
    values["top_k"] = [{"label": _utf8(label), "probability": probability} for label, probability in values["top_k"]]
    values["notes"] = list(map(_utf8, values["notes"]))
    values["digits"] = [dict(zip(DIGIT, (_utf8(label), *numbers), strict=True)) for label, *numbers in values["digits"]]
    values["path_bytes"] = None if values["path"] == name else as_bytes(name)
    return values


def _utf8(text: str | None) -> str | None:
    """Return a text with escapes for what is not UTF-8."""
    return text if text is None or text.isascii() else as_bytes(text).decode("utf-8", "backslashreplace")


def _row(values: dict[str, Any]) -> Row:
    name = values.pop("path_bytes")
    if name is not None:
        values["path"] = name.decode("utf-8", "surrogateescape")
    values["top_k"] = tuple((each["label"], each["probability"]) for each in values["top_k"])
    values["notes"] = tuple(values["notes"])
    values["digits"] = tuple(tuple(each[name] for name in DIGIT) for each in values["digits"])
    return Row(**values)
