"""How far a table has grown, on the disk beside it: what a run that was cut off needs to go on.

A journal is a text file of lines, each with its own checksum, so that one that was torn is known and left out. The
first says what the run was asked for; each of the others, how far it was after a chunk. Whoever has it open holds a
lock on it, which the system lifts when the process is gone, however it went.
"""

import io
import json
import os
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

VERSION = 1
"""Of the journal and of the rows beside it; another one cannot be gone on with."""


@dataclass(frozen=True)
class Fingerprint:
    """All that decides what the rows say; a run is gone on with only where it is equal.

    Attributes:
        model: the export's name.
        digest: SHA-256 of its file.
        arguments: what names the inputs, as given.
        options: name -> value of whatever else changes rows, under the names that people know: ``--top-k``.
        missing: those of the arguments that are not there; a path that comes or goes is another input.
    """

    model: str = ""
    digest: str = ""
    arguments: Sequence[str] = ()
    options: Mapping[str, str | int] = field(default_factory=dict)
    missing: Sequence[str] = ()

    @classmethod
    def of(cls, model: str, digest: str, arguments: Sequence[str], **options: str | int) -> Self:
        """Look which arguments are there; ``top_k=3`` is the option ``--top-k``."""
        named = {"--" + name.replace("_", "-"): value for name, value in options.items()}
        missing = [argument for argument in arguments if not os.path.lexists(argument)]
        return cls(model, digest, list(arguments), named, missing)

    def changes(self, now: "Fingerprint") -> list[str]:
        """Say in words what is another now; nothing where all is equal."""
        names = sorted({*self.options, *now.options})
        pairs = [(name, self.options.get(name, "not given"), now.options.get(name, "not given")) for name in names]
        pairs.insert(0, ("--model", self.model, now.model))
        said = [f"{name} was {then} and is {new}" for name, then, new in pairs if then != new]
        if self.model == now.model and self.digest != now.digest:
            said.append(f"the file of {now.model} was SHA-256 {self.digest[:12]}… and is {now.digest[:12]}…")
        if list(self.arguments) != list(now.arguments):
            said.append(f"the inputs were named {_some(self.arguments)} and are {_some(now.arguments)}")
        elif list(self.missing) != list(now.missing):
            came_or_went = sorted({*self.missing} ^ {*now.missing})
            said.append(f"{_some(came_or_went)} came or went")
        return said


@dataclass(frozen=True)
class Entry:
    """How far the table was.

    Attributes:
        done: how many inputs have their rows.
        offset: bytes of the table up to there.
        inputs: SHA-256 over the fingerprints of all chunks up to there.
        rows: SHA-256 of those bytes.
        counts: status -> rows.
    """

    done: int
    offset: int
    inputs: str
    rows: str
    counts: Mapping[str, int]


class JournalError(ValueError):
    """The journal cannot be used; the message says why and what to do."""


class Journal:
    """An open journal and the lock on it.

    Attributes:
        started: when the run began, by the file system's own clock, in nanoseconds.
        replaces: whether the finished table may take the place of one that is there.
    """

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self.started = 0
        self.replaces = False
        self._descriptor = descriptor

    @classmethod
    def create(cls, path: str, fingerprint: Fingerprint, replaces: bool) -> Self:
        """Begin a new one.

        Raises:
            FileExistsError: there is one.
            OSError: it cannot be written.
        """
        descriptor = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o666)
        journal = cls(path, descriptor)
        try:
            _lock(descriptor)
            journal.started = os.fstat(descriptor).st_mtime_ns
            journal.replaces = replaces
            about = {"journal": VERSION, "started": journal.started, "replaces": replaces, **asdict(fingerprint)}
            journal._write(about)
        except OSError:
            journal.remove()
            raise
        return journal

    @classmethod
    def open(cls, path: str) -> Self | None:
        """Take hold of the one that is there; None where there is none.

        Raises:
            BlockingIOError: another run has it.
            OSError: it cannot be read.
        """
        while True:
            try:
                descriptor = os.open(path, _FLAGS)
            except FileNotFoundError:
                return None
            try:
                _lock(descriptor)
                if _is_at(descriptor, path):  # and was not removed by a run that ended meanwhile
                    return cls(path, descriptor)
            except OSError:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def fingerprint(self) -> Fingerprint | None:
        """What the run was asked for; None where it was cut off before it could say so.

        Raises:
            JournalError: another version of Inkwear wrote it.
        """
        about = next(self._values(), None)
        if about is None:
            return None
        if about.pop("journal", None) != VERSION:
            raise JournalError("another version of Inkwear began it")
        self.started, self.replaces = about.pop("started"), about.pop("replaces")
        return Fingerprint(**about)

    def entries(self, length: int | None = None) -> Iterator[tuple[Entry, int]]:
        """Yield the entries in order, each with the journal's length up to it; none beyond ``length``."""
        lines = self._lines()
        next(lines, None)
        for line, end in lines:
            if length is not None and end > length:
                return
            yield Entry(**line), end

    def add(self, entry: Entry) -> None:
        """Append an entry.

        Raises:
            OSError: it cannot be written.
        """
        self._write(vars(entry))

    def truncate(self, length: int) -> None:
        """Drop what follows."""
        os.ftruncate(self._descriptor, length)

    def now(self) -> int:
        """Return the file system's own time, in nanoseconds."""
        os.utime(self.path)
        return os.fstat(self._descriptor).st_mtime_ns

    def remove(self) -> None:
        """Delete the file, and with it the lock."""
        if os.name == "nt":  # where a file that is open cannot be deleted
            self.close()
        os.unlink(self.path)
        self.close()

    def close(self) -> None:
        """Lift the lock; more than once does no harm."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _write(self, values: Mapping[str, Any]) -> None:
        line = json.dumps(values).encode()
        write_all(self._descriptor, b"%08x %s\n" % (zlib.crc32(line), line))

    def _values(self) -> Iterator[dict[str, Any]]:
        return (values for values, _ in self._lines())

    def _lines(self) -> Iterator[tuple[dict[str, Any], int]]:
        """Yield whole lines and where they end, up to the first that is torn."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        # Not a second descriptor: closing it would lift the lock (POSIX, fcntl).
        with io.BufferedReader(io.FileIO(self._descriptor, closefd=False)) as file:
            end = 0
            for line in file:
                end += len(line)
                checksum, _, said = line[:-1].partition(b" ")
                if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(said):
                    return
                yield json.loads(said), end


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte; the system may take fewer at a time.

    Raises:
        OSError: it takes no more.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:3])
    return shown + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


_FLAGS = os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0)


def _lock(descriptor: int) -> None:
    """Lock the file for this process alone: a forked worker that outlives it does not keep the lock.

    Raises:
        BlockingIOError: another process has it.
    """
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(*error.args) from error
    else:
        import fcntl

        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except PermissionError as error:  # POSIX lets a system choose between EACCES and EAGAIN
            raise BlockingIOError(*error.args) from error


def _is_at(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
