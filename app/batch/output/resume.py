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
    for chunk in chunks:
        for item in chunk:
            if started <= _changed_at(item) <= until:
                raise InputsChangedError(f"{item.path!r} was changed since the run began")
        yield chunk


def _what_changed(chunk: Chunk, first: int, started: int) -> str:
    changed = [item.path for item in chunk if _changed_at(item) >= started]
    if 0 < len(changed) < len(chunk):
        were = "was" if len(changed) == 1 else "were"
        return f"{', '.join(map(repr, changed[:3]))} {were} changed or added since then"
    return (
        f"of the inputs {first:,} to {first + len(chunk) - 1:,} ({chunk[0].path!r} to {chunk[-1].path!r}), or in their "
        "folder or archive, something was changed, added or removed since then"
    )


def _changed_at(item: Input) -> int:
    """Return when content, name or rights of the file were changed that an input is, or lies in; 0 where there is none.

    Windows tells of the content only.
    """
    path = item.path
    while item.source is not None and path and not os.path.lexists(path):  # scans.zip/a/5.png lies in scans.zip
        path = path[: max(path.rfind("/"), path.rfind("#"), 0)]
    if item.source is not None and not os.path.isfile(path):
        return 0
    try:
        found = os.stat(path)
    except OSError:
        return 0
    return found.st_mtime_ns if os.name == "nt" else found.st_ctime_ns
