"""``python -m training.evaluate``: the test accuracy of checkpoints and exports, each by the code that uses it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import typer

from training.console import DEFAULT_DATA_DIR, DataDir, exit_codes_for_errors

cli = typer.Typer(add_completion=False)


@cli.command()
def evaluate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Checkpoints (.pt) and exports (.onnx).")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, on stdout.")] = False,
    real: Annotated[bool, typer.Option("--real", help="Simulate real pictures of the test images instead.")] = False,
    part: Annotated[
        Literal["test", "validation"], typer.Option(help="With --real: whose images; validation to choose by.")
    ] = "test",
    count: Annotated[int, typer.Option(min=1, help="With --real: pictures for each condition.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="With --real: of the simulation.")] = 0,
    condition: Annotated[list[str] | None, typer.Option(help="With --real: only this one; may be repeated.")] = None,
    photos: Annotated[
        Path | None, typer.Option(help="A folder of photographs (training.photos); reads those held out of training.")
    ] = None,
    trust: Annotated[bool, typer.Option("--trust", help="How far an export's confidence can be trusted.")] = False,
    views: Annotated[
        bool, typer.Option("--views", help="Average an export's answers to shifted and mirrored test images.")
    ] = False,
) -> None:
    """Measure test accuracy: a .pt through torch, an .onnx through the app's whole path from picture to answer."""
    with exit_codes_for_errors():
        for file in files:
            if trust:
                _say_trust(file, count, seed, data_dir, as_json)
                continue
            asked = (
                _views(file, data_dir)
                if views
                else _conditions(file, data_dir, real, count, seed, condition or [], photos, part)
            )
            for name, correct, images in asked:
                result = {"file": str(file), "images": images, "correct": correct, "accuracy": correct / images}
                text = f"{correct:,} of {images:,} right, {correct / images:.2%}  {file}  {name}".rstrip()
                typer.echo(json.dumps(result | {"condition": name}) if as_json else text)


def _say_trust(file: Path, count: int, seed: int, data_dir: Path, as_json: bool) -> None:
    from inkwear.classifier import Classifier
    from training.evaluate.reliability import trust

    for name, value in trust(Classifier(file, "cpu"), count, seed, data_dir):
        result = {"file": str(file), "measure": name, "value": value}
        typer.echo(json.dumps(result) if as_json else f"{value:.4f}  {name}  {file}")


def _views(file: Path, data_dir: Path) -> Iterator[tuple[str, int, int]]:
    from inkwear.classifier import Classifier
    from training.evaluate.tta import count_right

    yield "answers to all views averaged", *count_right(Classifier(file, "cpu"), data_dir)


def _conditions(
    file: Path,
    data_dir: Path,
    real: bool,
    count: int,
    seed: int,
    conditions: list[str],
    photos: Path | None,
    part: Literal["test", "validation"],
) -> Iterator[tuple[str, int, int]]:
    """Yield what is asked for: a condition's name, how many are right, how many there are."""
    if not (real or photos):
        result = evaluate_file(file, data_dir)
        yield "", int(result["correct"]), int(result["images"])
        return
    from inkwear.classifier import Classifier
    from training.evaluate.robustness import photographed, simulated

    if file.suffix != ".onnx":
        raise ValueError(f"{file}: --real and --photos go the app's whole way, for which an export (.onnx) is needed.")
    classifier = Classifier(file, "cpu")
    if real:
        yield from simulated(classifier, count, seed, data_dir, conditions, part)
    if photos:
        yield from photographed(classifier, photos)


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
    from training.loop import evaluate as score
    from training.publish.export import rebuild

    checkpoint = load_checkpoint(file)
    test = load_split(find_dataset(checkpoint.config["dataset"]), "test", data_dir)
    return round(score(rebuild(checkpoint), test).accuracy * len(test.labels)), len(test.labels)


def _export(file: Path, data_dir: Path) -> tuple[int, int]:
    import numpy as np
    from PIL import Image

    from inkwear.classifier import Classifier
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
