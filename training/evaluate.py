"""``python -m training.evaluate``: the test accuracy of checkpoints and exports, each by the code that uses it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from training.console import DEFAULT_DATA_DIR, DataDir, sentences_and_exit_codes

cli = typer.Typer(add_completion=False)


@cli.command()
def evaluate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Checkpoints (.pt) and exports (.onnx).")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, on stdout.")] = False,
) -> None:
    """Measure test accuracy: a .pt through torch, an .onnx through the app's whole path from picture to answer."""
    with sentences_and_exit_codes():
        for file in files:
            result = {"file": str(file), **evaluate_file(file, data_dir)}
            text = f"{result['correct']:,} of {result['images']:,} right, {result['accuracy']:.2%}  {file}"
            typer.echo(json.dumps(result) if as_json else text)


def evaluate_file(file: Path, data_dir: Path) -> dict[str, float]:
    """Return ``images``, ``correct`` and ``accuracy`` of one file on its test set.

    Raises:
        ValueError: neither a .pt nor an .onnx file.
        CheckpointError, ModelFileError: the file cannot be used.
        DataError: the test set is missing or damaged.
    """
    if file.suffix not in (".pt", ".onnx"):
        raise ValueError(f"{file}: a checkpoint (.pt) or an export (.onnx) is needed.")
    correct, images = _checkpoint(file, data_dir) if file.suffix == ".pt" else _export(file, data_dir)
    return {"images": images, "correct": correct, "accuracy": correct / images}


def _checkpoint(file: Path, data_dir: Path) -> tuple[int, int]:
    from training.checkpoint import load_checkpoint
    from training.datasets import find_dataset, load_split
    from training.export import rebuild
    from training.loop import evaluate as score

    checkpoint = load_checkpoint(file)
    test = load_split(find_dataset(checkpoint.config["dataset"]), "test", data_dir)
    return round(score(rebuild(checkpoint), test).accuracy * len(test.labels)), len(test.labels)


def _export(file: Path, data_dir: Path) -> tuple[int, int]:
    import numpy as np
    from PIL import Image

    from app.classifier import Classifier
    from training.datasets import find_dataset, load_pixels

    classifier = Classifier(file, "cpu")
    pixels, labels = load_pixels(find_dataset(classifier.metadata.dataset), "test", data_dir)
    predictions = classifier.predict([Image.fromarray(image) for image in pixels])
    right = [prediction.class_id == label for prediction, label in zip(predictions, labels, strict=True)]
    return int(np.sum(right)), len(labels)


def main() -> None:
    """Run the command with the arguments of the process."""
    cli()


if __name__ == "__main__":
    main()
