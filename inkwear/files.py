"""Write files so that a reader finds the old content or the new, never half of either."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: no file is locked there, and leftovers stay until somebody removes them
    fcntl = None  # type: ignore[assignment]


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; when the block ends well it takes the place of ``path``.

    The content reaches the disk before the name changes (fsync of the file, rename, fsync of the folder). When the
    block raises, the temporary file is removed and ``path`` is left as it was. Where the process is killed, the
    temporary file stays until the next writer of ``path`` removes it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    temporary = Path(name)
    try:
        _lock(handle)
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        _sync(temporary)
        temporary.replace(path)
        with suppress(OSError):  # Windows and some network file systems cannot sync a folder
            _sync(path.parent)
    finally:
        try:
            temporary.unlink(missing_ok=True)
        finally:
            os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files of writers of ``path`` that were killed; those of writers at work are locked."""
    pattern = re.compile(rf"\.{re.escape(path.stem)}-[a-z0-9_]{{8}}{re.escape(path.suffix)}")  # as tempfile names them
    there = path.parent.iterdir() if path.parent.is_dir() else ()
    for leftover in [found for found in there if pattern.fullmatch(found.name)]:
        with suppress(OSError):  # in use, or removed by somebody else: not ours to remove
            handle = os.open(leftover, os.O_RDWR)
            try:
                if _lock(handle):
                    leftover.unlink()
            finally:
                os.close(handle)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out that change several files of a folder together; they wait for each other."""
    handle = os.open(folder, os.O_RDONLY) if fcntl else None
    try:
        if handle is not None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _lock(handle: int) -> bool:
    """Take a file for this process as long as it is open; False where another has it."""
    if not fcntl:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
