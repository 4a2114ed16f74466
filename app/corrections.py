"""Keeps corrections, pictures with their right labels, in a folder that the user names; without one, keeps nothing."""

import csv
import io
import json
import os
import secrets
import sqlite3
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import IO, Any

from PIL import Image

from inkwear.corrections import (
    APPLICATION_ID,
    COLUMNS,
    DATABASE,
    TABLE,
    VERSION,
    Correction,
    check_database,
    naming_sqlite_errors,
    select_corrections,
)
from inkwear.errors import CorrectionsError
from inkwear.onnx.metadata import ModelMetadata
from inkwear.preprocess.spec import Pixels

ENDINGS = {"JPEG": "jpg", "TIFF": "tif"}
"""File endings of formats whose name is not their ending."""

MAX_WAIT_SECONDS = 5
"""Seconds to wait for another program that holds the file, such as a training that reads it."""


class NoSuchCorrectionError(ValueError):
    """There is no correction of this id."""

    def __init__(self, id: str) -> None:
        super().__init__(f"There is no correction {id!r}; GET /corrections lists those there are.")


class CorrectionsOff(ValueError):  # noqa: N818, the name is the code that the page knows
    """Corrections are not kept; the message says how to switch that on."""

    def __init__(self) -> None:
        super().__init__(
            "Corrections are not kept. Start the app with --corrections FOLDER to keep them: "
            "python -m app --corrections corrections"
        )


def new_correction(metadata: ModelMetadata, label: str, **facts: Any) -> Correction:
    """Return a correction of what a model read, with a new id and the current time; ``facts`` are its other attributes.

    Raises:
        ValueError: ``label`` is not one of the model's classes.
    """
    if label not in metadata.class_names:
        known = ", ".join(metadata.class_names)
        raise ValueError(f"{label!r} is no class of {metadata.title}. Known: {known}.")
    return Correction(
        id=secrets.token_hex(16),
        created=datetime.now(UTC).isoformat(timespec="milliseconds"),
        dataset=metadata.dataset,
        title=metadata.title,
        class_names=tuple(metadata.class_names),
        label=label,
        **facts,
    )


