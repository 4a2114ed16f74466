"""``python -m training.train_line_reader``: train the reader of whole lines, for digits that touch."""

from pathlib import Path
from typing import Annotated

import typer

from training.console import DEFAULT_DATA_DIR, DataDir, exit_codes_for_errors
from training.datasets import find_dataset
from training.simulated_recipe import SimulatedRecipe

cli = typer.Typer(add_completion=False)


@cli.command()
def lines(
    output: Annotated[Path, typer.Option(help="The ONNX file.")] = Path("exports/lines.onnx"),
    dataset: Annotated[str, typer.Option(help="One of digits: mnist.")] = "mnist",
    count: Annotated[int, typer.Option(min=1, help="Lines to learn from.")] = 560_000,
    digits: Annotated[int, typer.Option(min=100, help="Images whose fields are kept.")] = 24_000,
    batch_size: Annotated[int, typer.Option(min=1)] = 48,
    lr: Annotated[float, typer.Option(help="Highest learning rate.")] = 0.002,
    decay: Annotated[int, typer.Option(min=1, help="Last lines, over which the learning rate falls.")] = 150_000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    checkpoint: Annotated[Path, typer.Option(help="Written after each round, and gone on from if it is there.")] = Path(
        "models/checkpoints/lines.pt"
    ),
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Simulate lines of training images, train the reader on them, and export it."""
    # torch takes 3 s, for which neither --help nor the processes that simulate need wait
    from training.line_reader import export_line_reader, train_line_reader

    with exit_codes_for_errors():
        if find_dataset(dataset).input.stroke is None:
            raise ValueError(f"{dataset} has no strokes that could touch; mnist has.")
        recipe = SimulatedRecipe(count, digits, batch_size, lr, decay=decay, seed=seed)
        model, loss = train_line_reader(dataset, recipe, data_dir, checkpoint)
        export_line_reader(model, output, dataset, recipe)
        typer.echo(f"{output}  {output.stat().st_size / 1000:.0f} kB  loss a character {loss:.4f}")


if __name__ == "__main__":
    cli()
