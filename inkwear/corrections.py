"""Reads corrections: pictures with the labels that users gave them. ``app.corrections`` writes them.

They are in a SQLite file, or in the ZIP that the app makes of it: ``labels.csv``, ``images/<id>.png`` as the network
saw them, ``pictures/<id>.<ending>`` as they were sent.
"""

import csv
import hashlib
import io
import json
import math
import re
import sqlite3
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inkwear.errors import CorrectionsError
from inkwear.images.decode import open_image
from inkwear.preprocess.spec import MAX_SIZE, SIZE, Pixels

DATABASE = "corrections.sqlite"

APPLICATION_ID = 0x496E6B77
"""``Inkw``, the application id in SQLite's header (``PRAGMA application_id``)."""

VERSION = 1
"""Version of the table below (``PRAGMA user_version``)."""

TABLE = """
CREATE TABLE IF NOT EXISTS corrections (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    created TEXT NOT NULL,
    dataset TEXT NOT NULL,
    title TEXT NOT NULL,
    class_names TEXT NOT NULL,
    label TEXT NOT NULL,
    said TEXT NOT NULL,
    confidence REAL NOT NULL,
    model TEXT NOT NULL,
    digest TEXT NOT NULL,
    pixels BLOB NOT NULL,
    format TEXT NOT NULL,
    checksum TEXT NOT NULL,
    picture BLOB NOT NULL,
    UNIQUE (dataset, pixels)
)
"""
"""One row for each image that the network saw; ``picture`` is last, so that lists need not read past it."""

COLUMNS = ("id", "created", "dataset", "title", "class_names", "label", "said", "confidence", "model", "digest")
"""Columns of ``labels.csv``, and of the table before the images."""


@dataclass(frozen=True, eq=False)
class Correction:
    """A picture with its right label, and how a model had read it.

    Attributes:
        id: 32 random hexadecimal digits.
        created: UTC, ISO 8601.
        dataset, title, class_names: of the model that had read it.
        label: the right class name.
        said: the label that the model had given; the digits of a number in a row.
        confidence: of ``said``.
        model, digest: the model's name, and the SHA-256 of its file.
        pixels: (S, S) uint8, as the network saw it.
        format: of the picture as it was sent, by Pillow's name.
    """

    id: str
    created: str
    dataset: str
    title: str
    class_names: tuple[str, ...]
    label: str
    said: str
    confidence: float
    model: str
    digest: str
    pixels: Pixels
    format: str = "PNG"

    def checksum(self) -> str:
        """Return the SHA-256 of everything that training uses."""
        used = json.dumps([self.id, self.dataset, self.label]).encode()
        return hashlib.sha256(used + self.pixels.tobytes()).hexdigest()


def read_corrections(source: Path) -> list[Correction]:
    """Read the app's folder, a ZIP that it exported, or the folder where that was unpacked; oldest first.

    Raises:
        CorrectionsError: there are none, or they are damaged.
    """
    if (source / DATABASE).is_file():
        return _read_database(source / DATABASE)
    if (source / "labels.csv").is_file():
        return list(_read_table(source, source))
    if zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            return list(_read_table(zipfile.Path(archive), source))
    raise CorrectionsError(
        f"{source}: no corrections here. Name the folder given to python -m app --corrections (it holds {DATABASE}), "
        "or a ZIP that the page exported, or the folder into which that was unpacked (it holds labels.csv)."
    )


# ---------------------------------------------------------------------------------------------------- the database


def _read_database(path: Path) -> list[Correction]:
    """Read a database, also while an app writes to it; without one, no log is needed and none is left behind."""
    has_log = path.with_name(f"{path.name}-wal").exists()
    address = f"{path.absolute().as_uri()}?mode=ro{'' if has_log else '&immutable=1'}"
    with naming_sqlite_errors(path), closing(sqlite3.connect(address, uri=True)) as connection:
        check_database(connection, path)
        return list(select_corrections(connection, path, "ORDER BY number"))


