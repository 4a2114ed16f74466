"""One training run: epochs, checkpoints, the choice of the best, and the test set read once at the end."""

import math
import platform
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from inkwear.files import remove_leftovers
from inkwear.preprocess.steps import normalize
from models import create_model
from training.augment import augment, erase, shade
from training.checkpoint import Checkpoint, load_checkpoint, replacing_run, save_checkpoint, settle_run
from training.corrections_data import Extra, load_extra
from training.datasets import VALIDATION_SIZE, Dataset, Split, find_dataset, find_files, load_split, to_split
from training.distributed import Processes, is_first_process, joined
from training.extra_images import describe_corpus, load_corpus
from training.import_onnx import SUFFIX, describe_export, thaw
from training.interrupt import StopRequest, stop_request
from training.learner import Learner, multiplies_bfloat16
from training.loop import Totals, evaluate, train_steps
from training.malloc import keep_freed_memory
from training.publish.export import rebuild
from training.recipes import EXTRA_SHARE, TEACHING, TEACHING_TEMPERATURE, Recipe, RecipeName, find_recipe
from training.watch import Watch

SECONDS_BETWEEN_CHECKPOINTS = 300
"""Within an epoch; at the end of each there is one anyway."""


class RunError(ValueError):
    """A run that cannot begin or go on as asked; the message says what to change."""


@dataclass(frozen=True)
class Config:
    """All that decides the weights of a run."""

    dataset: str
    model: str
    recipe: RecipeName
    learning: Recipe
    seed: int = 0
    also: tuple[Path, ...] = ()
    """Files of more training images (``training.extra_images``)."""
    start_from: Path | None = None
    """The checkpoint or export whose weights the run begins with; None begins with fresh ones."""
    extra_data: tuple[Path, ...] = ()
    """Folders or exported ZIPs of corrections (``training.corrections_data``)."""
    extra_share: float = EXTRA_SHARE
    """The share of an epoch's images that the corrections make up."""
    teacher: Path | None = None
    """The checkpoint or export of another network, whose answers count beside the labels."""
    held_out: int = VALIDATION_SIZE
    """Of the training images, for validation."""

    @classmethod
    def of(
        cls,
        dataset: str,
        model: str,
        recipe: RecipeName = "ours",
        seed: int = 0,
        also: Sequence[Path] = (),
        start_from: Path | None = None,
        extra_data: Sequence[Path] = (),
        extra_share: float = EXTRA_SHARE,
        teacher: Path | None = None,
        held_out: int = VALIDATION_SIZE,
        **changes: float | None,
    ) -> "Config":
        """Return the config of a recipe by name, with ``changes`` to single numbers of it.

        Weights that have learnt need no beginning with small images, so with ``start_from`` there is none. A teacher is
        listened to by every recipe, by those that have no share for one as by ``inkwear_s``'s.

        Raises:
            ValueError: there is no such recipe for this network.
        """
        learning = find_recipe(recipe, model, **changes, small_images=None if start_from is None else 0.0)
        if teacher and not learning.teaching:
            learning = replace(learning, teaching=TEACHING, teaching_temperature=TEACHING_TEMPERATURE)
        others = tuple(also), start_from, tuple(extra_data), extra_share, teacher, held_out
        return cls(dataset, model, recipe, learning, seed, *others)

    def on(self, device: torch.device) -> "Config":
        """Return the config as ``device`` can follow it, and say on stderr in what it departs."""
        if not self.learning.bfloat16 or multiplies_bfloat16(device):
            return self
        print("This CPU has no instructions for bfloat16, so the run is in float32.", file=sys.stderr)
        return replace(self, learning=replace(self.learning, bfloat16=False))

    @property
    def name(self) -> str:
        """The run's folder: the data set and the network, and what departs from the shipped run."""
        recipe = "" if self.recipe == "ours" else f"-{self.recipe}"
        seed = f"-seed{self.seed}" if self.seed else ""
        taught = "-taught" if self.teacher else ""
        tuned = "-tuned" if self.start_from else ""
        corrected = "-corrected" if self.extra_data else ""
        held = f"-held{self.held_out}" if self.held_out != VALIDATION_SIZE else ""
        return f"{self.dataset}-{self.model}{recipe}{taught}{tuned}{corrected}{held}{seed}"

    @cached_property
    def extra(self) -> Extra | None:
        """The corrections, read once, so that those named in the recipe are those that were learnt.

        Raises:
            CorrectionsError: a folder holds none, or damaged ones.
            DataError: none is of this data set, or a label is not one of its classes.
        """
        return load_extra(self.extra_data, find_dataset(self.dataset)) if self.extra_data else None

    def to_dict(self) -> dict[str, str | float]:
        """Return all options side by side, those of the recipe among them.

        Raises:
            DataError: a file of more training images is missing.
            CheckpointError: ``start_from`` or ``teacher`` is neither a checkpoint nor an export.
            CorrectionsError, DataError: as ``extra``.
        """
        others = {"start_from": self.start_from, "teacher": self.teacher}
        runs = {name: _describe_run(path) for name, path in others.items() if path}
        also = {"also": ", ".join(map(describe_corpus, self.also))} if self.also else {}
        named = {"dataset": self.dataset, "model": self.model, "recipe": self.recipe, "seed": self.seed}
        extra = {"extra_data": str(self.extra), "extra_share": self.extra_share} if self.extra else {}
        held = {"held_out": self.held_out} if self.held_out != VALIDATION_SIZE else {}
        return {**named, **held, **runs, **also, **extra, **asdict(self.learning)}


