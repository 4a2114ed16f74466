"""``python -m training.run_report``: one offline page about one run, with all its pictures inside.

It looks at the 5,000 validation images, which the network has not learned from. The test set is not looked at, for what
is looked at is soon tuned for; its one number stands at the top.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from training.console import DEFAULT_DATA_DIR, DataDir, exit_codes_for_errors

if TYPE_CHECKING:
    from torch import nn

    from training.analysis import Answers
    from training.checkpoint import Checkpoint

TEMPLATE = Path(__file__).with_name("run_report.html")

PAIRS, IMAGES_A_PAIR, WORST, SUSPECTS, FILTERS = 6, 8, 24, 24, 96
"""How many of each are shown."""

cli = typer.Typer(add_completion=False)


@cli.command()
def report(
    checkpoints: Annotated[list[Path], typer.Argument(metavar="CHECKPOINT…", help="best.pt of one or more runs.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Write report.html beside each checkpoint."""
    with exit_codes_for_errors():
        for checkpoint in checkpoints:
            typer.echo(str(write_report(checkpoint, data_dir)))


def write_report(path: Path, data_dir: Path) -> Path:
    """Write ``report.html`` beside a checkpoint and return its path.

    Raises:
        CheckpointError: the checkpoint is missing or damaged.
        DataError: the validation images are missing or damaged.
    """
    from jinja2 import Environment, select_autoescape

    from inkwear.files import write_text
    from training.checkpoint import load_checkpoint
    from training.publish.export import rebuild

    checkpoint = load_checkpoint(path)
    model = rebuild(checkpoint)
    answers = ask(model, checkpoint, data_dir)
    page = Environment(autoescape=select_autoescape(default=True), trim_blocks=True, lstrip_blocks=True).from_string(
        TEMPLATE.read_text(encoding="utf-8")
    )
    output = path.with_name("run_report.html")
    write_text(output, page.render(contents(checkpoint, model, answers)))
    return output


def ask(model: "nn.Module", checkpoint: "Checkpoint", data_dir: Path) -> "Answers":
    """Let a model answer the validation images of its data set."""
    from training.analysis import Answers
    from training.datasets import VALIDATION_SIZE, find_dataset, load_pixels, load_split
    from training.loop import predict_logits

    dataset = find_dataset(checkpoint.config["dataset"], checkpoint.config.get("held_out", VALIDATION_SIZE))
    pixels, labels = load_pixels(dataset, "validation", data_dir)
    images = load_split(dataset, "validation", data_dir).images
    logits = predict_logits(model, images, bfloat16=checkpoint.config["bfloat16"])
    return Answers(pixels, labels.astype("int64"), logits.double().softmax(dim=1).numpy(), dataset.class_names)


def contents(checkpoint: "Checkpoint", model: "nn.Module", answers: "Answers") -> dict[str, Any]:
    """Gather what the page shows."""
    from training import analysis, charts

    calibration = analysis.calibration(answers)

    def cards(chosen: Any) -> list[dict[str, Any]]:
        return [_card(answers, int(index)) for index in chosen]

    return {
        "config": checkpoint.config,
        "metrics": checkpoint.metrics,
        "history": checkpoint.history,
        "versions": checkpoint.versions,
        "parameters": sum(weights.numel() for weights in model.parameters()),
        "images": len(answers.labels),
        "curves": charts.as_svg(charts.curves(checkpoint.history)),
        "confusion": charts.as_svg(charts.confusion(analysis.confusion_counts(answers), answers.class_names)),
        "reliability": charts.as_svg(
            charts.reliability(calibration.confidence, calibration.accuracy, calibration.share)
        ),
        "calibration_error": calibration.error,
        "classes": analysis.class_scores(answers),
        "pairs": [
            {"names": pair.names, "count": len(pair.images), "cards": cards(pair.images[:IMAGES_A_PAIR])}
            for pair in analysis.confused_pairs(answers, PAIRS)
        ],
        "mistakes": len(answers.mistakes),
        "worst": cards(answers.mistakes[:WORST]),
        "suspects": cards(analysis.suspected_labels(answers)[:SUSPECTS]),
        "filters": charts.as_svg(charts.filters(analysis.first_layer(model)[:FILTERS])),
    }


def _card(answers: "Answers", index: int) -> dict[str, Any]:
    from training import charts

    return {
        "picture": charts.as_png(answers.pixels[index]),
        "number": index,
        "label": answers.class_names[answers.labels[index]],
        "read": answers.class_names[answers.predictions[index]],
        "confidence": float(answers.confidence[index]),
    }


def main() -> None:
    """Run the command with the arguments of the process."""
    cli()


if __name__ == "__main__":
    main()