def check_database(connection: sqlite3.Connection, path: Path) -> None:
    """Check that a database is intact, and one of corrections.

    Raises:
        CorrectionsError: it is not.
    """
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise CorrectionsError(f"{path}: a database of another program. Move it away, or choose another folder.")
    if (version := _pragma(connection, "user_version")) != VERSION:
        raise CorrectionsError(f"{path}: of version {version}, this Inkwear reads {VERSION}. Update Inkwear.")
    if (found := _pragma(connection, "quick_check(1)")) != "ok":
        raise _damaged(path, found)


def select_corrections(
    connection: sqlite3.Connection, path: Path, which: str, values: Sequence[object] = ()
) -> Iterator[Correction]:
    """Yield the corrections that a query finds.

    Args:
        connection: to the database.
        path: of the database, for errors.
        which: the part of the query after ``FROM corrections``.
        values: of its parameters.

    Raises:
        CorrectionsError: a row is damaged.
    """
    columns = ", ".join((*COLUMNS, "pixels", "format", "checksum"))
    for *values_of_row, checksum in connection.execute(f"SELECT {columns} FROM corrections {which}", values):
        correction = _from_row(values_of_row, path)
        if correction.checksum() != checksum:
            raise _damaged(path, f"the correction {correction.id} is not what was written")
        yield correction


def _from_row(row: list[Any], path: Path) -> Correction:
    try:
        pixels = np.frombuffer(row[10], np.uint8)
        pixels = pixels.reshape(math.isqrt(len(pixels)), -1)
        if not _is_square(pixels):
            raise ValueError(f"{pixels.size} pixels make no square")
        values = dict(zip(COLUMNS, row, strict=False)) | {"class_names": tuple(json.loads(row[4]))}
        return Correction(**values, pixels=pixels, format=row[11])
    except (TypeError, ValueError) as error:
        raise _damaged(path, f"the correction {row[0]}: {error}") from error


def _is_square(pixels: Pixels) -> bool:
    return pixels.ndim == 2 and SIZE <= len(pixels) == pixels.shape[1] <= MAX_SIZE and pixels.dtype == np.uint8


def _damaged(path: Path, reason: object) -> CorrectionsError:
    return CorrectionsError(
        f"{path}: damaged, or no database of corrections ({reason}). Move it away, put a copy of it back if there is "
        "one, and start again."
    )


@contextmanager
def naming_sqlite_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ``CorrectionsError``."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise CorrectionsError(
            f"{path}: cannot be read or written ({error}). Is there room on the disk, may the folder be written, and "
            "does no other program hold the file?"
        ) from error
    except sqlite3.DatabaseError as error:
        raise _damaged(path, error) from error


def _pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


# --------------------------------------------------------------------------------------------------------- the ZIP


def _read_table(root: Path | zipfile.Path, source: Path) -> Iterator[Correction]:
    try:
        rows = list(csv.DictReader(io.StringIO((root / "labels.csv").read_bytes().decode("utf-8-sig"))))
        for row in rows:
            yield _from_csv(row, root)
    except (KeyError, TypeError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise CorrectionsError(f"{source}: damaged ({error}). Export it from the page again.") from error


def _from_csv(row: dict[str, str], root: Path | zipfile.Path) -> Correction:
    """Read a line of ``labels.csv`` and its image, whose name is made from the id, never taken from the file."""
    if not re.fullmatch("[0-9a-f]{32}", row["id"]):
        raise ValueError(f"labels.csv: {row['id']!r} is no id")
    name = f"images/{row['id']}.png"
    pixels = np.asarray(open_image((root / name).read_bytes(), name))
    if not _is_square(pixels):
        raise ValueError(f"{name} is no square of {SIZE}×{SIZE} or more in 8-bit gray")
    named = {column: row[column] for column in COLUMNS}
    values = named | {"class_names": tuple(json.loads(row["class_names"])), "confidence": float(row["confidence"])}
    return Correction(**values, pixels=pixels)  # type: ignore[arg-type]
