"""``python -m training.publish.export_report``: the reports beside exports, for the card of a network on the page.

Confusions and confidence are those of the file itself on the test set, through ONNX Runtime: for publishing, nothing is
chosen by them. ``training.publish.export`` writes the same report with every new file.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from training.console import DEFAULT_DATA_DIR, DataDir, exit_codes_for_errors

if TYPE_CHECKING:
    from torch import fx, nn

    from inkwear.classifier import Classifier
    from inkwear.onnx.metadata import ModelMetadata
    from inkwear.report import Layer
    from training.analysis import Answers
    from training.checkpoint import Checkpoint

CURVES = ("epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "lr", "seconds")
"""What a report tells of an epoch."""

DIGITS = 5
"""Significant ones of those numbers."""

cli = typer.Typer(add_completion=False)


@cli.command()
def card(
    exports: Annotated[list[Path], typer.Argument(metavar="EXPORT…", help="Files that training.publish.export wrote.")],
    checkpoints: Annotated[Path, typer.Option(help="The folder of the runs' folders.")] = Path("models/checkpoints"),
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Write reports/<name>.json beside each export: its layers, curves, confusions and confidence."""
    with exit_codes_for_errors():
        for export in exports:
            typer.echo(str(write_report(export, find_checkpoint(export, checkpoints), data_dir)))


def write_report(export: Path, checkpoint: "Checkpoint", data_dir: Path) -> Path:
    """Write the report of an export that was made from ``checkpoint``, and return its path.

    Raises:
        ModelFileError: the export cannot be opened.
        DataError: the test set is missing or damaged.
    """
    from inkwear.classifier import Classifier
    from inkwear.files import file_digest, write_text
    from inkwear.report import Report, report_path
    from training.analysis import confusion_counts

    classifier = Classifier(export, "cpu")
    metadata = classifier.metadata
    answers = answer_test_set(classifier, data_dir)
    report = Report(
        sha256=file_digest(export),
        layers=layers(metadata.architecture, len(metadata.class_names)),
        curves=tuple(_rounded(epoch) for epoch in checkpoint.history),
        confusion=tuple(tuple(map(int, row)) for row in confusion_counts(answers)),
        confidence=_rounded_all(confidence(answers, metadata.reject_threshold)),
    )
    output = report_path(export)
    write_text(output, report.to_json())
    return output


def _rounded(epoch: dict[str, float]) -> dict[str, float]:
    return _rounded_all({name: epoch[name] for name in CURVES if name in epoch})


