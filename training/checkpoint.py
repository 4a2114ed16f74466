"""Checkpoints: enough of a run to go on as if it had never stopped, and to export it.

A file is a ZIP archive, as ``torch.save`` writes it, so that the checksum of every part is in it.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inkwear.files import atomic_path
from training.errors import CheckpointError
from training.recipes import current_config


@dataclass
class Checkpoint:
    """The state of a run after ``len(history)`` epochs and ``steps`` steps of the next.

    All random numbers of a run follow from its seed and the current step, so no state of a generator is kept.

    Attributes:
        config: the options of the run (``training.config.Config.to_dict``).
        weights: the state dict of the network that is evaluated and saved.
        learner: ``Learner.state_dict()``, for going on; None in a file that is only for use.
        steps: of the current epoch.
        totals: of the current epoch (``training.loop.Totals``).
        seconds: spent on the current epoch.
        history: one dict an epoch, as in ``metrics.jsonl``.
        metrics: of these weights: ``epoch``, ``validation_accuracy`` and more, in the end ``test_accuracy``.
        versions: of Python and torch, and the name of the device, when the run began.
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
    """Write a checkpoint, atomically."""
    with atomic_path(path) as temporary:
        torch.save(vars(checkpoint), temporary)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint onto the CPU; nothing in the file is executed (``weights_only=True``).

    Raises:
        CheckpointError: the file is missing, damaged, or was not written by ``save_checkpoint``.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such checkpoint. `python -m training.train` writes them.")
    try:
        with zipfile.ZipFile(path) as archive:
            if damaged := archive.testzip():
                raise ValueError(f"the part {damaged} differs from its checksum")
        fields = torch.load(path, map_location="cpu", weights_only=True)
        fields.pop("sealed", None)  # files of before November 2026 have it
        checkpoint = Checkpoint(**fields)
        checkpoint.config = current_config(checkpoint.config)
    except Exception as error:  # of pickle, zipfile, torch or the disk, as the damage has it
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path}: not a checkpoint of Inkwear, or damaged ({reason}). Train again.") from error
    return checkpoint
