"""``python -m training.summary``: a network layer by layer."""

from typing import TYPE_CHECKING, Annotated

import typer

from training.console import exit_codes_for_errors

if TYPE_CHECKING:
    from torchinfo import ModelStatistics

cli = typer.Typer(add_completion=False)


@cli.command()
def summary(model: Annotated[str, typer.Option(help="A network of models/, such as lenet or alexnet.")]) -> None:
    """Print each layer's output shape, parameters and multiply-adds for one image."""
    with exit_codes_for_errors():
        typer.echo(str(summarize(model)))


def summarize(model: str, num_classes: int = 10, size: int | None = None) -> "ModelStatistics":
    """Measure a network on one image with torchinfo: ``total_params``, ``total_mult_adds``, and a table as its text.

    Args:
        model: its name.
        num_classes: of its answers.
        size: pixels of a side of the image; None takes what the network was made for.
    """
    import torchinfo  # with torch 3 s, for which --help need not wait

    from models import create_model, size_of

    network = create_model(model, num_classes)
    side = size or size_of(model)
    return torchinfo.summary(
        network,
        input_size=(1, 1, side, side),
        col_names=("output_size", "num_params", "mult_adds"),
        depth=4,
        device="cpu",
        verbose=0,
    )


if __name__ == "__main__":
    cli()
