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

SECONDS_KEPT = 45
"""How long an upload may lie unused; with the time between two sweeps, less than a minute."""

SECONDS_BETWEEN_SWEEPS = 10.0

MOST_PARKED = 1_000_000_000
"""Bytes that may lie there at once."""

SECONDS_TO_BE_LOCKED = 60
"""A folder that is older and has no lock belongs to nobody."""


@cache
def upload_folder() -> Path:
    """The folder of this process: only this user may read it, and it goes when the process does."""
    remove_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    _held.append(_locked(folder))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


_held: list[IO[bytes] | None] = []
"""Locks that are let go with the process, however it ends."""


def _locked(folder: Path) -> IO[bytes] | None:
    """Take the lock of a folder; None where somebody has it."""
    file = (folder / LOCK).open("ab")
    if fcntl:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
    return file


def remove_leftovers(place: Path | None = None) -> None:
    """Remove the folders of processes that were killed, which nobody holds a lock on any more."""
    if not fcntl:
        return
    for folder in (place or Path(tempfile.gettempdir())).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            state = folder.lstat()
            ours = folder.is_dir() and not folder.is_symlink() and state.st_uid == os.getuid()
            if not ours or not ((folder / LOCK).exists() or time.time() - state.st_mtime > SECONDS_TO_BE_LOCKED):
                continue
            if lock := _locked(folder):
                shutil.rmtree(folder, ignore_errors=True)
                lock.close()


def stored_bytes() -> int:
    """Bytes of all that lies there."""
    total = 0
    for folder, _, names in os.walk(upload_folder()):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(folder) / name).lstat().st_size
    return total


def uploads_fit() -> bool:
    """Whether there is room for another."""
    return stored_bytes() < MOST_PARKED


def sweep(kept: float = SECONDS_KEPT) -> None:
    """Remove what has been waiting for too long, and what remains of uploads that broke off."""
    now = time.time()
    for path in upload_folder().iterdir():
        with contextlib.suppress(OSError):
            if path.name == LOCK or now - path.stat().st_mtime <= kept:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()


def sweeping(seconds: float = SECONDS_BETWEEN_SWEEPS) -> AbstractContextManager[None]:
    """Meanwhile, sweep again and again, in a thread."""

    def work(stop: Event) -> None:
        while not stop.wait(seconds):
            sweep()

    return in_background(work, "sweep")
