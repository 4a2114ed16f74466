r"""Rows as bytes: CSV and JSON lines; Parquet, which is made of JSON lines, is in ``parquet_rows``.

**Names.** A name that is not UTF-8 is held as ``os.fsdecode`` holds it. In CSV it stands as the bytes it is; in JSON
lines its odd bytes are escapes from ``\udc80`` to ``\udcff``, so that ``os.fsencode(json.loads(line)["path"])`` gives
the bytes back.

**CSV** is UTF-8, its rows end with ``\r\n`` (RFC 4180). ``confidence`` and every probability have the fewest digits
from which ``float`` gives the same number back. ``top_k`` is a JSON object, ``digits`` a JSON array, ``notes`` are
parted by ``"; "``. What would start a formula in a spreadsheet gets an apostrophe before it (OWASP, "CSV Injection"):
one of ``= + - @``, their full-width twins, tab or line break, wherever a cell can begin, also for a spreadsheet that
takes ``;``, a tab or a line break for a cell's end. Where apostrophes stand before it already, one more is added, so
that taking one away gives the text back: ``parse.rows`` does, and ``plain`` does for one cell. The numbers ``class_id``
and ``confidence`` are never touched.
"""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import Any, Literal

from app.batch.output.row import COLUMNS, Row

Format = Literal["csv", "jsonl", "parquet"]

ENDINGS: dict[str, Format] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
"""Formats by the ending of the output's name."""

_FORMULA = r"[=+\-@\t\r\n＝＋－＠]"
_CELL = r"(?:^|(?<=[;\t\r\n]))"
FORMULA_START = rf"{_CELL}(?='*{_FORMULA})"
"""Where an apostrophe keeps text from being a formula: a regular expression for Python and the page's JavaScript."""

_TO_DEFUSE = re.compile(FORMULA_START)
_DEFUSED = re.compile(rf"{_CELL}'(?='*{_FORMULA})")
_TO_QUOTE = re.compile(r'[",;\r\n]')
_NO_BYTES = re.compile(r"[\ud800-\udc7f\udd00-\udfff]")
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
    """Return what a table begins with."""
    return (",".join(COLUMNS) + "\r\n").encode() if form == "csv" else b""


def encode(rows: Iterable[Row], form: Format) -> bytes:
    """Return rows as they stand in the table; those of a Parquet file are JSON lines until all of them are there."""
    if form == "csv":
        return as_bytes("".join(map(_csv_line, rows)))
    return "".join([f"{json.dumps(vars(row))}\n" for row in rows]).encode()


def json_values(line: bytes) -> dict[str, Any]:
    """Read one of the lines that ``encode`` makes.

    Raises:
        ValueError: it is not JSON.
    """
    import orjson  # which takes 20 ms to load, so not where rows are only written

    try:
        values: dict[str, Any] = orjson.loads(line)
    except orjson.JSONDecodeError:  # a name that is not UTF-8
        values = json.loads(line)
    return values


def as_bytes(text: str) -> bytes:
    """Return text as UTF-8, names in it as the bytes they are; a lone surrogate that is no byte becomes an escape."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return _NO_BYTES.sub(lambda found: rf"\u{ord(found[0]):x}", text).encode("utf-8", "surrogateescape")


def defused(text: str) -> str:
    """Return a text as a cell that no spreadsheet takes for a formula."""
    if text and (text[0] in _SUSPECT or ";" in text or not text.isprintable()):
        return _TO_DEFUSE.sub("'", text)
    return text


def plain(cell: str) -> str:
    """Return the text that ``defused`` was given."""
    return _DEFUSED.sub("", cell) if "'" in cell else cell


def _csv_line(row: Row) -> str:
    """Return a row as ``csv.writer`` writes it at three times the cost, but for the quotes around ``;`` and ``{}``."""
    top_k = ", ".join([f"{_json_name(name)}: {value!r}" for name, value in row.top_k])
    return (
        f"{_cell(row.path)},{row.status},"
        f"{'' if row.label is None else _cached_cell(row.label)},"
        f"{'' if row.text is None else _cached_cell(row.text)},"
        f"{'' if row.class_id is None else row.class_id},"
        f"{'' if row.confidence is None else repr(row.confidence)},"
        f"{_quoted(defused(f'{{{top_k}}}'))},{_cached_cell('; '.join(row.notes))},"
        f"{'' if row.error is None else _cell(row.error)},{row.code or ''},"
        f"{_cell(json.dumps(row.digits)) if row.digits else '[]'}\r\n"
    )


def _cell(text: str) -> str:
    """Return a text as a cell that stays one where a spreadsheet takes ``;`` for a separator."""
    text = defused(text)
    return _quoted(text) if _TO_QUOTE.search(text) else text


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


_cached_cell, _json_name = lru_cache(4096)(_cell), lru_cache(4096)(encode_basestring_ascii)
"""For class names and notes, of which there are few."""
