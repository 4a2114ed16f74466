r"""Rows as bytes, and bytes as rows: CSV, JSON lines, Parquet.

**Names.** A name that is not UTF-8 is held as ``os.fsdecode`` holds it. In CSV it stands as the bytes it is; in JSON
lines its odd bytes are escapes from ``\udc80`` to ``\udcff``, so that ``os.fsencode(json.loads(line)["path"])`` gives
the bytes back; of Parquet, which is UTF-8 alone, see ``parquet_rows``.

**CSV** is UTF-8, its rows end with ``\r\n`` (RFC 4180). ``confidence`` and every probability have the fewest digits
from which ``float`` gives the same number back. ``top_k`` is a JSON object, ``digits`` a JSON array, ``notes`` are
parted by ``"; "``. What would start a formula in a spreadsheet gets an apostrophe before it (OWASP, "CSV Injection"):
one of ``= + - @``, their full-width twins, tab or line break, wherever a cell can begin, also for a spreadsheet that
takes ``;``, a tab or a line break for a cell's end. Where apostrophes stand before it already, one more is added, so
that taking one away gives the text back: ``rows`` does, and ``plain`` does for one cell. The numbers ``class_id`` and
``confidence`` are never touched.
"""

import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path
from typing import Any, Literal, cast, get_args

from app.batch.output.row import COLUMNS, Row

Format = Literal["csv", "jsonl", "parquet"]

FORMATS: tuple[Format, ...] = get_args(Format)

ENDINGS: dict[str, Format] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}

_FORMULA = r"[=+\-@\t\r\n＝＋－＠]"
_CELL = r"(?:^|(?<=[;\t\r\n]))"
FORMULA_START = rf"{_CELL}(?='*{_FORMULA})"
"""Where an apostrophe keeps text from being a formula: a regular expression for Python and the page's JavaScript."""

_TO_DEFUSE = re.compile(FORMULA_START)
_DEFUSED = re.compile(rf"{_CELL}'(?='*{_FORMULA})")
_SUSPECT = frozenset("'=+-@\t\r\n＝＋－＠")


def format_of(output: str, form: Format | None = None) -> Format:
    """Return the format that was asked for, or the one that the ending of the output says.

    Raises:
        ValueError: no known ending and no format named, or Parquet for stdout.
    """
    if form is None and output != "-" and Path(output).suffix.lower() not in ENDINGS:
        raise ValueError(f"--output {output}: the ending must be {', '.join(ENDINGS)}, or name a --format.")
    form = form or ("csv" if output == "-" else ENDINGS[Path(output).suffix.lower()])
    if form == "parquet" and output == "-":
        raise ValueError("--format parquet needs a file as --output: its end is written before its beginning is true.")
    return form


def header(form: Format) -> bytes:
    """What a table begins with."""
    return (",".join(COLUMNS) + "\r\n").encode() if form == "csv" else b""


def encode(rows: Iterable[Row], form: Format) -> bytes:
    """Rows as they stand in the file; those of a Parquet file are kept as JSON lines until all of them are there."""
    if form != "csv":
        return "".join(map(_json_line, rows)).encode()
    return as_bytes("".join(map(_csv_line, rows)))


