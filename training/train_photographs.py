"""``python -m training.train_photographs``: train a network that reads whole photographs of clothing."""

from pathlib import Path
from typing import Annotated

import typer

from training.console import DEFAULT_DATA_DIR, DataDir, exit_codes_for_errors
from training.photograph_recipe import PhotographRecipe
from training.photographs import load_photographs

cli = typer.Typer(add_completion=False)


@cli.command()
def photographs(
    folder: Annotated[Path, typer.Argument(help="A copy of github.com/alexeygrigorev/clothing-dataset.")],
    output: Annotated[Path, typer.Option(help="The ONNX file.")] = Path(
        "exports/fashion_mnist-efficientnet_lite0.onnx"
    ),
    weights: Annotated[
        Path | None, typer.Option(help="Published weights of EfficientNet-Lite0; without them it begins anew.")
    ] = None,
    start_from: Annotated[
        Path | None, typer.Option(help="The best.pt of an earlier run, whose weights it begins with.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1)] = 40,
    size: Annotated[int, typer.Option(min=32, help="Pixels of a side, a multiple of 32.")] = 160,
    lr: Annotated[float, typer.Option(help="Highest learning rate.")] = 0.0005,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    checkpoints: Annotated[Path, typer.Option(help="Folder of the run, which goes on from it.")] = Path(
        "models/checkpoints/fashion_mnist-efficientnet_lite0-photographs"
    ),
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Train EfficientNet-Lite0 on photographs, and on Fashion-MNIST's images pasted on backgrounds."""
    # torch takes 3 s, for which --help need not wait
    from training.publish.photograph_export import train_and_export

    with exit_codes_for_errors():
        recipe = PhotographRecipe(epochs=epochs, size=size, lr=lr, seed=seed)
        metadata = train_and_export(
            recipe, load_photographs(folder), data_dir, checkpoints, weights, start_from, output
        )
        right, size = metadata.metrics["validation_accuracy"], output.stat().st_size
        typer.echo(f"{output}  {size / 1000:,.0f} kB  {100 * right:.1f} % of the photographs of held-out senders")


if __name__ == "__main__":
    cli()
