"""The rows of a run that is not finished: an SQLite file beside the output, one transaction a chunk.

In WAL mode a transaction is appended to a log with a checksum. As nothing moves the log into the file before the run
ends, none waits for the disk, and yet whatever ends the run (kill -9, a full disk, a power cut) leaves whole
transactions. SQLite's exclusive lock, which the system lifts when the process ends, keeps a second run out. The rows
are stored as they will stand in the table, with a SHA-256 that covers all chunks up to them, so that rows changed by
anything else are noticed.
"""

import hashlib
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from app.batch.output.fingerprint import RunFingerprint
from app.batch.run.reader import Answered

VERSION = 3
"""Version of the spool and of the rows in it; a spool of another version cannot be resumed."""

LOCK = (
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA synchronous = OFF",
    "PRAGMA wal_autocheckpoint = 0",
    "BEGIN EXCLUSIVE",
    "COMMIT",
)

CREATE = (
    "PRAGMA journal_mode = WAL",
    "BEGIN",
    f"PRAGMA user_version = {VERSION}",
    "CREATE TABLE run (started INTEGER, replaces INTEGER, fingerprint TEXT)",
    "CREATE TABLE chunks (number INTEGER PRIMARY KEY, inputs BLOB, counts BLOB, rows BLOB, digest BLOB)",
)

CLOSE = "PRAGMA synchronous = NORMAL"
"""As closing moves the log into the file, which must not be torn by a power cut."""

REMOVE = "PRAGMA journal_mode = OFF"
"""Moves the log into the file now, so that closing deletes nothing: by then another run may have begun."""


class SpoolError(ValueError):
    """The file is no spool of this version, or a damaged one; the message says why."""


class LockedError(Exception):
    """Another run holds the spool."""


@dataclass(frozen=True)
class Run:
    """What a spool says about its run.

    Attributes:
        started: when it began, by the file system's clock, in nanoseconds.
        replaces: whether the finished table may replace an existing one.
        fingerprint: all that decides what the rows say.
    """

    started: int
    replaces: bool
    fingerprint: RunFingerprint


class Spool:
    """An open spool, locked against other runs; any of its methods may raise ``SpoolError`` or an ``sqlite3.Error``.

    Attributes:
        run: what it says about its run; None where the run was cut off before it was written.

    Raises:
        LockedError: another run holds it.
        OSError: there is no such file, or it cannot be read.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._digest, self._last = b"", 0
        found, uri = os.stat(path), f"{Path(path).as_uri()}?mode=rw"
        self._connection: sqlite3.Connection | None = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)
        try:
            self._execute(*LOCK)
            if not (os.path.exists(path) and os.path.samestat(found, os.stat(path))):
                raise LockedError  # the run that held it has just removed it
            self.run = self._read_run()
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, path: str, fingerprint: RunFingerprint, replaces: bool) -> Self:
        """Begin a new spool, readable by its owner only.

        Args:
            path: where it must not exist yet.
            fingerprint: all that decides what the rows say.
            replaces: whether the finished table may replace an existing one.

        Raises:
            LockedError: another run has just begun one.
            OSError: it cannot be written.
        """
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError as error:
            raise LockedError from error
        spool = cls(path)
        try:
            spool._execute(*CREATE)
            spool.run = Run(os.stat(path).st_mtime_ns, replaces, fingerprint)
            values = spool.run.started, replaces, json.dumps(asdict(fingerprint))
            spool._query("INSERT INTO run VALUES (?, ?, ?)", *values)
            spool._execute("COMMIT")
        except BaseException:
            spool.remove()
            raise
        return spool

    def add(self, answered: Answered) -> None:
        """Store the rows of the next chunk, all of them or none."""
        counts = json.dumps(answered.counts).encode()
        digest = _digest(self._digest, answered.fingerprint, counts, answered.text)
        values = answered.fingerprint, counts, answered.text, digest
        self._query("INSERT INTO chunks (inputs, counts, rows, digest) VALUES (?, ?, ?, ?)", *values)
        self._digest = digest

    def chunks(self) -> Iterator[Answered]:
        """Yield the chunks in order, up to the first that is not as it was written."""
        self._digest, self._last = b"", 0
        while found := self._query("SELECT * FROM chunks WHERE number > ? ORDER BY number LIMIT 1", self._last):
            [(number, inputs, counts, rows, digest)] = found
            if digest != _digest(self._digest, inputs, counts, rows):
                return
            self._digest, self._last = digest, number
            yield Answered(rows, Counter(json.loads(counts)), inputs)

    def drop_rest(self) -> None:
        """Delete what follows the last chunk that ``chunks`` yielded."""
        self._query("DELETE FROM chunks WHERE number > ?", self._last)

    def now(self) -> int:
        """Return the file system's own time, in nanoseconds."""
        os.utime(self.path)
        return os.stat(self.path).st_mtime_ns

    def remove(self) -> None:
        """Delete the file, and only then lift the lock; a closed spool is left alone."""
        if self._connection is None:
            return
        with suppress(sqlite3.Error, SpoolError):  # where the disk is full, the log is deleted as it is
            self._execute(REMOVE)
        if os.name == "nt":  # where an open file cannot be deleted
            self.close()
        remove_files(self.path)
        self.close()

    def close(self) -> None:
        """Lift the lock; closing twice does no harm."""
        if self._connection is not None:
            with suppress(sqlite3.Error, SpoolError):  # where it is no database
                self._execute(CLOSE)
            self._connection.close()
        self._connection = None

    def _read_run(self) -> Run | None:
        [(version,)] = self._query("PRAGMA user_version")
        if not version and not self._query("SELECT name FROM sqlite_master"):
            return None
        if version != VERSION:
            raise SpoolError("another version of Inkwear, or another program, began it")
        try:
            [(started, replaces, fingerprint)] = self._query("SELECT * FROM run")
            return Run(started, bool(replaces), RunFingerprint(**json.loads(fingerprint)))
        except (ValueError, TypeError) as error:
            raise SpoolError(f"damaged: {error}") from error

    def _execute(self, *statements: str) -> None:
        for statement in statements:
            self._query(statement)

    def _query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Execute a statement to its end: a cursor that is left open would keep the lock after ``close``."""
        assert self._connection, "the spool is closed"
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise LockedError from error
            raise
        except sqlite3.DatabaseError as error:
            raise SpoolError(str(error)) from error


def remove_files(path: str) -> None:
    """Delete a spool and what SQLite may have left beside it."""
    for ending in ("-journal", "-wal", ""):
        with suppress(FileNotFoundError):
            os.unlink(path + ending)


def _digest(before: bytes, *parts: bytes) -> bytes:
    """Return the SHA-256 of a chunk and, by way of the digest before, of all chunks before it."""
    whole = (before, *(part if isinstance(part, bytes) else b"" for part in parts))  # damage may change a column's type
    return hashlib.sha256(b"\0".join(whole)).digest()
