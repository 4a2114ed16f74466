"""Going on with a run that was cut off: are the inputs still those that it began with?"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence

from app.batch.inputs.input import Input, fingerprint_of
from app.batch.output.journal import Entry


class InputsChangedError(ValueError):
    """An input is not what it was when the run began; the message names it."""


Chunk = Sequence[Input]


def skip_what_is_done(chunks: Iterator[Chunk], entries: Iterable[Entry], started: int) -> "hashlib._Hash":
    """Take the chunks that have their rows from ``chunks``, and hold each against the journal.

    Args:
        chunks: all chunks, in order.
        entries: of the journal, as far as the table's rows bear them out.
        started: when the run began, in nanoseconds; only to name what was changed.

    Returns:
        SHA-256 over the fingerprints of these chunks, to go on with.

    Raises:
        InputsChangedError: something was changed, added or removed.
    """
    running, done = hashlib.sha256(), 0
    for entry in entries:
        chunk = next(chunks, ())
        if not chunk:
            raise InputsChangedError(f"there were more than {done:,} inputs when the run began; now there are no more")
        running.update(fingerprint_of(chunk))
        first, done = done + 1, done + len(chunk)
        if (done, running.hexdigest()) != (entry.done, entry.inputs):
            raise InputsChangedError(_what_changed(chunk, first, started))
    return running


def refuse_changed(chunks: Iterable[Chunk], started: int, until: int) -> Iterator[Chunk]:
    """Yield chunks that are still to be read, but none of a file that was changed while nobody was reading.

    Args:
        chunks: what is left.
        started: when the run began, in nanoseconds of the file system's clock.
        until: when it was taken up again.

    Raises:
        InputsChangedError: a file was changed in between.
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
        """Return when the file was changed that an input is, or lies in; 0 where there is none."""
        if item.source is None:
            return _change_time(item.path)
        if not (self._archive and item.path.startswith((self._archive + "/", self._archive + "#"))):
            self._archive = _file_around(item.path)
            self._time = _change_time(self._archive) if self._archive else 0
        return self._time


def _file_around(path: str) -> str:
    """Find the file that an entry's name begins with: of ``scans.zip/a/5.png`` it is ``scans.zip``."""
    while path and not os.path.lexists(path):
        path = path[: max(path.rfind("/"), path.rfind("#"), 0)]
    return path if os.path.isfile(path) else ""


def _change_time(path: str) -> int:
    """Return when content, name or rights of a file were changed (Windows knows of the content alone)."""
    try:
        found = os.stat(path)
    except OSError:
        return 0
    return found.st_mtime_ns if os.name == "nt" else found.st_ctime_ns
