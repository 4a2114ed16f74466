"""Reads the rows of a finished table: CSV, JSON lines and Parquet."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

from app.batch.output import parquet_rows
from app.batch.output.formats import Format, json_values, plain
from app.batch.output.row import COLUMNS, Row


def rows(path: str, form: Format) -> Iterator[Row]:
    """Yield the rows of a finished table in order.

    Raises:
        ValueError: it is not a table of ours.
        OSError: it cannot be read.
    """
    return READERS[form](path)


def _in_csv(path: str) -> Iterator[Row]:
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        csv.field_size_limit(sys.maxsize)  # a number has a cell of its digits, as long as it gets
        lines = csv.reader(file)
        if tuple(next(lines, ())) != COLUMNS:
            raise ValueError(f"{path} is not a table of app.predict: its first line must be {','.join(COLUMNS)}.")
        yield from _parsed(path, "row", enumerate(lines, 2), _of_cells)


def _in_json_lines(path: str) -> Iterator[Row]:
    with open(path, "rb") as file:
        yield from _parsed(path, "line", enumerate(file, 1), of_json)


def _parsed(path: str, unit: str, lines: Iterable[tuple[int, Any]], parse: Callable[[Any], Row]) -> Iterator[Row]:
    for number, line in lines:
        try:
            row = parse(line)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}, {unit} {number}: not a row of app.predict ({error}).") from error
        yield row


def _of_cells(cells: Sequence[str]) -> Row:
    path, status, label, text, class_id, confidence, top_k, notes, error, code, digits = cells
    return Row(
        path=plain(path),
        status=cast(Any, status),
        label=plain(label) or None,
        text=plain(text) or None,
        class_id=int(class_id) if class_id else None,
        confidence=float(confidence) if confidence else None,
        top_k=tuple(json.loads(plain(top_k), object_pairs_hook=lambda pairs: pairs)),
        notes=tuple(plain(notes).split("; ")) if notes else (),
        error=plain(error) or None,
        code=cast(Any, code or None),
        digits=tuple(map(tuple, json.loads(plain(digits)))),
    )


def of_json(line: bytes) -> Row:
    """Read one line of a table in JSON lines.

    Raises:
        ValueError, TypeError: it is none.
    """
    values = json_values(line)
    if not isinstance(values, dict) or tuple(values) != COLUMNS:
        raise ValueError(f"its fields must be {', '.join(COLUMNS)}")
    lists = {name: tuple(map(tuple, values[name])) for name in ("top_k", "digits")}
    return Row(**{**values, **lists, "notes": tuple(values["notes"])})


READERS: dict[Format, Callable[[str], Iterator[Row]]] = {
    "csv": _in_csv,
    "jsonl": _in_json_lines,
    "parquet": parquet_rows.read,
}
