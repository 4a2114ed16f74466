"""Where Gradio's uploads wait for the call that reads them: a private folder that is swept, and ends with the process.

What ``/classify`` and the page send never lies here: that is in memory, or in temporary files without a name.
"""

import atexit
import contextlib
import os
import shutil
import tempfile
import time
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from threading import Event
from typing import IO

from app.background import in_background

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PREFIX, LOCK = "inkwear-", ".lock"

MAX_UNUSED_SECONDS = 45
"""Seconds an upload may lie unused; with the time between two sweeps, less than a minute."""

SWEEP_SECONDS = 10.0
"""Seconds between two sweeps."""

MAX_STORED_BYTES = 1_000_000_000
"""Bytes of uploads that may lie here at once."""

MAX_UNLOCKED_SECONDS = 60
"""Seconds after which a folder without a lock belongs to nobody."""

NOT_AN_UPLOAD = "image: an uploaded file is expected; nothing is fetched from elsewhere."

_locks: list[IO[bytes] | None] = []
"""Locks that the system releases with the process, however it ends."""


@cache
def upload_folder() -> Path:
    """Return the folder of this process: only this user may read it, and it goes when the process does."""
    remove_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    _locks.append(_locked(folder))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _locked(folder: Path) -> IO[bytes] | None:
    """Take the lock of a folder; None where another process has it."""
    file = (folder / LOCK).open("ab")
    if fcntl:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
    return file


def remove_leftovers(place: Path | None = None) -> None:
    """Remove the folders of processes that were killed, whose locks are free."""
    if not fcntl:
        return
    for folder in (place or Path(tempfile.gettempdir())).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if _is_leftover(folder) and (lock := _locked(folder)):
                shutil.rmtree(folder, ignore_errors=True)
                lock.close()


def _is_leftover(folder: Path) -> bool:
    """Whether a folder is this user's, and has a lock or is old enough to have had one."""
    state = folder.lstat()
    if folder.is_symlink() or not folder.is_dir() or state.st_uid != os.getuid():
        return False
    return (folder / LOCK).exists() or time.time() - state.st_mtime > MAX_UNLOCKED_SECONDS


def stored_bytes() -> int:
    """Return the bytes of all uploads that lie here."""
    total = 0
    for folder, _, names in os.walk(upload_folder()):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(folder) / name).lstat().st_size
    return total


def has_room() -> bool:
    """Whether another upload may come."""
    return stored_bytes() < MAX_STORED_BYTES


def sweep(max_unused: float = MAX_UNUSED_SECONDS) -> None:
    """Remove uploads that have waited for too long, and what remains of those that broke off."""
    now = time.time()
    for path in upload_folder().iterdir():
        with contextlib.suppress(OSError):
            if path.name == LOCK or now - path.stat().st_mtime <= max_unused:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()


def sweeping(seconds: float = SWEEP_SECONDS) -> AbstractContextManager[None]:
    """Sweep every so often, in a thread, until the end."""

    def work(stop: Event) -> None:
        while not stop.wait(seconds):
            sweep()

    return in_background(work, "sweep")