def _rounded_all(values: dict[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.{DIGITS}g}") for name, value in values.items()}


def answer_test_set(classifier: "Classifier", data_dir: Path) -> "Answers":
    """Let an export answer its whole test set, with the probabilities that a user is told.

    Raises:
        DataError: the test set is missing or damaged.
    """
    import numpy as np

    from inkwear.classifier import softmax
    from training.analysis import Answers
    from training.datasets import find_dataset, load_pixels
    from training.publish.parity import run_in_parts

    metadata = classifier.metadata
    pixels, labels = load_pixels(find_dataset(metadata.dataset), "test", data_dir)
    probabilities = np.array([softmax(logits, metadata.temperature) for logits in run_in_parts(classifier, pixels)])
    return Answers(pixels, labels.astype(np.int64), probabilities, metadata.class_names)


def confidence(answers: "Answers", threshold: float) -> dict[str, float]:
    """Measure how far the confidence of answers can be trusted, where those below ``threshold`` are "not sure"."""
    from training.analysis import calibration

    sure = answers.confidence >= threshold
    right = answers.predictions == answers.labels
    measured = {"calibration_error": calibration(answers).error, "unsure": float((~sure).mean())}
    return measured | ({"accuracy_when_sure": float(right[sure].mean())} if sure.any() else {})


# ------------------------------------------------------------------------------------------------ which run made it


def find_checkpoint(export: Path, folder: Path) -> "Checkpoint":
    """Return the checkpoint that an export was made from: of the same options and epoch, as accurate on validation.

    Raises:
        ModelFileError: the export cannot be opened.
        CheckpointError: none of ``folder`` is it.
    """
    from inkwear.classifier import Classifier
    from training.checkpoint import CheckpointError, load_checkpoint

    metadata = Classifier(export, "cpu").metadata
    for path in sorted(folder.glob(f"{metadata.dataset}-{metadata.architecture}*/best.pt")):
        checkpoint = load_checkpoint(path)
        if _made(checkpoint, metadata):
            return checkpoint
    raise CheckpointError(
        f"{export}: none of the runs under {folder} is the one it was made from. Name their folder with --checkpoints, "
        f"or train it again: {metadata.recipe.get('command', 'its recipe names no command')}"
    )


def _made(checkpoint: "Checkpoint", metadata: "ModelMetadata") -> bool:
    """Whether the metadata of an export tells what a checkpoint tells."""
    told: dict[str, Any] = dict(metadata.recipe)
    options = json.loads(json.dumps(checkpoint.config))
    return (
        {name: told.get(name) for name in options} == options
        and told.get("best_epoch") == checkpoint.metrics.get("epoch")
        and metadata.metrics.get("validation_accuracy") == checkpoint.metrics.get("validation_accuracy")
    )


# ---------------------------------------------------------------------------------------------------------- layers


def layers(architecture: str, num_classes: int) -> "tuple[Layer, ...]":
    """Follow one 28×28 image through a network (``torch.fx``): every layer and function in the order of computing.

    Multiply-adds are torchinfo's, as in ``training.summary``. Nothing comes back of a network that decides by its
    images which way they go: that cannot be followed beforehand.
    """
    import torch
    from torch.fx import symbolic_trace
    from torch.fx.passes.shape_prop import ShapeProp
    from torch.fx.proxy import TraceError

    from training.summary import summarize

    summary = summarize(architecture, num_classes).summary_list
    macs = {id(row.module): int(row.macs) for row in summary}
    network = summary[0].module.eval()
    try:
        traced = symbolic_trace(network)
    except TraceError:
        return ()
    ShapeProp(traced).propagate(torch.zeros(1, 1, 28, 28))
    modules = dict(network.named_modules())
    return tuple(_layer(node, modules, macs) for node in traced.graph.nodes if node.op != "output")


def _layer(node: "fx.Node", modules: "dict[str, nn.Module]", macs: dict[int, int]) -> "Layer":
    from inkwear.report import Layer

    module = modules[str(node.target)] if node.op == "call_module" else None
    return Layer(
        name=_name(node),
        kind=_kind(node, module),
        detail=_detail(module) if module else "",
        shape=tuple(node.meta["tensor_meta"].shape[1:]),
        parameters=sum(weights.numel() for weights in module.parameters()) if module else 0,
        macs=macs.get(id(module), 0) if module else 0,
        inputs=tuple(_name(read) for read in node.all_input_nodes),
    )


def _kind(node: "fx.Node", module: "nn.Module | None") -> str:
    if node.op == "placeholder":
        return "input"
    return type(module).__name__ if module else str(getattr(node.target, "__name__", node.target))


def _name(node: "fx.Node") -> str:
    return str(node.target) if node.op == "call_module" else node.name


def _detail(module: "nn.Module") -> str:
    """Size and stride of a window, where there is one that moves."""
    size, stride = _side(getattr(module, "kernel_size", None)), _side(getattr(module, "stride", None))
    return f"{size}×{size}" + (f", stride {stride}" if stride and stride > 1 else "") if size else ""


def _side(value: Any) -> int | None:
    return value[0] if isinstance(value, tuple) else value


def main() -> None:
    """Run the command with the arguments of the process."""
    cli()


if __name__ == "__main__":
    main()
