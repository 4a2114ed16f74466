"""What a training run leaves behind: enough to go on as if it had never stopped, and to export it."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import torch
from torch import Tensor

from training.files import atomic_path


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
    """Write a checkpoint atomically."""
    fields = {name: getattr(checkpoint, name) for name in Checkpoint.__dataclass_fields__}
    with atomic_path(path) as temporary:
        torch.save(fields, temporary)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint onto the CPU; nothing in the file is executed (``weights_only=True``).

    Raises:
        CheckpointError: not there, damaged, or not written by ``save_checkpoint``.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such checkpoint. `python -m training.train` writes them.")
    try:
        return Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))
    except (RuntimeError, pickle.UnpicklingError, BadZipFile, EOFError, OSError, TypeError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path}: not a checkpoint of Inkwear, or damaged ({reason}). Train again.") from error
