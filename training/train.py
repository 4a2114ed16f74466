"""``python -m training.train``: train one network on one data set."""

from pathlib import Path
from typing import Annotated

import typer

from training.console import DEFAULT_DATA_DIR, INTERRUPTED, DataDir, Device, find_device, sentences_and_exit_codes

cli = typer.Typer(add_completion=False)


@cli.command()
def train(
    dataset: Annotated[str, typer.Option(help="mnist or fashion_mnist.")],
    model: Annotated[str, typer.Option(help="A network of models/, such as lenet or convnet.")],
    epochs: Annotated[int, typer.Option(min=1)] = 30,
    lr: Annotated[float, typer.Option(help="The highest learning rate of the cycle.", min=1e-9)] = 0.003,
    batch_size: Annotated[int, typer.Option(min=1)] = 128,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    device: Annotated[Device, typer.Option(help="auto takes CUDA where it is.")] = "auto",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    checkpoints: Annotated[Path, typer.Option(help="The run's folder is made in here.")] = Path("models/checkpoints"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Throw an earlier run of this name away.")] = False,
) -> None:
    """Train a network, keep its best epoch by validation, and read the test set once at the end."""
    with sentences_and_exit_codes():
        from training.run import RUN_FILES, Config, fit

        config = Config(dataset, model, epochs, lr, batch_size, seed)
        folder = checkpoints / config.name
        if overwrite and not resume:
            for name in RUN_FILES:
                (folder / name).unlink(missing_ok=True)
        try:
            metrics = fit(config, data_dir, folder, find_device(device), resume=resume)
        except KeyboardInterrupt:
            typer.echo(f"Stopped. {_how_to_go_on(folder)}", err=True)
            raise typer.Exit(INTERRUPTED) from None
        typer.echo(
            f"{config.name}: test accuracy {metrics['test_accuracy']:.2%} with epoch {metrics['epoch']:.0f}, "
            f"the best on validation ({metrics['validation_accuracy']:.2%})\n"
            f"{folder / 'best.pt'}\nNext: python -m training.export {folder / 'best.pt'}"
        )


def _how_to_go_on(folder: Path) -> str:
    if (folder / "last.pt").exists():
        return f"{folder / 'last.pt'} holds the last whole epoch; the same command with --resume goes on from there."
    return "No epoch was finished yet; the same command begins again."


def main() -> None:
    """Run the command with the arguments of the process."""
    cli()


if __name__ == "__main__":
    main()
