"""``python -m training.compare``: all networks on both data sets side by side, as a table."""

import statistics
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.console import exit_codes_for_errors

if TYPE_CHECKING:
    from inkwear.classifier import Classifier
    from inkwear.preprocess.steps import Pixels
    from training.charts import Point
    from training.checkpoint import Checkpoint

ROUNDS, SINGLE_RUNS, BATCH = 9, 20, 256
"""How often the exports take turns, how often each classifies one image in its turn, and how many in one batch."""

cli = typer.Typer(add_completion=False)


@cli.command()
def compare(
    checkpoints: Annotated[Path, typer.Option(help="The folder of the runs.")] = Path("models/checkpoints"),
    exports: Annotated[Path, typer.Option(help="The folder of the exports.")] = Path("exports"),
    output: Annotated[Path | None, typer.Option(help="A file for the table instead of stdout.")] = None,
    picture: Annotated[
        Path | None, typer.Option(help="A PNG of accuracy against latency and size, of all exports.")
    ] = None,
) -> None:
    """Compare networks: size and work, test accuracy by both recipes, seconds an epoch, and speed in ONNX Runtime."""
    with exit_codes_for_errors():
        rows = gather(checkpoints, exports)
        if not rows:
            raise ValueError(f"Neither {checkpoints} holds a run nor {exports} an export. Train or export one first.")
        if picture is not None:
            _draw(rows, picture)
        table = to_markdown(rows)
        if output is None:
            typer.echo(table, nl=False)
            return
        from inkwear.files import write_text

        write_text(output, table)
        typer.echo(str(output))


def _draw(rows: "list[Row]", path: Path) -> None:
    from training.charts import frontier, save
    from training.datasets import DATASETS

    points = {
        dataset.title: [point for row in rows if row.dataset == dataset.name and (point := row.point()) is not None]
        for dataset in DATASETS.values()
    }
    measured = {title: found for title, found in points.items() if found}
    if not measured:
        raise ValueError("There is no export to draw. Export a run first.")
    save(frontier(measured), path)
    typer.echo(str(path), err=True)


@dataclass
class Row:
    """One network on one data set; what was not measured is empty or None.

    Attributes:
        parameters: numbers learned.
        macs: multiply-adds for one image, as torchinfo counts them.
        test, validation: accuracies as fractions, of the export; where there is none, of the run with the lowest seed.
        ours, tutorial: test accuracies by both recipes, one a seed.
        seconds: of training an epoch by our recipe, one a seed.
        export_bytes: size of the ONNX file.
        milliseconds: for one image, in ONNX Runtime on the CPU with one thread; the median over the rounds.
        images_per_second: likewise, in batches of 256.
    """

    dataset: str
    model: str
    parameters: int
    macs: int
    test: float | None = None
    validation: float | None = None
    ours: list[float] = field(default_factory=list)
    tutorial: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    export_bytes: int | None = None
    milliseconds: float | None = None
    images_per_second: float | None = None

    def point(self) -> "Point | None":
        """Return its place in the picture of all exports; None where it is not exported, or its accuracy unknown."""
        from training.charts import Point

        if self.milliseconds is None or self.export_bytes is None or self.test is None:
            return None
        return Point(self.model, self.milliseconds, self.export_bytes / 1000, self.test)


def gather(checkpoints: Path, exports: Path) -> list[Row]:
    """Measure every network that has a finished run or an export, data set by data set, the smallest work first."""
    from inkwear.classifier import Classifier
    from models import list_models
    from training.datasets import DATASETS
    from training.summary import summarize

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
                exported.append((row, Classifier(export, "cpu")))
                _add_export(row, export, exported[-1][1].metadata.metrics)
            rows.append(row)
    _time_in_turns(exported)
    return sorted(rows, key=lambda row: (list(DATASETS).index(row.dataset), row.macs))


def to_markdown(rows: Iterable[Row]) -> str:
    """Lay the rows out as a Markdown table a data set."""
    by_dataset = defaultdict(list)
    for row in rows:
        by_dataset[row.dataset].append(row)
    return "\n".join(_table(rows) for rows in by_dataset.values())


# ------------------------------------------------------------------------------------------------------- measuring


def _finished_runs(folder: Path) -> "dict[tuple[str, str], list[Checkpoint]]":
    from training.checkpoint import load_checkpoint

    runs = defaultdict(list)
    for path in sorted(folder.glob("*/best.pt")):
        checkpoint = load_checkpoint(path)
        if "test_accuracy" in checkpoint.metrics and "extra_data" not in checkpoint.config:  # those suit one hand
            runs[checkpoint.config["dataset"], checkpoint.config["model"]].append(checkpoint)
    return runs


def _add_runs(row: Row, runs: "list[Checkpoint]") -> None:
    tuned = [run for run in runs if "start_from" in run.config]
    for run in tuned or runs:
        if run.config["recipe"] == "tutorial":
            row.tutorial.append(run.metrics["test_accuracy"])
        elif run.config["recipe"] in ("ours", "real"):
            row.ours.append(run.metrics["test_accuracy"])
            if run.history:
                row.seconds.append(statistics.median(epoch["seconds"] for epoch in run.history))
            if row.test is None:
                row.test, row.validation = run.metrics["test_accuracy"], run.metrics["validation_accuracy"]


def _add_export(row: Row, path: Path, metrics: Mapping[str, float]) -> None:
    row.export_bytes = path.stat().st_size
    row.test, row.validation = metrics.get("test_accuracy"), metrics.get("validation_accuracy")


def _time_in_turns(exported: "list[tuple[Row, Classifier]]") -> None:
    """Time the exports side by side: each has its turn in each round, so a machine's slow minutes meet them all."""
    import numpy as np
    from tqdm import trange

    images = np.random.default_rng(0).integers(0, 256, (BATCH, 28, 28), np.uint8)
    timings: list[list[tuple[float, float]]] = [[] for _ in exported]
    for _ in trange(ROUNDS, desc="speed", disable=None):
        for turns, (_, classifier) in zip(timings, exported, strict=True):
            one = statistics.median(_seconds(classifier, images[:1]) for _ in range(SINGLE_RUNS))
            turns.append((one, _seconds(classifier, images)))
    for turns, (row, _) in zip(timings, exported, strict=True):
        one, many = map(statistics.median, zip(*turns, strict=True))
        row.milliseconds, row.images_per_second = 1000 * one, BATCH / many


def _seconds(classifier: "Classifier", images: "Pixels") -> float:
    started = time.perf_counter()
    classifier.logits(images)
    return time.perf_counter() - started


# ---------------------------------------------------------------------------------------------------------- layout

COLUMNS = (
    "export",
    "parameters",
    "MACs",
    "file",
    "test accuracy",
    "mean of seeds",
    "tutorial's recipe",
    "validation",
    "s/epoch",
    "ms/image",
    "images/s",
)


def _table(rows: list[Row]) -> str:
    lines = [_line(COLUMNS), _line(["---"] + ["---:"] * (len(COLUMNS) - 1))]
    lines += [_line(_cells(row)) for row in rows]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> list[str]:
    return [
        f"`{row.dataset}-{row.model}`",
        f"{row.parameters:,}",
        _millions(row.macs),
        _number(row.export_bytes and row.export_bytes / 1000, "{:,.0f} kB"),
        _number(row.test and 100 * row.test, "{:.2f} %"),
        _mean(row.ours) if len(row.ours) > 1 else "–",
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


def _millions(count: int) -> str:
    return f"{count / 1e6:,.2f} M"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Run the command with the arguments of the process."""
    cli()


if __name__ == "__main__":
    main()
