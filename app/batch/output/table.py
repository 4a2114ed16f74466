"""The table that a run writes: whole rows only, and under its name only when it is complete.

While a run goes on, its rows are in a spool, ``OUTPUT.partial``. A run that was cut off, by whatever, is resumed from
it, and the finished table is byte for byte that of an undisturbed run. At the end the rows are written to a temporary
file in the same folder, which gets the table's name in one step.
"""

import errno
import filecmp
import os
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.batch.output import parquet_rows
from app.batch.output.fingerprint import RunFingerprint
from app.batch.output.formats import Format, header
from app.batch.output.resume import Chunk, InputsChangedError, refuse_changed, skip_spooled
from app.batch.output.spool import LockedError, Run, Spool, SpoolError, remove_files
from app.batch.run.reader import Answered
from inkwear.files import atomic_path

CLOSED_PIPE = 141
"""Exit code of a process whose output nobody reads any more: 128 + SIGPIPE."""


class OutputError(ValueError):
    """The output cannot be written or resumed; the message names it, says which rows are safe and what to do."""


class OutputClosed(SystemExit):
    """Nobody reads stdout any more, as behind ``| head``: the process ends without a message."""


class Table:
    """A table that grows chunk by chunk.

    Attributes:
        done: inputs that have their rows, those of a resumed run among them.
        counts: rows by status, of all of these.
        taken_up: inputs that had their rows before this run.
        was_complete: whether the finished table was there before this run, so that nothing is left to do.
    """

    was_complete = False

    def __init__(self, counts: Counter[str] | None = None) -> None:
        self.counts = Counter(counts)
        self.done = self.taken_up = self.counts.total()

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
        self.write(answered)
        self.done += answered.counts.total()
        self.counts.update(answered.counts)

    def write(self, answered: Answered) -> None:
        """Put the rows of the next chunk where they are safe."""
        raise NotImplementedError

    def complete(self) -> None:
        """Note that all inputs have their rows, so that the table gets its name at the end."""

    @property
    def saved(self) -> str:
        """A sentence that says what is safe if the run ends here, and how to resume it."""
        raise NotImplementedError

    def finish(self) -> None:
        """Give a complete table its name."""

    def close(self) -> None:
        """Release whatever is held."""


@contextmanager
def open_table(
    output: str,
    form: Format,
    overwrite: bool = False,
    resume: bool = False,
    fingerprint: RunFingerprint = RunFingerprint(),  # noqa: B008  # it is frozen
) -> Iterator[Table]:
    """Open the output for writing; ``-`` is stdout.

    The table gets its name at the end of the context, if ``complete()`` was called and nothing was raised.

    Args:
        output: name of the table.
        form: format of its rows; those that are added must be encoded for it.
        overwrite: replaces a table that exists or was begun.
        resume: goes on with a table that was begun.
        fingerprint: all that decides what the rows say.

    Raises:
        OutputError: it exists and may not be replaced, was begun and is not to be resumed, was begun otherwise, is
            being written by another run, or cannot be written.
    """
    if overwrite and resume:
        raise OutputError("--resume goes on with what is there, --overwrite starts anew: choose one of them.")
    if output == "-":
        if resume:
            raise OutputError("--resume needs a file as --output: what went to stdout cannot be gone on with.")
        table: Table = StdoutTable(sys.stdout.buffer, form)
    else:
        table = _Opener(_Output(output), form, overwrite, resume, fingerprint).open()
    try:
        yield table
        table.finish()
    finally:
        table.close()


# ---------------------------------------------------------------------------------------------------------- stdout


class StdoutTable(Table):
    """A table whose rows are streamed as they come."""

    def __init__(self, file: BinaryIO, form: Format) -> None:
        super().__init__()
        self._file = file
        self._print(header(form))

    def write(self, answered: Answered) -> None:
        self._print(answered.text)

    @property
    def saved(self) -> str:
        return f"{self.done:,} rows were written to stdout; the inputs behind them were not read."

    def _print(self, data: bytes) -> None:
        try:
            self._file.write(data)
            self._file.flush()
        except BrokenPipeError:
            _forget_stdout()
            raise OutputClosed(CLOSED_PIPE) from None
        except OSError as error:
            raise OutputError(f"stdout cannot be written: {error.strerror}. {self.saved}") from error


