"""What a training run leaves behind: enough to go on as if it had never stopped, and to export it.

A checkpoint is what ``torch.save`` writes, a ZIP file, with its digest as the archive's comment: the SHA-256 of the
file's bytes with the digest's own 64 digits replaced by ``0``. It stands inside alone. A second file beside it could
not change at the same moment, and a run that is killed between the two would have lost its checkpoint.
"""

import functools
import hashlib
import re
import shutil
import sys
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from inkwear.files import atomic_path

RUN_FILES = ("last.pt", "best.pt", "metrics.jsonl", "curves.png", "report.html", "tensorboard")
"""What a run leaves in its folder; ``last.pt`` comes first, as a folder that has it holds a whole run."""

ASIDE = ".earlier"
"""The folder, within a run's own, where an earlier run waits until the new one has begun."""

COMMENT = b"Inkwear: SHA-256 with its own digits as 0: "
"""What stands before the digest."""

BLANK = b"0" * 64

END_OF_ZIP = b"PK\x05\x06"
"""What the last record of an archive begins with; without a comment it has 22 bytes, the last two of them 0."""

SEALED = "sealed"
"""The name of what says, among the fields, that there must be a digest: a file that lost it is known as damaged."""


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be used; the message names the file and says why."""


@dataclass
class Checkpoint:
    """The state of a run after ``len(history)`` epochs and ``steps`` steps of the next.

    Whatever is random in a run follows from its seed and the step it is at, so no generator's state is kept.

    Attributes:
        config: the options of the run, as ``training.run.Config`` has them.
        weights: the state dict of the model that is judged and kept.
        learner: ``Learner.state_dict()``, for going on; None where the file is only for use.
        steps: done of the epoch that is under way.
        totals: of that epoch, as ``training.loop.Totals`` has them.
        seconds: spent on that epoch.
        history: one dict an epoch, as in ``metrics.jsonl``.
        metrics: what is known of these weights: ``epoch``, ``validation_accuracy`` …, at the end ``test_accuracy``.
        versions: of Python, torch and the device's name, when the run began.
    """

    config: dict[str, Any]
    weights: dict[str, Tensor]
    learner: dict[str, Any] | None
    steps: int
    totals: Tensor
    seconds: float
    history: list[dict[str, float]]
    metrics: dict[str, float]
    versions: dict[str, str]


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint with its digest, atomically."""
    fields = {name: getattr(checkpoint, name) for name in Checkpoint.__dataclass_fields__}
    with atomic_path(path) as temporary:
        torch.save(fields | {SEALED: True}, temporary)
        with temporary.open("r+b") as file:
            _seal(file)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint onto the CPU; nothing in the file is executed (``weights_only=True``).

    One of an earlier version, which carries no digest, is held against the checksums of its parts, and that is said.

    Raises:
        CheckpointError: not there, damaged, or not written by ``save_checkpoint``.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such checkpoint. `python -m training.train` writes them.")
    try:
        with path.open("rb") as file:
            sealed = _has_seal(file)
            if not sealed:
                _check_parts(file)
            file.seek(0)
            fields = torch.load(file, map_location="cpu", weights_only=True)
        if fields.pop(SEALED, False) != sealed:
            raise ValueError("its digest is gone")
        checkpoint = Checkpoint(**fields)
    except Exception as error:  # pickle's, zipfile's, torch's, OSError, KeyError …, as the damage has it
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path}: not a checkpoint of Inkwear, or damaged ({reason}). Train again.") from error
    if not sealed:
        _say_once(f"{path}: it is of an earlier version and carries no digest; the checksums of its parts are right.")
    return checkpoint


# ----------------------------------------------------------------------------------------------------- earlier run


@contextmanager
def replacing_run(folder: Path) -> Iterator[None]:
    """Put the run of a folder aside for a new one, and remove it at the end if the new one has saved ``last.pt``.

    If it has not, whatever went wrong, the earlier run is put back. ``settle_run`` does either after a power cut.
    """
    (folder / ASIDE).mkdir(parents=True, exist_ok=True)
    _move_run(RUN_FILES, folder, folder / ASIDE)
    try:
        yield
    finally:
        settle_run(folder)


def settle_run(folder: Path) -> None:
    """Leave one run in a folder where a second was being put in its place: the new one if it has begun."""
    aside = folder / ASIDE
    if not aside.exists():
        return
    if not (folder / RUN_FILES[0]).exists():
        _move_run(reversed(RUN_FILES), aside, folder)  # last.pt last: until then this can be done again
    shutil.rmtree(aside)


def _move_run(names: Iterable[str], source: Path, target: Path) -> None:
    for name in names:
        if (source / name).exists():
            if (target / name).is_dir():
                shutil.rmtree(target / name)
            (source / name).replace(target / name)


# ---------------------------------------------------------------------------------------------------------- digest


def _seal(file: IO[bytes]) -> None:
    """Give an archive that has no comment its digest as one."""
    end = file.seek(-22, 2)
    last = file.read()
    if not (last.startswith(END_OF_ZIP) and last.endswith(b"\0\0")):
        raise RuntimeError("torch.save has written no ZIP file, so there is no place for its digest.")
    comment = COMMENT + BLANK
    file.seek(end + 20)
    file.write(len(comment).to_bytes(2, "little") + comment)
    file.seek(0)
    digest = hashlib.sha256()
    while part := file.read(1 << 20):
        digest.update(part)
    file.seek(-len(BLANK), 2)
    file.write(digest.hexdigest().encode())


def _has_seal(file: IO[bytes]) -> bool:
    """Whether an archive ends in a digest; where it does, the file is held against it.

    Raises:
        ValueError: it is damaged.
    """
    size = file.seek(0, 2)
    file.seek(max(0, size - len(COMMENT) - len(BLANK)))
    end = file.read()
    if not re.fullmatch(re.escape(COMMENT) + b"[0-9a-f]{64}", end):
        return False
    digest, left = hashlib.sha256(), size - len(BLANK)
    file.seek(0)
    while left and (part := file.read(min(left, 1 << 20))):
        digest.update(part)
        left -= len(part)
    digest.update(BLANK)
    if digest.hexdigest().encode() != end[-len(BLANK) :]:
        raise ValueError("its content is not what its digest says")
    return True


def _check_parts(file: IO[bytes]) -> None:
    """Hold the parts of an archive against its own checksums.

    Raises:
        ValueError, zipfile.BadZipFile: it is damaged, or no archive.
    """
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        if damaged := archive.testzip():
            raise ValueError(f"the part {damaged} is not what its checksum says")


@functools.cache
def _say_once(message: str) -> None:
    print(message, file=sys.stderr)