class Corrections:
    """The corrections in a folder, which is created if missing; safe for any number of threads.

    A correction and its picture are one row of one table, so that neither can exist without the other, even after a
    crash. Pixels have one label: a later correction of the same pixels replaces the earlier one. Deleted rows are
    overwritten (``PRAGMA secure_delete``). After each change the database is one file, and its log is empty.

    Raises:
        CorrectionsError: the folder cannot be used, or its database is damaged or belongs to another program.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / DATABASE
        self._lock = Lock()
        self._make_private()
        with naming_sqlite_errors(self.path):
            self._connection = sqlite3.connect(
                self.path, timeout=MAX_WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare()
            except BaseException:
                self._connection.close()  # an open connection would keep the log file alive
                raise

    def _make_private(self) -> None:
        """Create a missing folder and file for their owner alone; SQLite gives its other files the same mode."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise CorrectionsError(
                f"--corrections {self.folder}: cannot be used ({error.strerror}). Name a folder that may be written."
            ) from error

    def _prepare(self) -> None:
        execute = self._connection.execute
        if execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            with self._transaction():
                execute(TABLE)
                execute(f"PRAGMA application_id = {APPLICATION_ID}")
                execute(f"PRAGMA user_version = {VERSION}")
        check_database(self._connection, self.path)
        for setting in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "temp_store = MEMORY"):
            execute(f"PRAGMA {setting}")
        self._empties_log()

    def __enter__(self) -> "Corrections":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    # ------------------------------------------------------------------------------------------------------ change

    def add(self, correction: Correction, picture: bytes) -> None:
        """Keep a correction with its picture, the encoded bytes as they were sent.

        Raises:
            CorrectionsError: it could not be written; nothing was changed.
        """
        row = _facts(correction) | {
            "pixels": correction.pixels.tobytes(),
            "format": correction.format,
            "checksum": correction.checksum(),
            "picture": picture,
        }
        places = ", ".join(f":{name}" for name in row)
        with self._changing() as connection:
            # REPLACE removes an earlier correction of the same pixels together with its picture
            connection.execute(f"INSERT OR REPLACE INTO corrections ({', '.join(row)}) VALUES ({places})", row)

    def delete(self, id: str) -> None:
        """Delete a correction and its picture.

        Raises:
            NoSuchCorrectionError: no correction has this id.
        """
        with self._changing(forget=True) as connection:
            if not connection.execute("DELETE FROM corrections WHERE id = ?", (id,)).rowcount:
                raise NoSuchCorrectionError(id)

    def delete_all(self) -> int:
        """Delete every correction, shrink the file to the size of a new one, and return how many there were."""
        with self._changing() as connection:
            count = connection.execute("DELETE FROM corrections").rowcount
        with self._lock, naming_sqlite_errors(self.path):
            self._connection.execute("VACUUM")
            self._forget()
        return count

    @contextmanager
    def _changing(self, forget: bool = False) -> Iterator[sqlite3.Connection]:
        with self._lock, naming_sqlite_errors(self.path):
            with self._transaction():
                yield self._connection
            if not self._empties_log() and forget:
                self._forget()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _empties_log(self) -> bool:
        """Move the log into the database and empty it; return False where another program is using it."""
        busy, *_ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def _forget(self) -> None:
        """Wait until the deleted bytes have left the log too."""
        until = time.monotonic() + MAX_WAIT_SECONDS
        while not self._empties_log():
            if time.monotonic() > until:
                raise CorrectionsError(
                    f"{self.path}: deleted, but another program reads it, so that the bytes are still in "
                    f"{self.path.name}-wal. They go with the next change, or when the app ends."
                )
            time.sleep(0.02)

    # -------------------------------------------------------------------------------------------------------- read

    def count(self) -> int:
        with self._reading() as connection:
            return int(connection.execute("SELECT count(*) FROM corrections").fetchone()[0])

    def newest(self, offset: int = 0, limit: int = 50) -> list[Correction]:
        """Return a page of corrections, newest first."""
        with self._reading() as connection:
            return list(
                select_corrections(connection, self.path, "ORDER BY number DESC LIMIT ? OFFSET ?", (limit, offset))
            )

    def picture(self, id: str) -> tuple[bytes, str]:
        """Return a picture as it was sent, and its format by Pillow's name.

        Raises:
            NoSuchCorrectionError: no correction has this id.
        """
        with self._reading() as connection:
            row = connection.execute("SELECT picture, format FROM corrections WHERE id = ?", (id,)).fetchone()
        if row is None:
            raise NoSuchCorrectionError(id)
        return row

    def export(self) -> IO[bytes]:
        """Return all corrections as an open ZIP file without a name on the disk, which vanishes when it is closed."""
        file = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115, the caller closes it
        with self._reading() as connection, zipfile.ZipFile(file, "w") as archive:
            corrections = list(select_corrections(connection, self.path, "ORDER BY number"))
            archive.writestr("labels.csv", _labels_csv(corrections))
            for correction in corrections:
                query = "SELECT picture FROM corrections WHERE id = ?"
                [picture] = connection.execute(query, (correction.id,)).fetchone()
                archive.writestr(f"images/{correction.id}.png", _png(correction.pixels))
                archive.writestr(f"pictures/{file_name(correction.id, correction.format)}", picture)
        file.seek(0)
        return file

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, naming_sqlite_errors(self.path):
            yield self._connection


def file_name(id: str, format: str) -> str:
    """Return a picture's file name, which says nothing about what it shows."""
    return f"{id}.{ENDINGS.get(format, format.lower())}"


def _facts(correction: Correction) -> dict[str, Any]:
    """The columns of a table, whose class names are one cell."""
    names = json.dumps(correction.class_names, ensure_ascii=False)
    return {name: getattr(correction, name) for name in COLUMNS} | {"class_names": names}


def _labels_csv(corrections: list[Correction]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(_facts, corrections))
    return text.getvalue()


def _png(pixels: Pixels) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()
