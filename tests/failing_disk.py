"""A disk that fails: at every call that changes a folder or a file, in every way, and when it is full after any byte.

``hold(writer)`` writes something new over something old again and again, each time with one more call that goes well
before one fails, and looks at what is there: the old or the new, and no other file. After a death, which no clean-up
outlives, the next writing must remove what was left.

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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


@dataclass
class Writer:
    """What is put to the test.

    Attributes:
        prepare: puts the old state in place, whatever is there.
        write: writes the new one.
        look: what a reader finds: equal for equal states, and an error where it is torn.
        folder: where it lies.
    """

    prepare: Callable[[], object]
    write: Callable[[], object]
    look: Callable[[], object]
    folder: Path

    def files(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}


@contextmanager
def failing(after: int, failure: str) -> Iterator[list[str]]:
    """Let so many calls go well and the next one fail; yield the names of the calls made.

    After ``died`` every further call fails too.
    """
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


def hold(writer: Writer) -> int:
    """Hold a writer against failures of every call, in every way; return how many there were."""
    old, new, files = _states(writer)
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
                assert writer.files() <= files, f"left behind: {where}"
            writer.write()
            assert writer.look() == new, f"cannot be written again: {where}"
            assert writer.files() == files, f"never removed: {where}"
            after += 1
        assert after, f"{failure}: the writer makes no call that could fail"
    return count


def hold_when_full(writer: Writer, steps: int = 24) -> int:
    """Hold a writer against a disk that is full after any number of bytes; return how often it could not write."""
    old, new, files = _states(writer)
    largest = max(len(content) for content in _changed(writer))
    sizes = {0, 1, largest - 1, *(largest * step // steps for step in range(steps))}
    failed = 0
    for size in sorted(sizes):
        writer.prepare()
        with full_at(size):
            finished = _try(writer)
        failed += not finished
        assert writer.look() == (new if finished else old), f"torn: full at {size:,} of {largest:,} bytes"
        assert writer.files() <= files, f"left behind: full at {size:,} of {largest:,} bytes"
    assert failed, "the writer does not notice that the disk is full"
    return failed


def _changed(writer: Writer) -> list[bytes]:
    """What the writer's files hold, of those that it writes."""
    writer.prepare()
    before = {name: (writer.folder / name).read_bytes() for name in writer.files()}
    writer.write()
    after = {name: (writer.folder / name).read_bytes() for name in writer.files()}
    return [content for name, content in after.items() if content != before.get(name)]


def _states(writer: Writer) -> tuple[object, object, set[str]]:
    writer.prepare()
    old = writer.look()
    writer.write()
    new = writer.look()
    assert old != new
    return old, new, writer.files()


def _try(writer: Writer) -> bool:
    """Write; whether that was said to have gone well."""
    try:
        writer.write()
    except BaseException:  # whatever the writer makes of it
        return False
    return True
