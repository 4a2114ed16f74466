"""``python -m training.train``: train one network on one data set."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.console import DEFAULT_DATA_DIR, INTERRUPTED, DataDir, Device, exit_codes_for_errors, find_device
from training.recipes import EXTRA_SHARE, RecipeName

if TYPE_CHECKING:
    import torch

    from training.checkpoint import Checkpoint
    from training.run import Config

cli = typer.Typer(add_completion=False)


@cli.command()
def train(
    dataset: Annotated[str, typer.Option(help="mnist or fashion_mnist.")],
    model: Annotated[str, typer.Option(help="A network of models/, such as lenet or resnet.")],
    recipe: Annotated[
        RecipeName, typer.Option(help="Ours, the network's tutorial's, ours in one quick epoch, or for --also.")
    ] = "ours",
    epochs: Annotated[float | None, typer.Option(min=0.01, help="Instead of the recipe's; may be 0.5.")] = None,
    lr: Annotated[
        float | None, typer.Option(min=1e-9, help="Instead of the recipe's; its peak where it varies.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    also: Annotated[
        list[Path] | None, typer.Option(help="More training images: a file of training.simulate or training.photos.")
    ] = None,
    start_from: Annotated[
        Path | None, typer.Option(help="A checkpoint or an export to begin with, instead of fresh weights.")
    ] = None,
    extra_data: Annotated[
        list[Path] | None, typer.Option(help="Corrections: the folder of python -m app --corrections, or its ZIP.")
    ] = None,
    extra_share: Annotated[
        float, typer.Option(min=0.001, max=0.5, help="The share of an epoch's images that they shall make up.")
    ] = EXTRA_SHARE,
    teacher: Annotated[
        Path | None, typer.Option(help="A checkpoint or an export of another network, to learn from its answers too.")
    ] = None,
    mixing: Annotated[
        float | None, typer.Option(min=0, max=1, help="Instead of the recipe's: the share that gets a part of another.")
    ] = None,
    strength: Annotated[
        float | None, typer.Option(min=0, max=1, help="Instead of the recipe's: how far images are changed at random.")
    ] = None,
    held_out: Annotated[
        int | None, typer.Option(min=100, max=5000, help="Instead of 5,000 training images to choose by.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    device: Annotated[Device, typer.Option(help="auto takes CUDA where it is.")] = "auto",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    checkpoints: Annotated[Path, typer.Option(help="The run's folder is made in here.")] = Path("models/checkpoints"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier run of this name.")] = False,
    find_lr: Annotated[
        bool, typer.Option("--find-lr", help="Try rates, draw the losses, suggest one; no training.")
    ] = False,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write its event files too.")] = False,
    report: Annotated[bool, typer.Option(help="At the end, write report.html.")] = True,
) -> None:
    """Train a network, keep its best epoch by validation, and read the test set once at the end."""
    with exit_codes_for_errors():
        from training.datasets import VALIDATION_SIZE
        from training.distributed import is_first_process
        from training.run import Config, fit

        found = find_device(device)
        config = Config.of(
            dataset,
            model,
            recipe,
            seed,
            also or (),
            start_from,
            extra_data or (),
            extra_share,
            teacher,
            held_out or VALIDATION_SIZE,
            epochs=epochs,
            lr=lr,
            batch_size=batch_size,
            mixing=mixing,
            strength=strength,
        ).on(found)
        folder = checkpoints / config.name
        if find_lr:
            _find_lr(config, data_dir, folder, found)
            return
        try:
            best = fit(config, data_dir, folder, found, resume=resume, overwrite=overwrite, tensorboard=tensorboard)
        except KeyboardInterrupt:
            typer.echo(f"Stopped. {_how_to_go_on(folder)}", err=True)
            raise typer.Exit(INTERRUPTED) from None
        if is_first_process():
            _say_what_came_out(config, best, folder, data_dir, report)


def _find_lr(config: "Config", data_dir: Path, folder: Path, device: "torch.device") -> None:
    from training.find_lr import save_sweep, sweep_learning_rates

    sweep = sweep_learning_rates(config, data_dir, device)
    save_sweep(sweep, folder / "lr.png")
    typer.echo(
        f"{config.name}: the loss is lowest at a learning rate of {sweep.lowest_loss:.2g}; "
        f"a tenth of it is a good rate to start with\n{folder / 'lr.png'}\nNext: train with --lr {sweep.suggestion:.2g}"
    )


def _say_what_came_out(config: "Config", best: "Checkpoint", folder: Path, data_dir: Path, report: bool) -> None:
    from training.publish.export import DEFAULT_OUTPUT_DIR, ReplaceError, check_replaceable, output_path

    metrics = best.metrics
    typer.echo(
        f"{config.name}: test accuracy {metrics['test_accuracy']:.2%} with epoch {metrics['epoch']:.0f}, "
        f"the best on validation ({metrics['validation_accuracy']:.2%})\n"
        f"{metrics['images_per_second']:,.0f} images/s on {best.versions['device']}"
    )
    if report:
        from training.run_report import write_report

        typer.echo(str(write_report(folder / "best.pt", data_dir)))
    typer.echo(f"{folder / 'best.pt'}\nNext: python -m training.export {folder / 'best.pt'}")
    try:
        check_replaceable(output_path(best, DEFAULT_OUTPUT_DIR), best)
    except ReplaceError as error:
        typer.echo(str(error))


def _how_to_go_on(folder: Path) -> str:
    if (folder / "last.pt").exists():
        return f"{folder / 'last.pt'} holds every step; the same command with --resume goes on from there."
    return "No step was finished yet; the same command begins again."


def main() -> None:
    """Run the command with the arguments of the process, and leave without taking torch apart.

    Everything is written and closed by then; freeing torch's objects one by one takes a second (mypy ends likewise).
    """
    try:
        cli()
    except SystemExit as end:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else bool(end.code))


if __name__ == "__main__":
    main()
