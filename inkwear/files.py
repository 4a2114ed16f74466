"""Writes files atomically: a reader finds the old content or the new, never half of either."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: files are not locked there, and leftovers are not removed
    fcntl = None  # type: ignore[assignment]


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, and move it to ``path`` when the block ends well.

    The content reaches the disk before the name changes (fsync of the file, rename, fsync of the folder). When the
    block raises, the temporary file is removed and ``path`` is left as it was. If the process is killed, the temporary
    file stays until the next writer of ``path`` removes it.
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
    """Write a text in UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files of killed writers of ``path``; those of running writers are locked."""
    pattern = re.compile(rf"\.{re.escape(path.stem)}-[a-z0-9_]{{8}}{re.escape(path.suffix)}")  # as tempfile names them
    siblings = path.parent.iterdir() if path.parent.is_dir() else ()
    for leftover in [sibling for sibling in siblings if pattern.fullmatch(sibling.name)]:
        with suppress(OSError):  # in use, or just removed
            handle = os.open(leftover, os.O_RDWR)
            try:
                if _lock(handle):
                    leftover.unlink()
            finally:
                os.close(handle)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Wait for other processes that change several files of a folder together, and keep them out."""
    handle = os.open(folder, os.O_RDONLY) if fcntl else None
    try:
        if handle is not None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _lock(handle: int) -> bool:
    """Lock a file until it is closed; return False if another process holds it."""
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
