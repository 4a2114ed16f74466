"""The table of all networks that have a finished run or an export: their size, accuracy and speed."""

import statistics
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import trange

from inkwear.classifier import Classifier
from inkwear.preprocess.spec import Pixels
from models import list_models
from training.charts import Point, frontier, save
from training.checkpoint import Checkpoint, load_checkpoint
from training.datasets import DATASETS
from training.summary import summarize

ROUNDS, SINGLE_RUNS, BATCH = 9, 20, 256
"""Rounds in which the exports take turns, single images of a turn, and images of its one batch."""

COLUMNS = (
    *("export", "parameters", "MACs", "file", "test accuracy", "mean of seeds", "tutorial's recipe", "validation"),
    *("s/epoch", "ms/image", "images/s"),
)


@dataclass
class Row:
    """One network on one data set; what was not measured is empty or None.

    Attributes:
        parameters: numbers that are learnt.
        macs: multiply-adds for one image, as torchinfo counts them.
        test, validation: accuracies from 0 to 1, of the export; where there is none, of the run with the lowest seed.
        default, tutorial: test accuracies by both recipes, one a seed.
        seconds: time of an epoch by the default recipe, one a seed.
        export_bytes: size of the ONNX file.
        milliseconds: median time for one image, in ONNX Runtime on the CPU with one thread.
        images_per_second: median speed in batches of 256.
    """

    dataset: str
    model: str
    parameters: int
    macs: int
    test: float | None = None
    validation: float | None = None
    default: list[float] = field(default_factory=list)
    tutorial: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    export_bytes: int | None = None
    milliseconds: float | None = None
    images_per_second: float | None = None

    def point(self) -> Point | None:
        """Return the place of an export in the chart; None without an export, or where its accuracy is unknown."""
        if self.milliseconds is None or self.export_bytes is None or self.test is None:
            return None
        return Point(self.model, self.milliseconds, self.export_bytes / 1000, self.test)


def measure(checkpoints: Path, exports: Path) -> list[Row]:
    """Measure every network that has a finished run or an export, data set by data set, the smallest work first.

    Raises:
        ValueError: there is neither a run nor an export.
    """
    runs = _finished_runs(checkpoints)
    rows: list[Row] = []
    exported: list[tuple[Row, Classifier]] = []
    for dataset in DATASETS:
        for model in list_models():
            export = exports / f"{dataset}-{model}.onnx"
            if (dataset, model) not in runs and not export.exists():
                continue
            summary = summarize(model)
            row = Row(dataset, model, summary.total_params, summary.total_mult_adds)
            _add_runs(row, runs[dataset, model])
            if export.exists():
                classifier = Classifier(export, "cpu")
                row.export_bytes, metrics = export.stat().st_size, classifier.metadata.metrics
                row.test, row.validation = metrics.get("test_accuracy"), metrics.get("validation_accuracy")
                exported.append((row, classifier))
            rows.append(row)
    if not rows:
        raise ValueError(f"Neither {checkpoints} holds a run nor {exports} an export. Train or export one first.")
    _time_in_turns(exported)
    return sorted(rows, key=lambda row: (list(DATASETS).index(row.dataset), row.macs))


def draw(rows: Iterable[Row], path: Path) -> None:
    """Draw the accuracy of all exports over time and size as a PNG.

    Raises:
        ValueError: no row has an export.
    """
    points = defaultdict(list)
    for row in rows:
        if point := row.point():
            points[DATASETS[row.dataset].title].append(point)
    if not points:
        raise ValueError("There is no export to draw. Export a run first.")
    save(frontier(points), path)


def to_markdown(rows: Iterable[Row]) -> str:
    """Write the rows as Markdown, one table a data set."""
    by_dataset = defaultdict(list)
    for row in rows:
        by_dataset[row.dataset].append(row)
    return "\n".join(_table(rows) for rows in by_dataset.values())


# ------------------------------------------------------------------------------------------------------- measuring


def _finished_runs(folder: Path) -> dict[tuple[str, str], list[Checkpoint]]:
    runs = defaultdict(list)
    for path in sorted(folder.glob("*/best.pt")):
        checkpoint = load_checkpoint(path)
        if "test_accuracy" in checkpoint.metrics and "extra_data" not in checkpoint.config:  # corrections suit one user
            runs[checkpoint.config["dataset"], checkpoint.config["model"]].append(checkpoint)
    return runs


def _add_runs(row: Row, runs: list[Checkpoint]) -> None:
    tuned = [run for run in runs if "start_from" in run.config]
    for run in tuned or runs:
        if run.config["recipe"] == "tutorial":
            row.tutorial.append(run.metrics["test_accuracy"])
        elif run.config["recipe"] in ("default", "real"):
            row.default.append(run.metrics["test_accuracy"])
            if run.history:
                row.seconds.append(statistics.median(epoch["seconds"] for epoch in run.history))
            if row.test is None:
                row.test, row.validation = run.metrics["test_accuracy"], run.metrics["validation_accuracy"]


def _time_in_turns(exported: list[tuple[Row, Classifier]]) -> None:
    """Time the exports in turns, so that a slow minute of the machine slows all of them."""
    images = np.random.default_rng(0).integers(0, 256, (BATCH, 28, 28), np.uint8)
    timings: list[list[tuple[float, float]]] = [[] for _ in exported]
    for _ in trange(ROUNDS, desc="speed", disable=None):
        for turns, (_, classifier) in zip(timings, exported, strict=True):
            one = statistics.median(_seconds(classifier, images[:1]) for _ in range(SINGLE_RUNS))
            turns.append((one, _seconds(classifier, images)))
    for turns, (row, _) in zip(timings, exported, strict=True):
        one, many = map(statistics.median, zip(*turns, strict=True))
        row.milliseconds, row.images_per_second = 1000 * one, BATCH / many


def _seconds(classifier: Classifier, images: Pixels) -> float:
    started = time.perf_counter()
    classifier.logits(images)
    return time.perf_counter() - started


# ---------------------------------------------------------------------------------------------------------- layout


def _table(rows: list[Row]) -> str:
    lines = [_line(COLUMNS), _line(["---"] + ["---:"] * (len(COLUMNS) - 1))]
    lines += [_line(_cells(row)) for row in rows]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> list[str]:
    return [
        f"`{row.dataset}-{row.model}`",
        f"{row.parameters:,}",
        f"{row.macs / 1e6:,.2f} M",
        _number(row.export_bytes and row.export_bytes / 1000, "{:,.0f} kB"),
        _number(row.test and 100 * row.test, "{:.2f} %"),
        _mean(row.default) if len(row.default) > 1 else "–",
        _mean(row.tutorial) if row.tutorial else "–",
        _number(row.validation and 100 * row.validation, "{:.2f} %"),
        _number(statistics.median(row.seconds) if row.seconds else None, "{:.1f}"),
        _number(row.milliseconds, "{:.2f}"),
        _number(row.images_per_second, "{:,.0f}"),
    ]


def _number(value: float | None, layout: str) -> str:
    return "–" if value is None else layout.format(value)


def _mean(values: list[float]) -> str:
    mean = f"{100 * statistics.mean(values):.2f} %"
    return mean if len(values) == 1 else f"{mean} ± {100 * statistics.stdev(values):.2f} ({len(values)})"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
