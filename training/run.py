"""One training run: epochs, checkpoints, the choice of the best, and the test set read once at the end."""

import math
import platform
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inkwear.files import remove_leftovers
from inkwear.preprocess.steps import normalize
from models import create_model
from training.augment import augment, erase, shade
from training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from training.config import Config
from training.datasets import Dataset, find_dataset, find_files
from training.distributed import Processes, is_first_process, joined
from training.errors import RunError
from training.extra_images import load_extra_images
from training.interrupt import StopRequest, stop_request
from training.learner import Learner
from training.loop import Totals, evaluate, train_steps
from training.malloc import keep_freed_memory
from training.pretrained import load_start, load_teacher
from training.run_folder import replacing_run, settle_run
from training.splits import Split, load_split, to_split
from training.watch import Watch

SECONDS_BETWEEN_CHECKPOINTS = 300
"""Seconds between two checkpoints of an epoch; at the end of each there is one anyway."""


def fit(
    config: Config,
    data_dir: Path,
    folder: Path,
    device: torch.device,
    *,
    resume: bool = False,
    overwrite: bool = False,
    tensorboard: bool = False,
) -> Checkpoint:
    """Train to the end of the recipe and return the best epoch's checkpoint, ``test_accuracy`` among its metrics.

    Under ``torchrun`` each batch is shared among the processes.

    Args:
        config: all that decides the weights.
        data_dir: torchvision's folder of data sets.
        folder: receives ``last.pt`` (after each epoch, every five minutes, and when the run is stopped), ``best.pt``
            (the latest epoch within a standard error of the highest validation accuracy), ``metrics.jsonl`` (a line an
            epoch) and ``curves.png``.
        device: where to train.
        resume: whether to go on from ``last.pt``, to the weights that the run would have had without the stop.
        overwrite: whether to replace an earlier run, once all inputs are read; it comes back if the new one ends
            before its first ``last.pt``.
        tensorboard: whether to write TensorBoard's event files too.

    Raises:
        ValueError: there is no such model or data set.
        DataError: a data file is missing or damaged.
        CorrectionsError: corrections cannot be read.
        RunError: the folder holds a run and neither ``resume`` nor ``overwrite`` is set, or a run with other options.
        CheckpointError: ``last.pt`` is damaged.
        KeyboardInterrupt: the run was stopped, and ``last.pt`` holds every step it did.
    """
    keep_freed_memory()
    last = folder / "last.pt"
    if is_first_process():
        settle_run(folder)
    if last.exists() and not (resume or overwrite):
        raise RunError(f"{last} is already there: add --resume to go on with it, or --overwrite to start again.")
    torch.manual_seed(config.seed)
    with joined(device) as (processes, device):
        run = Run(config, data_dir, folder, device, processes)
        if resume:
            run.resume()
        replaces = overwrite and not resume and processes.first
        with replacing_run(folder) if replaces else nullcontext(), stop_request() as stop:
            run.learn(stop, tensorboard)
        if processes.first:
            run.read_test_set()
        processes.wait()
    return load_checkpoint(folder / "best.pt")


