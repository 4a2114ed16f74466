"""``python -m training.evaluate``: the test accuracy of checkpoints and exports, each by the code that uses it."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from inkwear.classifier import Classifier
from training.console import DEFAULT_DATA_DIR, DataDir, exit_codes_for_errors, models_among
from training.evaluate import Result

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
        Path | None,
        typer.Option(help="A copy of alexeygrigorev/clothing-dataset; reads those of held-out senders."),
    ] = None,
    trust: Annotated[bool, typer.Option("--trust", help="How far an export's confidence can be trusted.")] = False,
    views: Annotated[
        bool, typer.Option("--views", help="Average an export's answers to shifted and mirrored test images.")
    ] = False,
) -> None:
    """Measure test accuracy: a .pt through torch, an .onnx through the app's whole path from picture to answer."""
    from training.evaluate import reliability, robustness, testset, tta  # torch: 3 s not needed for --help

    with exit_codes_for_errors():
        for file in models_among(files):
            if trust:
                for name, value in reliability.measure(_open(file), count, seed, data_dir):
                    result = {"file": str(file), "measure": name, "value": value}
                    typer.echo(json.dumps(result) if as_json else f"{value:.4f}  {name}  {file}")
            elif views:
                _print(file, [tta.evaluate_views(_open(file), data_dir)], as_json)
            elif real or photos:
                if real:
                    pictures = robustness.simulated(_open(file), count, seed, data_dir, condition or (), part)
                    _print(file, pictures, as_json)
                if photos:
                    _print(file, robustness.photographed(_open(file), photos), as_json)
            else:
                _print(file, [testset.evaluate_file(file, data_dir)], as_json)


def _open(file: Path) -> Classifier:
    if file.suffix != ".onnx":
        raise ValueError(f"{file}: --real, --photos, --trust and --views need an export (.onnx).")
    return Classifier(file, "cpu")


def _print(file: Path, results: Iterable[Result], as_json: bool) -> None:
    for result in results:
        if as_json:
            typer.echo(json.dumps({"file": str(file), "accuracy": result.accuracy, **asdict(result)}))
            continue
        text = f"{result.correct:,} of {result.images:,} right, {result.accuracy:.2%}"
        sure = "" if result.wrong_with_ok is None else f", {result.wrong_with_ok:,} wrong with ok"
        typer.echo(f"{text}{sure}  {file}  {result.condition}".rstrip())


if __name__ == "__main__":
    cli()
