"""Resuming a run: are the inputs still those that it began with?"""

import os
from collections.abc import Iterable, Iterator, Sequence

from app.batch.inputs.input import Input, fingerprint_of
from app.batch.run.reader import Answered

Chunk = Sequence[Input]


class InputsChangedError(ValueError):
    """An input is not what it was when the run began; the message names it."""


def skip_spooled(chunks: Iterator[Chunk], spooled: Iterable[Answered], started: int) -> None:
    """Take the chunks whose rows are stored from ``chunks``, and compare each with what it was.

    Args:
        chunks: all chunks, in order.
        spooled: those that have their rows.
        started: when the run began, in nanoseconds; only to name what was changed.

    Raises:
        InputsChangedError: something was changed, added or removed.
    """
    done = 0
    for stored in spooled:
        chunk = next(chunks, ())
        if not chunk:
            raise InputsChangedError(f"there were more than {done:,} inputs when the run began; now there are no more")
        if (len(chunk), fingerprint_of(chunk)) != (stored.counts.total(), stored.fingerprint):
            raise InputsChangedError(_what_changed(chunk, done + 1, started))
        done += len(chunk)


def refuse_changed(chunks: Iterable[Chunk], started: int, until: int) -> Iterator[Chunk]:
    """Yield the chunks that are still to be read, unless a file changed while no run was reading.

    Args:
        chunks: those without rows.
        started: when the run began, in nanoseconds of the file system's clock.
        until: when it was resumed.

    Raises:
        InputsChangedError: a file changed in between.
    """
    times = _Times()
    for chunk in chunks:
        for item in chunk:
            if started <= times.changed(item) <= until:
                raise InputsChangedError(f"{item.path!r} was changed since the run began")
        yield chunk


def _what_changed(chunk: Chunk, first: int, started: int) -> str:
    times = _Times()
    changed = [item.path for item in chunk if times.changed(item) >= started]
    if 0 < len(changed) < len(chunk):
        were = "was" if len(changed) == 1 else "were"
        return f"{', '.join(map(repr, changed[:3]))} {were} changed or added since then"
    return (
        f"of the inputs {first:,} to {first + len(chunk) - 1:,} ({chunk[0].path!r} to {chunk[-1].path!r}), or in their "
        "folder or archive, something was changed, added or removed since then"
    )


class _Times:
    """When files were changed: each by itself, and an archive once for all that it holds."""

    def __init__(self) -> None:
        self._archive, self._time = "", 0

    def changed(self, item: Input) -> int:
        """Return when the file that an input is, or lies in, was changed; 0 where there is none."""
        if item.source is None:
            return _change_time(item.path)
        if not (self._archive and item.path.startswith((self._archive + "/", self._archive + "#"))):
            self._archive = _file_around(item.path)
            self._time = _change_time(self._archive) if self._archive else 0
        return self._time


def _file_around(path: str) -> str:
    """Return the file that an entry's name begins with: ``scans.zip`` for ``scans.zip/a/5.png``."""
    while path and not os.path.lexists(path):
        path = path[: max(path.rfind("/"), path.rfind("#"), 0)]
    return path if os.path.isfile(path) else ""


def _change_time(path: str) -> int:
    """Return when a file's content, name or rights were changed (on Windows only its content)."""
    try:
        found = os.stat(path)
    except OSError:
        return 0
    return found.st_mtime_ns if os.name == "nt" else found.st_ctime_ns
