"""One training run: epochs, checkpoints, the choice of the best, and the test set read once at the end."""

import json
import platform
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR
from tqdm import tqdm

from exports.preprocessing import normalize
from models import create_model
from training.augment import augment
from training.checkpoint import Checkpoint, load_checkpoint, restore_rng, rng_state, save_checkpoint
from training.curves import save_curves
from training.datasets import Dataset, Split, find_dataset, load_split
from training.files import atomic_path
from training.loop import Scores, evaluate, train_one_epoch

WEIGHT_DECAY = 0.01

RUN_FILES = ("last.pt", "best.pt", "metrics.jsonl", "curves.png")
"""What a run leaves in its folder."""


class RunError(ValueError):
    """A run that cannot begin or go on as asked; the message says what to change."""


@dataclass(frozen=True)
class Config:
    """All that decides the weights of a run."""

    dataset: str
    model: str
    epochs: int
    lr: float
    batch_size: int
    seed: int

    @property
    def name(self) -> str:
        return f"{self.dataset}-{self.model}"


@dataclass
class _Learner:
    """What changes while a run learns."""

    model: nn.Module
    optimizer: Optimizer
    scheduler: LRScheduler
    history: list[dict[str, float]]


def fit(
    config: Config, data_dir: Path, folder: Path, device: torch.device, *, resume: bool = False
) -> dict[str, float]:
    """Train to the end of ``config.epochs`` and return the metrics of the best epoch, ``test_accuracy`` among them.

    ``folder`` receives ``last.pt`` (after each epoch), ``best.pt`` (highest validation accuracy, then lowest loss),
    ``metrics.jsonl`` (a line an epoch) and ``curves.png``. With ``resume`` a stopped run goes on from ``last.pt``, or
    from its beginning where no epoch was finished, and ends with the weights it would have had.

    Raises:
        ValueError: no such model or data set.
        DataError: a data file is missing or damaged.
        RunError: the folder holds a run and ``resume`` was not asked for, or one with other options.
        CheckpointError: ``last.pt`` is damaged.
    """
    dataset = find_dataset(config.dataset)
    last, best = folder / "last.pt", folder / "best.pt"
    if last.exists() and not resume:
        raise RunError(f"{last} is already there: add --resume to go on with it, or --overwrite to start again.")
    torch.manual_seed(config.seed)
    model = create_model(config.model, len(dataset.class_names)).to(device)
    train, validation = (load_split(dataset, part, data_dir).to(device) for part in ("train", "validation"))
    learner = _learner(model, config, steps_an_epoch=-(-len(train.labels) // config.batch_size))
    versions = _restore(learner, config, last) if resume and last.exists() else _versions(device)
    if resume and not last.exists():
        print(f"{last} is not there: no epoch was finished, so the run begins at its beginning.", file=sys.stderr)
    with _progress(config, len(train.labels), len(learner.history)) as bar:
        while len(learner.history) < config.epochs:
            _one_epoch(learner, train, validation, dataset, config, bar)
            checkpoint = _checkpoint(learner, config, versions)
            if learner.history[-1] is _best_epoch(learner.history):
                save_checkpoint(checkpoint, best)
            save_checkpoint(checkpoint, last)
            _save_history(learner.history, folder)
    return _finish(best, model, load_split(dataset, "test", data_dir).to(device))


def _learner(model: nn.Module, config: Config, steps_an_epoch: int) -> _Learner:
    optimizer = AdamW(model.parameters(), lr=config.lr, weight_decay=WEIGHT_DECAY)
    # One cycle up and down: Smith and Topin 2018, "Super-convergence", arXiv 1708.07120.
    scheduler = OneCycleLR(optimizer, max_lr=config.lr, total_steps=config.epochs * steps_an_epoch)
    return _Learner(model, optimizer, scheduler, history=[])


def _one_epoch(learner: _Learner, train: Split, validation: Split, dataset: Dataset, config: Config, bar: tqdm) -> None:
    started = time.perf_counter()
    empty_pixel = float(normalize(np.zeros(1, np.uint8), dataset.input)[0])

    def show(images: int, scores: Scores) -> None:
        bar.update(images)
        bar.set_postfix(loss=f"{scores.loss:.3f}", acc=f"{scores.accuracy:.2%}", refresh=False)

    trained = train_one_epoch(
        learner.model,
        train,
        learner.optimizer,
        learner.scheduler,
        batch_size=config.batch_size,
        change=lambda images: augment(images, dataset.augmentation, empty_pixel),
        on_batch=show,
    )
    seconds = time.perf_counter() - started
    validated = evaluate(learner.model, validation)
    learner.history.append(
        {
            "epoch": len(learner.history) + 1,
            "train_loss": trained.loss,
            "train_accuracy": trained.accuracy,
            "validation_loss": validated.loss,
            "validation_accuracy": validated.accuracy,
            "seconds": seconds,
        }
    )
    _report(learner.history[-1], len(train.labels) / seconds, bar)


def _best_epoch(history: list[dict[str, float]]) -> dict[str, float]:
    return max(history, key=lambda epoch: (epoch["validation_accuracy"], -epoch["validation_loss"]))


def _finish(best: Path, model: nn.Module, test: Split) -> dict[str, float]:
    """Read the test set, once a run, with the weights that validation chose."""
    checkpoint = load_checkpoint(best)
    if "test_accuracy" not in checkpoint.metrics:
        model.load_state_dict(checkpoint.weights)
        scores = evaluate(model, test)
        checkpoint.metrics |= {"test_accuracy": scores.accuracy, "test_loss": scores.loss}
        save_checkpoint(checkpoint, best)
    return checkpoint.metrics


# ------------------------------------------------------------------------------------------------ stop and go on


def _checkpoint(learner: _Learner, config: Config, versions: dict[str, str]) -> Checkpoint:
    return Checkpoint(
        config=asdict(config),
        weights=learner.model.state_dict(),
        optimizer=learner.optimizer.state_dict(),
        scheduler=learner.scheduler.state_dict(),
        rng=rng_state(),
        history=learner.history,
        metrics=dict(learner.history[-1]),
        versions=versions,
    )


def _restore(learner: _Learner, config: Config, last: Path) -> dict[str, str]:
    """Bring a learner to where ``last.pt`` left it; return the versions that run began with."""
    checkpoint = load_checkpoint(last)
    asked = asdict(config)
    other = [f"{k} was {v}, now {asked.get(k)}" for k, v in checkpoint.config.items() if v != asked.get(k)]
    if other:
        raise RunError(f"{last} belongs to a run with other options ({'; '.join(other)}). Resume with the same ones.")
    learner.model.load_state_dict(checkpoint.weights)
    learner.optimizer.load_state_dict(checkpoint.optimizer)
    learner.scheduler.load_state_dict(checkpoint.scheduler)
    learner.history = checkpoint.history
    restore_rng(checkpoint.rng)
    return checkpoint.versions


def _versions(device: torch.device) -> dict[str, str]:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    return {"python": platform.python_version(), "torch": str(torch.__version__), "device": name}


# ------------------------------------------------------------------------------------------------- what is shown


def _progress(config: Config, images: int, done: int) -> tqdm:
    return tqdm(
        total=config.epochs * images,
        initial=done * images,
        desc=config.name,
        unit="img",
        unit_scale=True,
        disable=None,  # no bar where there is no terminal
        dynamic_ncols=True,
    )


def _report(epoch: dict[str, float], images_a_second: float, bar: tqdm) -> None:
    bar.write(
        f"epoch {epoch['epoch']:>3}  train loss {epoch['train_loss']:.4f}  accuracy {epoch['train_accuracy']:.2%}  "
        f"validation loss {epoch['validation_loss']:.4f}  accuracy {epoch['validation_accuracy']:.2%}  "
        f"{images_a_second:,.0f} images/s",
        file=sys.stderr,
    )


def _save_history(history: list[dict[str, float]], folder: Path) -> None:
    with atomic_path(folder / "metrics.jsonl") as temporary:
        temporary.write_text("".join(json.dumps(epoch) + "\n" for epoch in history))
    save_curves(history, folder / "curves.png")