class Run:
    """A run in progress."""

    def __init__(
        self, config: Config, data_dir: Path, folder: Path, device: torch.device, processes: Processes
    ) -> None:
        self.config, self.data_dir, self.folder, self.processes = config, data_dir, folder, processes
        self.last, self.best = folder / "last.pt", folder / "best.pt"
        self.dataset, self.recipe = find_dataset(config.dataset, config.validation_size), config.learning
        network = create_model(config.model, len(self.dataset.class_names))
        if config.start_from:
            load_start(network, config.start_from, self.dataset, data_dir)
        teacher = load_teacher(config.teacher, self.dataset, data_dir) if config.teacher else None
        find_files(self.dataset, "test", data_dir)  # which are read at the end, but should be missed now
        self.options = config.to_dict()
        self.train = _training_images(config, self.dataset, data_dir, device)
        self.validation = load_split(self.dataset, "validation", data_dir).to(device)
        self.steps_per_epoch = math.ceil(len(self.train.labels) / self.recipe.batch_size)
        self.total_steps = max(1, round(self.recipe.epochs * self.steps_per_epoch))
        self.learner = Learner.of(network, self.recipe, self.total_steps, device, processes, teacher)
        self.limits = self.dataset.augmentation.scaled(self.recipe.strength)
        self.full_size: int | None = getattr(network, "image_size", None)
        self.black, self.white = map(float, normalize(np.array([0, 255], np.uint8), self.dataset.input))
        self.versions = _versions(device, processes)
        self.history: list[dict[str, float]] = []
        self._begin_epoch()

    def _begin_epoch(self) -> None:
        self.steps, self.seconds, self.totals = 0, 0.0, Totals.zero(self.train.labels.device)
        if self.full_size:
            size = self.full_size if self._at_full_size(len(self.history) + 1) else self.full_size // 2
            self.learner.network.image_size = self.learner.model.image_size = size  # type: ignore[assignment]

    def learn(self, stop: StopRequest, tensorboard: bool) -> None:
        """Train for the epochs that are left.

        Raises:
            KeyboardInterrupt: the run was stopped.
        """
        if self.processes.first:
            remove_leftovers(self.last)
            remove_leftovers(self.best)
        with Watch(
            self.config.name,
            self.folder,
            self.total_steps * self.recipe.batch_size,
            tensorboard=tensorboard,
            shown=self.processes.first,
        ) as watch:
            done = len(self.history) * self.steps_per_epoch + self.steps
            watch.resumed(self.history, done * self.recipe.batch_size)
            while self._steps_left() > 0 and not self._has_stopped_improving():
                self._one_epoch(watch, stop)

    def _steps_left(self) -> int:
        """Return the number of steps from the beginning of this epoch to the end of the run."""
        return self.total_steps - len(self.history) * self.steps_per_epoch

    def _one_epoch(self, watch: Watch, stop: StopRequest) -> None:
        started, saved = time.perf_counter() - self.seconds, time.monotonic()
        for done in train_steps(
            self.learner,
            self.train,
            self.totals,
            seed=self.config.seed,
            epoch=len(self.history),
            after=self.steps,
            until=self._steps_left(),
            change=self._augment,
            processes=self.processes,
        ):
            self.steps = done
            watch.step(self.recipe.batch_size)
            if stop.made or time.monotonic() - saved > SECONDS_BETWEEN_CHECKPOINTS:
                self.seconds, saved = time.perf_counter() - started, time.monotonic()
                self._save(self.last, resumable=True)
            if stop.made:
                raise KeyboardInterrupt
        self._end_epoch(time.perf_counter() - started)
        watch.epoch(self.history)

    def _end_epoch(self, seconds: float) -> None:
        images, trained = self.totals.images(self.processes), self.totals.scores(self.processes)
        validated = evaluate(self.learner.model, self.validation, self.processes, bfloat16=self.recipe.bfloat16)
        self.history.append(
            {
                "epoch": len(self.history) + 1,
                "train_loss": trained.loss,
                "train_accuracy": trained.accuracy,
                "validation_loss": validated.loss,
                "validation_accuracy": validated.accuracy,
                "lr": float(self.learner.scheduler.get_last_lr()[0]),
                "seconds": seconds,
                "images_per_second": images / seconds,
            }
        )
        if self.history[-1] is self._best_epoch():
            self._save(self.best, resumable=False)
        self._begin_epoch()
        self._save(self.last, resumable=True)

    def _augment(self, images: Tensor) -> Tensor:
        recipe, limits = self.recipe, self.limits
        if recipe.augment:
            images = augment(images, limits, self.black, strong=recipe.strong)
        if recipe.shading:
            images = shade(images, limits, self.black, self.white, recipe.shading)
        return erase(images, limits.erase, self.black, self.white) if recipe.strong else images

    # ------------------------------------------------------------------------------------------------ the best epoch

    def _at_full_size(self, epoch: int) -> bool:
        """Tell whether the network sees images in this epoch as it will in use."""
        return not self.full_size or epoch > self.recipe.small_images * self.recipe.epochs

    def _best_epoch(self) -> dict[str, float] | None:
        """Return the latest epoch that is within one standard error of the highest validation accuracy.

        Of thirty epochs that differ by chance, the one with the most luck is often an early one, while a later one has
        steadier weights: the one-standard-error rule (Hastie, Tibshirani, Friedman, "The elements of statistical
        learning", 2009, section 7.10).
        """
        candidates = [epoch for epoch in self.history if self._at_full_size(int(epoch["epoch"]))]
        highest = max((epoch["validation_accuracy"] for epoch in candidates), default=0.0)
        error = math.sqrt(highest * (1 - highest) / len(self.validation.labels))
        good = [epoch for epoch in candidates if epoch["validation_accuracy"] >= highest - error]
        return good[-1] if good else None

    def _has_stopped_improving(self) -> bool:
        best = self._best_epoch()
        patience = self.recipe.patience * self.recipe.epochs
        return bool(best and patience and len(self.history) - best["epoch"] >= patience)

    # -------------------------------------------------------------------------------------------------- checkpoints

    def checkpoint(self, *, resumable: bool) -> Checkpoint:
        """Return the state of the run; a ``resumable`` one has the learner's too and is three times as large."""
        return Checkpoint(
            config=self.options,
            weights=self.learner.model.state_dict(),
            learner=self.learner.state_dict() if resumable else None,
            steps=self.steps,
            totals=self.totals.sums,
            seconds=self.seconds,
            history=self.history,
            metrics=dict(self.history[-1]) if self.history else {},
            versions=self.versions,
        )

    def resume(self) -> None:
        """Continue from ``last.pt``, or from the beginning if it is missing.

        Raises:
            RunError: it belongs to a run with other options.
        """
        if not self.last.exists():
            if self.processes.first:
                print(f"{self.last} is not there, so the run begins at its beginning.", file=sys.stderr)
            return
        checkpoint, asked = load_checkpoint(self.last), self.options
        other = [f"{k} was {v}, now {asked.get(k)}" for k, v in checkpoint.config.items() if v != asked.get(k)]
        if other or checkpoint.learner is None:
            raise RunError(
                f"{self.last} belongs to a run with other options ({'; '.join(other)}). Resume with the same ones."
            )
        self.learner.load_state_dict(checkpoint.learner)
        self.history, self.versions = checkpoint.history, checkpoint.versions
        self._begin_epoch()
        self.steps, self.seconds = checkpoint.steps, checkpoint.seconds
        self.totals = Totals(checkpoint.totals.to(self.train.labels.device))

    def read_test_set(self) -> None:
        """Score the weights that validation chose on the test set, once a run, and save the score with them."""
        checkpoint = load_checkpoint(self.best)
        if "test_accuracy" not in checkpoint.metrics:
            test = load_split(self.dataset, "test", self.data_dir).to(self.train.labels.device)
            self.learner.model.load_state_dict(checkpoint.weights)
            scores = evaluate(self.learner.model, test)
            checkpoint.metrics |= {"test_accuracy": scores.accuracy, "test_loss": scores.loss}
            save_checkpoint(checkpoint, self.best)

    def _save(self, path: Path, *, resumable: bool) -> None:
        if self.processes.first:
            save_checkpoint(self.checkpoint(resumable=resumable), path)


def _training_images(config: Config, dataset: Dataset, data_dir: Path, device: torch.device) -> Split:
    """Load the training part, the extra images and the corrections onto a device."""
    train = load_split(dataset, "train", data_dir).to(device)
    for path in config.extra_images:
        extra = load_extra_images(path, dataset)
        train = train.joined(to_split(extra.pixels, extra.labels, dataset).to(device))
    if config.corrections:
        train = config.corrections.mixed_into(train, config.extra_share, dataset)
    return train


def _versions(device: torch.device, processes: Processes) -> dict[str, str]:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, threads: {torch.get_num_threads()}"
    several = f"{processes.count} × " if processes.count > 1 else ""
    return {"python": platform.python_version(), "torch": str(torch.__version__), "device": several + name}
