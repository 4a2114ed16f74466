"""``python -m training.train_ink_finder``: train the finder of ink, which tells ink from paper, print and shadows."""

from pathlib import Path
from typing import Annotated

import typer

from training.console import DEFAULT_DATA_DIR, DataDir, exit_codes_for_errors
from training.datasets import find_dataset
from training.simulated_recipe import SimulatedRecipe

cli = typer.Typer(add_completion=False)


@cli.command()
def finder(
    output: Annotated[Path, typer.Option(help="The ONNX file.")] = Path("inkwear/preprocess/finder.onnx"),
    dataset: Annotated[str, typer.Option(help="One of digits: mnist.")] = "mnist",
    count: Annotated[int, typer.Option(min=1, help="Pictures to learn from.")] = 390_000,
    digits: Annotated[int, typer.Option(min=100, help="Images whose fields are kept.")] = 12_000,
    batch_size: Annotated[int, typer.Option(min=1)] = 16,
    lr: Annotated[float, typer.Option(help="Highest learning rate.")] = 0.003,
    decay: Annotated[int, typer.Option(min=1, help="Last pictures, over which the learning rate falls.")] = 40_000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    checkpoint: Annotated[Path, typer.Option(help="Written after each round, and gone on from if it is there.")] = Path(
        "models/checkpoints/finder.pt"
    ),
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Simulate pictures with training images, train the finder on them, and export it."""
    # torch takes 3 s, for which neither --help nor the processes that simulate need wait
    from training.ink_finder import export_ink_finder, train_ink_finder

    with exit_codes_for_errors():
        if find_dataset(dataset).input.stroke is None:
            raise ValueError(f"{dataset} is not written with a pen; mnist is.")
        recipe = SimulatedRecipe(count, digits, batch_size, lr, decay=decay, seed=seed)
        model = train_ink_finder(dataset, recipe, data_dir, checkpoint)
        export_ink_finder(model, output, dataset, recipe)
        typer.echo(f"{output}  {output.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    cli()
