"""The table that is written: whole rows only, under its name only when it is complete.

While a run goes on, its rows are in ``NAME.partial`` and how far it is in ``NAME.journal``, both beside the output. A
run that was cut off, by whatever, goes on from there, and the finished table is byte for byte that of a run that was
not. Only then does it get its name, all at once.
"""

import filecmp
import hashlib
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO, Self

from app.batch.output import parquet_rows
from app.batch.output.formats import Format, header, rows
from app.batch.output.journal import Entry, Fingerprint, Journal, JournalError, write_all
from app.batch.output.resume import Chunk, InputsChangedError, refuse_changed, skip_what_is_done
from app.batch.run.reader import Answered

CLOSED_PIPE = 141
"""Exit code of what the shell ends because nobody reads on: 128 + SIGPIPE."""


class OutputError(ValueError):
    """The output cannot be written, or not gone on with; the message names it, says what is safe and what to do."""


class OutputClosed(SystemExit):
    """Nobody reads stdout any more, as behind ``| head``: the process ends without a word."""


class Table:
    """A table that grows chunk by chunk.

    Attributes:
        done: how many inputs have their rows, those of a run that is gone on with among them.
        counts: status -> rows, of all of these.
        taken_up: how many of them were there already.
        was_complete: the finished table is there already, and nothing is left to do.
    """

    was_complete = False

    def __init__(self) -> None:
        self.done = self.taken_up = 0
        self.counts: Counter[str] = Counter(ok=0, unsure=0, blank=0, error=0)

    def remaining(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """Yield the chunks that have no rows yet.

        Raises:
            OutputError: the inputs are not those that the run began with.
        """
        yield from chunks

    def add(self, answered: Answered) -> None:
        """Append the rows of the next chunk.

        Raises:
            OutputError: they cannot be written.
            OutputClosed: nobody reads them.
        """
        raise NotImplementedError

    def complete(self) -> None:
        """Say that all inputs have their rows, so that the table gets its name when it is closed."""

    @property
    def saved(self) -> str:
        """What is safe if the run ends here, and how to go on, in a sentence."""
        raise NotImplementedError

    def _count(self, answered: Answered) -> None:
        self.done += answered.counts.total()
        self.counts.update(answered.counts)

    def _finish(self) -> None:
        """Do what is left to do after the last row."""

    def _close(self) -> None:
        """Let go of everything."""


@contextmanager
def open_table(
    output: str,
    form: Format,
    overwrite: bool = False,
    resume: bool = False,
    fingerprint: Fingerprint = Fingerprint(),  # noqa: B008  # it is frozen
) -> Iterator[Table]:
    """Open the output for writing; ``-`` is stdout.

    The table gets its name at the end of the context, if it was told ``complete()`` and nothing was raised.

    Args:
        output: the table's name.
        form: of its rows; those that are added must have been made for it.
        overwrite: a table that is there, or was begun, is replaced.
        resume: a table that was begun is gone on with.
        fingerprint: all that decides what its rows say.

    Raises:
        OutputError: it is there and may not be replaced, was begun and is not to be gone on with, was begun otherwise,
            is being written by another run, or cannot be written.
    """
    if overwrite and resume:
        raise OutputError("--resume goes on with what is there, --overwrite starts anew: choose one of them.")
    table = _stream(form, resume) if output == "-" else _file(_Places.of(output), form, overwrite, resume, fingerprint)
    try:
        yield table
        table._finish()
    finally:
        table._close()


# ---------------------------------------------------------------------------------------------------------- stdout


def _stream(form: Format, resume: bool) -> "Table":
    if resume:
        raise OutputError("--resume needs a file as --output: what went to stdout cannot be gone on with.")
    return _Stream(sys.stdout.buffer, form)


class _Stream(Table):
    def __init__(self, file: BinaryIO, form: Format) -> None:
        super().__init__()
        self._file = file
        self._write(header(form))

    def add(self, answered: Answered) -> None:
        self._write(answered.text)
        self._count(answered)

    @property
    def saved(self) -> str:
        return f"{self.done:,} rows were written to stdout; the inputs behind them were not read."

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
            self._file.flush()
        except BrokenPipeError:
            _forget_stdout()
            raise OutputClosed(CLOSED_PIPE) from None
        except OSError as error:
            raise OutputError(f"stdout cannot be written: {error.strerror}. {self.saved}") from error


def _forget_stdout() -> None:
    """Lead stdout to nowhere, so that Python does not complain at its end of what it cannot flush."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


# ---------------------------------------------------------------------------------------------------------- a file


@dataclass(frozen=True)
class _Places:
    """Where a table is: ``output`` as it was given, and the files."""

    output: str
    final: str
    partial: str
    journal: str

    @classmethod
    def of(cls, output: str) -> Self:
        final = os.path.realpath(output)
        return cls(output, final, f"{final}.partial", f"{final}.journal")

    @property
    def shown(self) -> str:
        """How the user would write the partial table's name."""
        return f"{self.output}.partial"

    def error(self, what: str) -> OutputError:
        return OutputError(f"--output {self.output} {what}")


@dataclass(frozen=True)
class _Begun:
    """A run that was cut off: its last entry that the rows bear out, and what was hashed up to there."""

    entry: Entry
    journal_length: int
    hashed: "hashlib._Hash"


def _file(places: _Places, form: Format, overwrite: bool, resume: bool, fingerprint: Fingerprint) -> Table:
    if form == "parquet":
        parquet_rows.require_pyarrow()
    try:
        journal = Journal.open(places.journal)
        try:
            return _decide(places, form, journal, overwrite, resume, fingerprint)
        except BaseException:
            if journal:
                journal.close()
            raise
    except (BlockingIOError, FileExistsError) as error:
        raise places.error("is being written by another run; wait for it, or choose another name.") from error
    except OSError as error:
        raise places.error(f"cannot be written: {error.strerror}.") from error


def _decide(
    places: _Places, form: Format, journal: Journal | None, overwrite: bool, resume: bool, fingerprint: Fingerprint
) -> Table:
    """Go on with what is there, start anew, or refuse; ``journal`` is the one that was found, and is held."""
    is_there, is_begun = os.path.exists(places.final), os.path.exists(places.partial)
    if is_there and not os.path.isfile(places.final):
        raise places.error("is not a regular file; - writes to stdout.")
    if is_begun and not journal and not overwrite:
        raise places.error(
            f"was begun, but {places.output}.journal is gone, so it cannot be gone on with. "
            "Start anew with --overwrite, or choose another name."
        )
    replaces, goes_on = overwrite, False
    if journal and not overwrite:
        then = _asked_then(journal, places)
        if begun := _confirmed(journal, places.partial) if is_begun else None:
            if not resume:
                raise places.error(
                    f"was begun and not finished: {begun.entry.done:,} rows are in {places.shown}. "
                    "Go on with --resume, or start anew with --overwrite."
                )
            _refuse_other(places, then, fingerprint)
            return _File(places, form, journal, begun)
        if resume and is_there and _is_before_its_first_row(journal, is_begun):
            _refuse_other(places, then, fingerprint)
            replaces, goes_on = journal.replaces, True
    if is_there and not (replaces or goes_on):
        if not resume:
            raise places.error("is already there: choose another name, or add --overwrite.")
        if journal:
            journal.remove()
        return _Complete(places)
    _unlink(places.partial)
    if journal:
        journal.remove()
    return _File(places, form, Journal.create(places.journal, fingerprint, replaces), None)


def _is_before_its_first_row(journal: Journal, is_begun: bool) -> bool:
    """Whether a run was cut off at its beginning, so that the table that is there is not what it made.

    Without a partial table it may also have been cut off at its very end; then the journal has entries, unless there
    were no inputs, and then making it again makes the same.
    """
    return is_begun or (journal.replaces and next(journal.entries(), None) is None)


def _asked_then(journal: Journal, places: _Places) -> Fingerprint:
    try:
        then = journal.fingerprint()
    except JournalError as error:
        raise places.error(
            f"was begun and cannot be gone on with: {error}. Start anew with --overwrite, or choose another name."
        ) from error
    is_something_there = os.path.exists(places.final) or (
        os.path.exists(places.partial) and os.path.getsize(places.partial)
    )
    if then is None and is_something_there:
        raise places.error(
            f"was begun, but {places.output}.journal is damaged, so it cannot be gone on with. "
            "Start anew with --overwrite, or choose another name."
        )
    return then or Fingerprint()


def _refuse_other(places: _Places, then: Fingerprint, now: Fingerprint) -> None:
    if changes := then.changes(now):
        raise places.error(
            f"cannot be gone on with: {'; '.join(changes)}. "
            "Ask for what was asked for then, or start anew with --overwrite."
        )


def _confirmed(journal: Journal, partial: str) -> _Begun | None:
    """Go through the rows and the journal side by side, as far as they agree."""
    found = None
    with open(partial, "rb") as file:
        hashed, offset = hashlib.sha256(), 0
        for entry, length in journal.entries():
            hashed.update(file.read(entry.offset - offset))
            if hashed.hexdigest() != entry.rows:
                break
            found, offset = _Begun(entry, length, hashed.copy()), entry.offset
    return found


class _Complete(Table):
    """A finished table, which is left alone."""

    was_complete = True

    def __init__(self, places: _Places) -> None:
        super().__init__()
        self._places = places

    def remaining(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        yield from ()

    @property
    def saved(self) -> str:
        return f"{self._places.output} is complete already."


class _File(Table):
    """A table on its way: new, or ``begun`` by a run that was cut off."""

    def __init__(self, places: _Places, form: Format, journal: Journal, begun: _Begun | None) -> None:
        super().__init__()
        self._places, self._form, self._journal, self._begun = places, form, journal, begun
        self._inputs, self._rows, self._offset = hashlib.sha256(), hashlib.sha256(), 0
        self._is_complete = False
        self._descriptor = -1
        try:
            self._open()
        except OSError:
            self._close()
            raise

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)
        if self._begun:
            self._descriptor = os.open(self._places.partial, flags)
            self.done = self.taken_up = self._begun.entry.done
            self.counts.update(self._begun.entry.counts)
            self._rows, self._offset = self._begun.hashed, self._begun.entry.offset
        else:
            self._descriptor = os.open(self._places.partial, flags | os.O_CREAT | os.O_EXCL, 0o666)
            self._append(header(self._form))

    def remaining(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        if self._begun is None:
            yield from chunks
            return
        chunks, until = iter(chunks), self._journal.now()
        try:
            self._take_up(chunks)
            yield from refuse_changed(chunks, self._journal.started, until)
        except InputsChangedError as error:
            raise self._places.error(
                f"cannot be gone on with: {error}. Restore the inputs, or start anew with --overwrite. "
                f"{self.done:,} rows are in {self._places.shown}."
            ) from error

    def _take_up(self, chunks: Iterator[Chunk]) -> None:
        """Hold the inputs that are done against the journal, and only then drop what was torn."""
        assert self._begun
        entries = self._journal.entries(self._begun.journal_length)
        self._inputs = skip_what_is_done(chunks, (entry for entry, _ in entries), self._journal.started)
        with self._told():
            os.ftruncate(self._descriptor, self._offset)
            self._journal.truncate(self._begun.journal_length)
        self._begun = None

    def add(self, answered: Answered) -> None:
        assert self._begun is None, "remaining() holds the inputs against the journal first"
        with self._told():
            self._append(answered.text)
            self._inputs.update(answered.fingerprint)
            counts = self.counts + answered.counts
            self._journal.add(
                Entry(counts.total(), self._offset, self._inputs.hexdigest(), self._rows.hexdigest(), dict(counts))
            )
        self._count(answered)

    def complete(self) -> None:
        assert self._begun is None, "remaining() holds the inputs against the journal first"
        self._is_complete = True

    @property
    def saved(self) -> str:
        if not self.done:
            return "No row had been written."
        return f"{self.done:,} rows are safe in {self._places.shown}; the same command with --resume goes on."

    def _append(self, data: bytes) -> None:
        write_all(self._descriptor, data)
        self._rows.update(data)
        self._offset += len(data)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say of an error of the system which output it befell, what is safe, and how to go on."""
        try:
            yield
        except OSError as error:
            raise self._places.error(f"cannot be written: {error.strerror or error}. {self.saved}") from error

    def _finish(self) -> None:
        if not self._is_complete:
            return
        unnamed = self._places.partial if self._form != "parquet" else f"{self._places.final}.finishing"
        with self._told():
            if os.fstat(self._descriptor).st_size != self._offset:
                raise self._places.error(f"is not what was written: something else changed {self._places.shown}.")
            try:
                self._write_unnamed(unnamed)
                self._refuse_a_stranger(unnamed)
                os.replace(unnamed, self._places.final)
            finally:
                if unnamed != self._places.partial:
                    _unlink(unnamed)
            _sync_folder(self._places.final)
            _unlink(self._places.partial)
            self._journal.remove()

    def _write_unnamed(self, unnamed: str) -> None:
        """Have the whole table on the disk: it is there already, or is made of the JSON lines that are."""
        if self._form == "parquet":
            parquet_rows.write(rows(self._places.partial, "jsonl"), unnamed)
            with open(unnamed, "rb+") as file:
                os.fsync(file.fileno())
        else:
            os.fsync(self._descriptor)
        self._close_partial()

    def _refuse_a_stranger(self, unnamed: str) -> None:
        """Leave alone what took the table's name since the run began, unless an earlier try had just given it."""
        final = self._places.final
        if not self._journal.replaces and os.path.exists(final) and not filecmp.cmp(unnamed, final, shallow=False):
            raise self._places.error(f"came to be meanwhile, and is left alone. Move it away. {self.saved}")

    def _close(self) -> None:
        """Leave what can be gone on with, and nothing else."""
        is_ours = self._descriptor >= 0
        self._close_partial()
        if is_ours and not self.done:
            with suppress(OSError):
                _unlink(self._places.partial)
                self._journal.remove()
        self._journal.close()

    def _close_partial(self) -> None:
        if self._descriptor >= 0:
            with suppress(OSError):  # all of it was written, and what matters was synchronised
                os.close(self._descriptor)
        self._descriptor = -1


def _unlink(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)


def _sync_folder(path: str) -> None:
    """Have the name on the disk too, where folders can be synchronised."""
    with suppress(OSError):
        folder = os.open(os.path.dirname(path), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
