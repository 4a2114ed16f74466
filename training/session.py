"""The work behind ``python -m training.train``, with what it prints; apart from the command, which starts at once."""

from pathlib import Path

import torch
import typer

from training import charts
from training.checkpoint import Checkpoint
from training.config import Config
from training.console import INTERRUPTED
from training.distributed import is_first_process
from training.errors import ReplaceError
from training.find_lr import sweep_learning_rates
from training.publish.export import DEFAULT_OUTPUT_DIR, check_replaceable, output_path
from training.run import fit
from training.run_page import write_page


def suggest_learning_rate(config: Config, data_dir: Path, folder: Path, device: torch.device) -> None:
    """Sweep learning rates, draw the losses, and print a suggestion.

    Args:
        config: of the run that needs a rate.
        data_dir: torchvision's folder of data sets.
        folder: receives ``lr.png``.
        device: where to train.
    """
    sweep = sweep_learning_rates(config, data_dir, device)
    charts.save(charts.learning_rates(sweep.rates, sweep.losses, sweep.suggestion), folder / "lr.png")
    typer.echo(
        f"{config.name}: the loss is lowest at a learning rate of {sweep.lowest_loss:.2g}; "
        f"a tenth of it is a good rate to start with\n{folder / 'lr.png'}\nNext: train with --lr {sweep.suggestion:.2g}"
    )


def train(
    config: Config,
    data_dir: Path,
    folder: Path,
    device: torch.device,
    *,
    resume: bool,
    overwrite: bool,
    tensorboard: bool,
    report: bool,
) -> None:
    """Train, and print the result and the next command.

    Args:
        config: all that decides the weights.
        data_dir: torchvision's folder of data sets.
        folder: of the run.
        device: where to train.
        resume: whether to go on with a stopped run.
        overwrite: whether to replace an earlier run.
        tensorboard: whether to write TensorBoard's event files too.
        report: whether to write ``report.html`` at the end.

    Raises:
        typer.Exit: the run was stopped.
    """
    try:
        best = fit(config, data_dir, folder, device, resume=resume, overwrite=overwrite, tensorboard=tensorboard)
    except KeyboardInterrupt:
        last = folder / "last.pt"
        saved = f"{last} holds every step; the same command with --resume goes on from there."
        fresh = "No step was finished yet; the same command begins again."
        typer.echo(f"Stopped. {saved if last.exists() else fresh}", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if is_first_process():
        _print_result(config, best)
        if report:
            typer.echo(str(write_page(folder / "best.pt", data_dir)))
        _print_next(best, folder / "best.pt")


def _print_result(config: Config, best: Checkpoint) -> None:
    metrics = best.metrics
    typer.echo(
        f"{config.name}: test accuracy {metrics['test_accuracy']:.2%} with epoch {metrics['epoch']:.0f}, "
        f"the best on validation ({metrics['validation_accuracy']:.2%})\n"
        f"{metrics['images_per_second']:,.0f} images/s on {best.versions['device']}"
    )


def _print_next(best: Checkpoint, path: Path) -> None:
    command = f"{path}\nNext: python -m training.export {path}"
    try:
        check_replaceable(output_path(best, DEFAULT_OUTPUT_DIR), best)
        typer.echo(command)
    except ReplaceError as error:
        typer.echo(f"{command} --output-dir mine\n{error}")
