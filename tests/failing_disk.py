"""A disk that fails: at every call that changes a folder or a file, in every way, and when it is full after any byte.

Calls are made to fail in this process, in place of ``os`` and ``open``. What libraries write from C meets the limit of
a file's size instead (``RLIMIT_FSIZE``), which the system itself keeps.
"""

import builtins
import errno
import io
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

CALLS = ("open", "fsync", "replace", "rename", "unlink", "remove", "chmod", "mkdir", "link", "symlink", "truncate")
"""Of ``os``."""


class Died(BaseException):
    """The process is gone: nothing that it would do afterwards is done."""


FAILURES: dict[str, Callable[[], BaseException]] = {
    "full": lambda: OSError(errno.ENOSPC, "No space left on device"),
    "broken": lambda: OSError(errno.EIO, "Input/output error"),
    "interrupted": KeyboardInterrupt,
    "died": Died,
}


class Writer(NamedTuple):
    """What is put to the test."""

    prepare: Callable[[], object]
    """Puts the old state in place, whatever is there."""
    write: Callable[[], object]
    """Writes the new one over it."""
    look: Callable[[], object]
    """Returns what a reader finds: equal for equal states, and an error where it is torn."""


@contextmanager
def failing(after: int, failure: str) -> Iterator[list[str]]:
    """Let some calls go well and the next one fail, after ``died`` all further ones; yield the names of the calls."""
    calls: list[str] = []

    def wrap(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if name.endswith("open") and not _writes(args, options):
                return real(*args, **options)
            calls.append(name)
            if len(calls) == after + 1 or (failure == "died" and len(calls) > after):
                raise FAILURES[failure]()
            return real(*args, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, wrap(name, getattr(os, name)))
        opener = wrap("io.open", io.open)
        patch.setattr(io, "open", opener)
        patch.setattr(builtins, "open", opener)
        yield calls


def _writes(args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Whether a file is opened for more than reading, or a folder for its fsync."""
    mode = options.get("mode", args[1] if len(args) > 1 else "r")
    if isinstance(mode, int):
        return bool(mode & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) or Path(os.fspath(args[0])).is_dir()
    return bool(set(mode) & set("wax+"))


@contextmanager
def full_at(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def hold(writer: Writer, folder: Path) -> int:
    """Hold a writer against failures of every call, in every way; return how many there were.

    Each time one more call goes well before one fails. There must be the old or the new then, and no other file; what a
    death leaves, which no clean-up outlives, the next writing must remove.
    """
    old, new, files = _states(writer, folder)
    count = 0
    for failure in FAILURES:
        after = 0
        while True:
            writer.prepare()
            with failing(after, failure) as calls:
                finished = _try(writer)
            if len(calls) <= after:
                break
            count += 1
            where = f"{failure} at call {after}, {calls[after]}"
            assert writer.look() in (old, new), f"torn: {where}"
            assert not finished or writer.look() == new, f"said to be written, and is not: {where}"
            if failure != "died":
                assert set(files_in(folder)) <= files, f"left behind: {where}"
            writer.write()
            assert writer.look() == new, f"cannot be written again: {where}"
            assert set(files_in(folder)) == files, f"never removed: {where}"
            after += 1
        assert after, f"{failure}: the writer makes no call that could fail"
    return count


def hold_when_full(writer: Writer, folder: Path) -> int:
    """Hold a writer against a disk that is full after any number of bytes; return how often it could not write."""
    old, new, files = _states(writer, folder)
    largest = _largest_change(writer, folder)
    sizes = {0, 1, largest - 1, *(largest * step // 24 for step in range(24))}
    failed = 0
    for size in sorted(sizes):
        writer.prepare()
        with full_at(size):
            finished = _try(writer)
        failed += not finished
        assert writer.look() == (new if finished else old), f"torn: full at {size:,} of {largest:,} bytes"
        assert set(files_in(folder)) <= files, f"left behind: full at {size:,} of {largest:,} bytes"
    assert failed, "the writer does not notice that the disk is full"
    return failed


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _largest_change(writer: Writer, folder: Path) -> int:
    """Bytes of the largest file that the writer writes."""
    writer.prepare()
    before = files_in(folder)
    writer.write()
    return max(len(content) for name, content in files_in(folder).items() if content != before.get(name))


def _states(writer: Writer, folder: Path) -> tuple[object, object, set[str]]:
    writer.prepare()
    old = writer.look()
    writer.write()
    new = writer.look()
    assert old != new
    return old, new, set(files_in(folder))


def _try(writer: Writer) -> bool:
    """Write; whether that was said to have gone well."""
    try:
        writer.write()
    except BaseException:  # whatever the writer makes of it
        return False
    return True