def _describe_run(path: Path) -> str:
    """Return which run's weights a checkpoint holds, and after how many epochs; of an export, which file it is."""
    if path.suffix == SUFFIX:
        return describe_export(path)
    return f"{path.parent.name} after {load_checkpoint(path).metrics.get('epoch', 0):.0f} epochs"


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

    ``folder`` receives ``last.pt`` (after each epoch, every five minutes, and when the run is stopped), ``best.pt``
    (the latest epoch within a standard error of the highest validation accuracy), ``metrics.jsonl`` (a line an epoch)
    and ``curves.png``. With ``resume`` a stopped run goes on from ``last.pt``, or from its beginning where there is
    none, and ends with the weights it would have had. With ``overwrite`` a run takes the place of an earlier one, which
    is put aside once all inputs are read, and put back where the new one ends before its first ``last.pt``. Under
    ``torchrun`` each batch is shared among the processes.

    Raises:
        ValueError: no such model or data set.
        DataError: a data file is missing or damaged.
        CorrectionsError: corrections cannot be read.
        RunError: the folder holds a run and neither ``resume`` nor ``overwrite`` was asked for, or, to be resumed, one
            with other options.
        CheckpointError: ``last.pt`` is damaged.
        KeyboardInterrupt: the run was stopped, and ``last.pt`` holds every step it did.
    """
    keep_freed_memory()
    dataset = find_dataset(config.dataset, config.held_out)
    last, best = folder / "last.pt", folder / "best.pt"
    if is_first_process():
        settle_run(folder)
    if last.exists() and not (resume or overwrite):
        raise RunError(f"{last} is already there: add --resume to go on with it, or --overwrite to start again.")
    torch.manual_seed(config.seed)
    network = create_model(config.model, len(dataset.class_names))
    if config.start_from:
        _load_start(network, config.start_from, dataset, data_dir)
    teacher = _load_teacher(config.teacher, dataset, data_dir) if config.teacher else None
    find_files(dataset, "test", data_dir)  # they are read at the end, and missed now
    with joined(device) as (processes, device):
        run = _Run(config, dataset, network, teacher, data_dir, folder, device, processes)
        if resume and last.exists():
            run.restore(load_checkpoint(last))
        elif resume and processes.first:
            print(f"{last} is not there, so the run begins at its beginning.", file=sys.stderr)
        if processes.first:
            remove_leftovers(last)
            remove_leftovers(best)
        replaces = overwrite and not resume and processes.first
        with replacing_run(folder) if replaces else nullcontext(), stop_request() as stop:
            run.learn(stop, tensorboard)
        if processes.first:
            _read_test_set(best, run, load_split(dataset, "test", data_dir).to(device))
        processes.wait()
    return load_checkpoint(best)


def _load_start(network: nn.Module, path: Path, dataset: Dataset, data_dir: Path) -> None:
    if path.suffix == SUFFIX:
        weights = thaw(path, load_split(dataset, "train", data_dir).images)[0].state_dict()
    else:
        weights = load_checkpoint(path).weights
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise RunError(
            f"{path}: its weights are those of another network ({reason}). "
            "Start from a checkpoint or an export of the same one."
        ) from error


def _load_teacher(path: Path, dataset: Dataset, data_dir: Path) -> nn.Module:
    if path.suffix == SUFFIX:
        teacher, metadata = thaw(path, load_split(dataset, "train", data_dir).images)
        learnt = metadata.dataset
    else:
        checkpoint = load_checkpoint(path)
        teacher, learnt = rebuild(checkpoint), checkpoint.config["dataset"]
    if learnt != dataset.name:
        raise RunError(f"{path} learnt {learnt}; a teacher of {dataset.name} is needed.")
    return teacher


class _Run:
    """A run under way."""

    def __init__(
        self,
        config: Config,
        dataset: Dataset,
        network: nn.Module,
        teacher: nn.Module | None,
        data_dir: Path,
        folder: Path,
        device: torch.device,
        processes: Processes,
    ) -> None:
        self.config, self.folder, self.processes = config, folder, processes
        self.options = config.to_dict()
        self.dataset, self.recipe = dataset, config.learning
        self.limits = dataset.augmentation.scaled(self.recipe.strength)
        self.train, self.validation = (
            load_split(dataset, part, data_dir).to(device) for part in ("train", "validation")
        )
        for path in config.also:
            corpus = load_corpus(path, dataset)
            self.train = self.train.joined(to_split(corpus.pixels, corpus.labels, dataset).to(device))
        if config.extra:
            self.train = config.extra.mixed_into(self.train, config.extra_share, dataset)
        self.steps_an_epoch = math.ceil(len(self.train.labels) / self.recipe.batch_size)
        self.steps_in_all = max(1, round(self.recipe.epochs * self.steps_an_epoch))
        self.learner = Learner.of(network, self.recipe, self.steps_in_all, device, processes, teacher)
        self.full_size: int | None = getattr(network, "image_size", None)
        self.black, self.white = map(float, normalize(np.array([0, 255], np.uint8), dataset.input))
        self.versions = _versions(device, processes)
        self.history: list[dict[str, float]] = []
        self._begin_epoch()

    def _begin_epoch(self) -> None:
        self.steps, self.seconds, self.totals = 0, 0.0, Totals.zero(self.train.labels.device)
        if self.full_size:
            size = self.full_size if self._at_full_size(len(self.history) + 1) else self.full_size // 2
            self.learner.network.image_size = self.learner.model.image_size = size  # type: ignore[assignment]

    def learn(self, stop: StopRequest, tensorboard: bool) -> None:
        """Go through the epochs that are left."""
        with Watch(
            self.config.name,
            self.folder,
            self.steps_in_all * self.recipe.batch_size,
            tensorboard=tensorboard,
            shown=self.processes.first,
        ) as watch:
            done = len(self.history) * self.steps_an_epoch + self.steps
            watch.resumed(self.history, done * self.recipe.batch_size)
            while self._steps_left() > 0 and not self._has_stopped_improving():
                self._one_epoch(watch, stop)

    def _steps_left(self) -> int:
        """Return how many steps there are from the beginning of this epoch to the end of the run."""
        return self.steps_in_all - len(self.history) * self.steps_an_epoch

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
                self._save(self.folder / "last.pt", self.checkpoint(for_going_on=True))
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
            self._save(self.folder / "best.pt", self.checkpoint(for_going_on=False))
        self._begin_epoch()
        self._save(self.folder / "last.pt", self.checkpoint(for_going_on=True))

    def _augment(self, images: Tensor) -> Tensor:
        recipe, limits = self.recipe, self.limits
        if recipe.augment:
            images = augment(images, limits, self.black, strong=recipe.strong)
        if recipe.shading:
            images = shade(images, limits, self.black, self.white, recipe.shading)
        return erase(images, limits.erase, self.black, self.white) if recipe.strong else images

    # ------------------------------------------------------------------------------------------------ the best epoch

    def _at_full_size(self, epoch: int) -> bool:
        return epoch > self.recipe.small_images * self.recipe.epochs

    def _candidates(self) -> list[dict[str, float]]:
        """The epochs after which the network saw images as it will see them in use."""
        return [epoch for epoch in self.history if not self.full_size or self._at_full_size(int(epoch["epoch"]))]

    def _best_epoch(self) -> dict[str, float] | None:
        """Return the latest epoch that is within one standard error of the highest validation accuracy.

        Of thirty epochs that differ by chance the luckiest is an early one as often as not, while the later has the
        calmer weights: the one-standard-error rule (Hastie, Tibshirani, Friedman, "The elements of statistical
        learning", 2009, section 7.10).
        """
        candidates = self._candidates()
        highest = max((epoch["validation_accuracy"] for epoch in candidates), default=0.0)
        error = math.sqrt(highest * (1 - highest) / len(self.validation.labels))
        good = [epoch for epoch in candidates if epoch["validation_accuracy"] >= highest - error]
        return good[-1] if good else None

    def _has_stopped_improving(self) -> bool:
        best = self._best_epoch()
        patience = self.recipe.patience * self.recipe.epochs
        return bool(best and patience and len(self.history) - best["epoch"] >= patience)

    # --------------------------------------------------------------------------------------------- stop and go on

    def checkpoint(self, *, for_going_on: bool) -> Checkpoint:
        """Return the state of the run; with the learner's, three times as large, where it is for going on."""
        return Checkpoint(
            config=self.options,
            weights=self.learner.model.state_dict(),
            learner=self.learner.state_dict() if for_going_on else None,
            steps=self.steps,
            totals=self.totals.sums,
            seconds=self.seconds,
            history=self.history,
            metrics=dict(self.history[-1]) if self.history else {},
            versions=self.versions,
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Bring the run to where ``checkpoint`` left it."""
        asked = self.options
        other = [f"{k} was {v}, now {asked.get(k)}" for k, v in checkpoint.config.items() if v != asked.get(k)]
        if other or checkpoint.learner is None:
            raise RunError(
                f"{self.folder / 'last.pt'} belongs to a run with other options ({'; '.join(other)}). "
                "Resume with the same ones."
            )
        self.learner.load_state_dict(checkpoint.learner)
        self.history, self.versions = checkpoint.history, checkpoint.versions
        self._begin_epoch()
        self.steps, self.seconds = checkpoint.steps, checkpoint.seconds
        self.totals = Totals(checkpoint.totals.to(self.train.labels.device))

    def _save(self, path: Path, checkpoint: Checkpoint) -> None:
        if self.processes.first:
            save_checkpoint(checkpoint, path)


def _read_test_set(best: Path, run: _Run, test: Split) -> None:
    """Score the weights that validation chose on the test set, once a run, and write the score beside them."""
    checkpoint = load_checkpoint(best)
    if "test_accuracy" not in checkpoint.metrics:
        run.learner.model.load_state_dict(checkpoint.weights)
        scores = evaluate(run.learner.model, test)
        checkpoint.metrics |= {"test_accuracy": scores.accuracy, "test_loss": scores.loss}
        save_checkpoint(checkpoint, best)


def _versions(device: torch.device, processes: Processes) -> dict[str, str]:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, threads: {torch.get_num_threads()}"
    several = f"{processes.count} × " if processes.count > 1 else ""
    return {"python": platform.python_version(), "torch": str(torch.__version__), "device": several + name}
