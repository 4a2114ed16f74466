"""``python -m training.publish.export_report``: the reports beside exports, for a network's card on the page.

Confusions and confidence are those of the exported file on the test set, through ONNX Runtime. They are published;
nothing is chosen by them. ``training.export`` writes the same report with every new file.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from inkwear.classifier import Classifier, softmax
from inkwear.files import file_digest, write_text
from inkwear.onnx.metadata import ModelMetadata
from inkwear.report import Report, report_path
from training.analysis import Answers, calibration, confusion_counts
from training.console import DEFAULT_DATA_DIR, DataDir, exit_codes_for_errors, models_among
from training.datasets import find_dataset, load_pixels
from training.errors import CheckpointError
from training.inference import logits_in_batches
from training.recipes import current_config

if TYPE_CHECKING:
    from training.checkpoint import Checkpoint

CURVES = ("epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "lr", "seconds")
"""Measures of an epoch that a report contains."""

DIGITS = 5
"""Significant digits of those measures."""

cli = typer.Typer(add_completion=False)


@cli.command()
def report(
    exports: Annotated[list[Path], typer.Argument(metavar="EXPORT…", help="Files that training.export wrote.")],
    checkpoints: Annotated[Path, typer.Option(help="The folder of the runs' folders.")] = Path("models/checkpoints"),
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Write reports/<name>.json beside each export: its layers, curves, confusions and confidence."""
    with exit_codes_for_errors():
        for export in models_among(exports):
            typer.echo(str(write_report(export, find_checkpoint(export, checkpoints), data_dir)))


def write_report(export: Path, checkpoint: "Checkpoint", data_dir: Path) -> Path:
    """Write the report of an export and return its path.

    Args:
        export: the file.
        checkpoint: what it was made from.
        data_dir: torchvision's folder of data sets.
    """
    from training.publish.layers import list_layers  # torch: 3 s that --help need not wait for

    classifier = Classifier(export, "cpu")
    metadata = classifier.metadata
    answers = answer_test_set(classifier, data_dir)
    report = Report(
        sha256=file_digest(export),
        layers=list_layers(metadata.architecture, len(metadata.class_names), metadata.input.size),
        curves=tuple(_rounded({name: epoch[name] for name in CURVES if name in epoch}) for epoch in checkpoint.history),
        confusion=tuple(tuple(map(int, row)) for row in confusion_counts(answers)),
        confidence=_rounded(measure_confidence(answers, metadata.reject_threshold)),
    )
    output = report_path(export)
    write_text(output, report.to_json())
    return output


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.{DIGITS}g}") for name, value in values.items()}


def answer_test_set(classifier: Classifier, data_dir: Path) -> Answers:
    """Let an export classify its test set, with the probabilities that users see."""
    metadata = classifier.metadata
    pixels, labels = load_pixels(find_dataset(metadata.dataset), "test", data_dir)
    probabilities = softmax(logits_in_batches(classifier, pixels), metadata.temperature)
    return Answers(pixels, labels.astype(np.int64), probabilities.astype(np.float64), metadata.class_names)


def measure_confidence(answers: Answers, threshold: float) -> dict[str, float]:
    """Measure how far confidence can be trusted, where answers below ``threshold`` count as "not sure"."""
    sure = answers.confidence >= threshold
    right = answers.predictions == answers.labels
    measured = {"calibration_error": calibration(answers).error, "unsure": float((~sure).mean())}
    return measured | ({"accuracy_when_sure": float(right[sure].mean())} if sure.any() else {})


def find_checkpoint(export: Path, folder: Path) -> "Checkpoint":
    """Return the checkpoint that an export was made from: with its options, epoch and validation accuracy.

    Raises:
        CheckpointError: no run of ``folder`` is the one.
    """
    from training.checkpoint import load_checkpoint  # torch: 3 s that --help need not wait for

    metadata = Classifier(export, "cpu").metadata
    for path in sorted(folder.glob(f"{metadata.dataset}-{metadata.architecture}*/best.pt")):
        checkpoint = load_checkpoint(path)
        if _is_source(checkpoint, metadata):
            return checkpoint
    raise CheckpointError(
        f"{export}: none of the runs under {folder} is the one it was made from. Name their folder with --checkpoints, "
        f"or train it again: {metadata.recipe.get('command', 'its recipe names no command')}"
    )


def _is_source(checkpoint: "Checkpoint", metadata: ModelMetadata) -> bool:
    recipe = current_config(metadata.recipe)
    options = json.loads(json.dumps(checkpoint.config))
    return (
        {name: recipe.get(name) for name in options} == options
        and recipe.get("best_epoch") == checkpoint.metrics.get("epoch")
        and metadata.metrics.get("validation_accuracy") == checkpoint.metrics.get("validation_accuracy")
    )


if __name__ == "__main__":
    cli()