def as_bytes(text: str) -> bytes:
    """Text as UTF-8, names among it as the bytes they are; a lone surrogate that is no byte becomes an escape."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return re.sub(r"[\ud800-\udc7f\udd00-\udfff]", lambda found: rf"\u{ord(found[0]):x}", text).encode(
            "utf-8", "surrogateescape"
        )


def as_text(data: bytes) -> str:
    """The text that ``as_bytes`` was given."""
    return data.decode("utf-8", "surrogateescape")


def defused(text: str) -> str:
    """A text as a cell that no spreadsheet takes for a formula."""
    if text and (text[0] in _SUSPECT or ";" in text or not text.isprintable()):
        return _TO_DEFUSE.sub("'", text)
    return text


def plain(cell: str) -> str:
    """The text that ``defused`` was given."""
    return _DEFUSED.sub("", cell) if "'" in cell else cell


def _csv_line(row: Row) -> str:
    """A row as ``csv.writer`` writes these cells, at half of its time."""
    top_k = ", ".join([f"{_short(name)[2]}: {value!r}" for name, value in row.top_k])
    if ";" in top_k:
        top_k = defused(top_k)
    return (
        f"{_cell(row.path)},{row.status},"
        f"{'' if row.label is None else _short(row.label)[0]},"
        f"{'' if row.class_id is None else row.class_id},"
        f"{'' if row.confidence is None else repr(row.confidence)},"
        f'"{{{top_k}}}",{_notes(row.notes)},'
        f"{'' if row.error is None else _cell(row.error)},{row.code or ''},"
        f"{_cell(json.dumps(row.digits)) if row.digits else '[]'}\r\n"
    )


def _cell(text: str) -> str:
    text = defused(text)
    if '"' in text or "," in text or "\n" in text or "\r" in text or ";" in text:
        return '"' + text.replace('"', '""') + '"'
    return text


def _json_line(row: Row) -> str:
    """``json.dumps(asdict(row))``, at a fifth of its time."""
    top_k = ", ".join([f"[{_short(name)[1]}, {value!r}]" for name, value in row.top_k])
    return (
        f'{{"path": {quoted(row.path)}, "status": "{row.status}", '
        f'"label": {"null" if row.label is None else _short(row.label)[1]}, '
        f'"class_id": {"null" if row.class_id is None else row.class_id}, '
        f'"confidence": {"null" if row.confidence is None else repr(row.confidence)}, '
        f'"top_k": [{top_k}], "notes": {_json_notes(row.notes)}, '
        f'"error": {"null" if row.error is None else quoted(row.error)}, '
        f'"code": {"null" if row.code is None else quoted(row.code)}, '
        f'"digits": {json.dumps(row.digits) if row.digits else "[]"}}}\n'
    )


@lru_cache(4096)
def _short(name: str) -> tuple[str, str, str]:
    """A class name as a cell, in JSON, and in JSON within a cell; there are few of them."""
    return _cell(name), quoted(name), quoted(name).replace('"', '""')


@lru_cache(4096)
def _notes(notes: tuple[str, ...]) -> str:
    return _cell("; ".join(notes))


@lru_cache(4096)
def _json_notes(notes: tuple[str, ...]) -> str:
    return json.dumps(notes)


# -------------------------------------------------------------------------------------------------- reading it back


def rows(path: str, form: Format) -> Iterator[Row]:
    """Read a finished table, one row after the other.

    Raises:
        ValueError: it is not a table of ours.
        OSError: it cannot be read.
    """
    if form == "parquet":
        from app.batch.output.parquet_rows import read

        return read(path)
    return _in_csv(path) if form == "csv" else _in_json_lines(path)


def _in_csv(path: str) -> Iterator[Row]:
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        csv.field_size_limit(sys.maxsize)  # a number has a cell of its digits, as long as it gets
        lines = csv.reader(file)
        if tuple(next(lines, ())) != COLUMNS:
            raise ValueError(f"{path} is not a table of app.predict: its first line must be {','.join(COLUMNS)}.")
        for number, cells in enumerate(lines, 2):
            try:
                yield _of_cells(cells)
            except (ValueError, TypeError) as error:
                raise ValueError(f"{path}, row {number}: not a row of app.predict ({error}).") from error


def _of_cells(cells: Sequence[str]) -> Row:
    path, status, label, class_id, confidence, top_k, notes, error, code, digits = cells
    return Row(
        path=plain(path),
        status=cast(Any, status),
        label=plain(label) or None,
        class_id=int(class_id) if class_id else None,
        confidence=float(confidence) if confidence else None,
        top_k=tuple(json.loads(plain(top_k), object_pairs_hook=lambda pairs: pairs)),
        notes=tuple(plain(notes).split("; ")) if notes else (),
        error=plain(error) or None,
        code=cast(Any, code or None),
        digits=tuple(map(tuple, json.loads(plain(digits)))),
    )


def _in_json_lines(path: str) -> Iterator[Row]:
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield of_json(line)
            except (ValueError, TypeError) as error:
                raise ValueError(f"{path}, line {number}: not a row of app.predict ({error}).") from error


def of_json(line: bytes) -> Row:
    """Read one line of a table in JSON lines.

    Raises:
        ValueError, TypeError: it is not.
    """
    values = json.loads(line)
    lists = {name: tuple(map(tuple, values[name])) for name in ("top_k", "digits")} if isinstance(values, dict) else {}
    return Row(**{**values, **lists, "notes": tuple(values["notes"])})