def _forget_stdout() -> None:
    """Point stdout to nowhere, so that Python does not complain at its end about what it cannot flush."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


# ---------------------------------------------------------------------------------------------------------- a file


class _Output:
    """The files of a table, and its name as the user gave it."""

    def __init__(self, given: str) -> None:
        self.given = given
        self.final = Path(os.path.realpath(given))
        self.spool = f"{self.final}.partial"

    def error(self, what: str) -> OutputError:
        return OutputError(f"--output {self.given} {what}")

    @contextmanager
    def errors(self, saved: str = "") -> Iterator[None]:
        """Turn errors of the system and of the spool into sentences that name the output; ``saved`` ends them."""
        try:
            yield
        except LockedError as error:
            raise self.error("is being written by another run; wait for it, or choose another name.") from error
        except SpoolError as error:
            raise self.error(
                f"was begun and cannot be gone on with: {self.given}.partial cannot be used ({error}). "
                "Start anew with --overwrite, or choose another name."
            ) from error
        except (OSError, sqlite3.Error) as error:
            is_full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
            reason = os.strerror(errno.ENOSPC) if is_full else getattr(error, "strerror", None) or error
            raise self.error(f"cannot be written: {reason}. {saved}".rstrip()) from error


@dataclass(frozen=True)
class _Opener:
    """Starts a table, resumes it, or refuses; the arguments are those of ``open_table``."""

    output: _Output
    form: Format
    overwrite: bool
    resume: bool
    fingerprint: RunFingerprint

    def open(self) -> Table:
        if self.form == "parquet":
            parquet_rows.require_pyarrow()
        if self.output.final.exists() and not self.output.final.is_file():
            raise self.output.error("is not a regular file; - writes to stdout.")
        with self.output.errors():
            spool = self._earlier_spool()
            try:
                return self._table(spool)
            except BaseException:
                if spool:
                    spool.close()
                raise

    def _earlier_spool(self) -> Spool | None:
        """Open what a run has left that was cut off; None where there is nothing, or nothing that is to be kept."""
        try:
            return Spool(self.output.spool)
        except FileNotFoundError:
            return None
        except SpoolError:
            if not self.overwrite:
                raise
            remove_files(self.output.spool)
            return None

    def _table(self, spool: Spool | None) -> Table:
        """Resume a run that has rows; begin anew otherwise, where no finished table stands in the way."""
        run, replaces = spool.run if spool and not self.overwrite else None, self.overwrite
        if spool and run and (counts := sum((chunk.counts for chunk in spool.chunks()), Counter[str]())):
            if not self.resume:
                raise self.output.error(
                    f"was begun and not finished: {counts.total():,} rows are in {self.output.given}.partial. "
                    "Go on with --resume, or start anew with --overwrite."
                )
            self._refuse_other(run)
            return SpooledTable(self.output, self.form, spool, counts)
        if self.output.final.exists() and not self.overwrite:
            if not self.resume:
                raise self.output.error("is already there: choose another name, or add --overwrite.")
            if spool is None:
                return CompleteTable(self.output.given)
            if run is None:
                raise SpoolError("the run was cut off before it said what it was")
            self._refuse_other(run)
            replaces = run.replaces  # it was cut off before its first row, so the table that is there is an older one
        if spool:
            spool.remove()
        return SpooledTable(self.output, self.form, Spool.create(self.output.spool, self.fingerprint, replaces))

    def _refuse_other(self, run: Run) -> None:
        if changes := run.fingerprint.changes(self.fingerprint):
            raise self.output.error(
                f"cannot be gone on with: {'; '.join(changes)}. "
                "Ask for what was asked for then, or start anew with --overwrite."
            )


class CompleteTable(Table):
    """A finished table, which stays as it is."""

    was_complete = True

    def __init__(self, given: str) -> None:
        super().__init__()
        self._given = given

    def remaining(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        yield from ()

    @property
    def saved(self) -> str:
        return f"{self._given} is complete already."


class SpooledTable(Table):
    """A table on its way: new, or resumed from a spool with rows of these ``counts``."""

    def __init__(self, output: _Output, form: Format, spool: Spool, counts: Counter[str] | None = None) -> None:
        super().__init__(counts)
        assert spool.run, "the opener takes no other spool"
        self._output, self._form, self._spool, self._run = output, form, spool, spool.run
        self._is_complete = False

    def remaining(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        if not self.taken_up:
            yield from chunks
            return
        chunks, started = iter(chunks), self._run.started
        try:
            with self._output.errors(self.saved):
                resumed = self._spool.now()
                skip_spooled(chunks, self._spool.chunks(), started)
                self._spool.drop_rest()
            yield from refuse_changed(chunks, started, resumed)
        except InputsChangedError as error:
            raise self._output.error(
                f"cannot be gone on with: {error}. Restore the inputs, or start anew with --overwrite. "
                f"{self.done:,} rows are in {self._output.given}.partial."
            ) from error

    def write(self, answered: Answered) -> None:
        with self._output.errors(self.saved):
            self._spool.add(answered)

    def complete(self) -> None:
        self._is_complete = True

    @property
    def saved(self) -> str:
        if not self.done:
            return "No row had been written."
        return f"{self.done:,} rows are safe in {self._output.given}.partial; the same command with --resume goes on."

    def finish(self) -> None:
        if self._is_complete:
            with self._output.errors(self.saved):
                with atomic_path(self._output.final) as unnamed:
                    self._write_rows(unnamed)
                    self._refuse_a_stranger(unnamed)
                self._spool.remove()

    def _write_rows(self, path: Path) -> None:
        if self._form == "parquet":
            lines = (line for rows in self._spooled_rows() for line in rows.splitlines())
            parquet_rows.write(lines, str(path))
        else:
            with path.open("wb") as file:
                file.write(header(self._form))
                file.writelines(self._spooled_rows())

    def _spooled_rows(self) -> Iterator[bytes]:
        done = 0
        for chunk in self._spool.chunks():
            done += chunk.counts.total()
            yield chunk.text
        if done != self.done:
            raise SpoolError("something else changed it")

    def _refuse_a_stranger(self, unnamed: Path) -> None:
        """Leave alone what took the table's name since the run began, unless it is this very table."""
        final = self._output.final
        if not self._run.replaces and final.exists() and not filecmp.cmp(unnamed, final, shallow=False):
            raise self._output.error(
                f"was created by another program during this run and was not overwritten. Move it away. {self.saved}"
            )

    def close(self) -> None:
        """Leave what can be resumed, and nothing else."""
        with suppress(OSError):
            if not self.done:
                self._spool.remove()
        self._spool.close()
