"""``python -m training.train``: train one network on one data set."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from inkwear.onnx.session import Device
from training.console import DEFAULT_DATA_DIR, DataDir, exit_codes_for_errors, find_device
from training.datasets import VALIDATION_SIZE
from training.recipes import EXTRA_SHARE, RecipeName, current_arguments

Files = list[Path] | None

cli = typer.Typer(add_completion=False)


@cli.command()
def train(
    dataset: Annotated[str, typer.Option(help="mnist or fashion_mnist.")],
    model: Annotated[str, typer.Option(help="A network of models/, such as lenet or resnet.")],
    recipe: Annotated[
        RecipeName, typer.Option(help="The tutorial's, one quick epoch, or for real pictures.")
    ] = "default",
    epochs: Annotated[float | None, typer.Option(min=0.01, help="Instead of the recipe's; may be 0.5.")] = None,
    lr: Annotated[float | None, typer.Option(min=1e-9, help="Instead of the recipe's; its peak if it varies.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    extra_images: Annotated[Files, typer.Option(help="A file of training.simulate or training.photos.")] = None,
    start_from: Annotated[Path | None, typer.Option(help="A checkpoint or an export with the first weights.")] = None,
    extra_data: Annotated[Files, typer.Option(help="Corrections: the folder of app --corrections, or its ZIP.")] = None,
    extra_share: Annotated[float, typer.Option(min=0.001, max=0.5, help="Corrections in an epoch.")] = EXTRA_SHARE,
    teacher: Annotated[Path | None, typer.Option(help="A checkpoint or an export to learn from as well.")] = None,
    cutmix: Annotated[float | None, typer.Option(min=0, max=1, help="Share of images with a part of another.")] = None,
    strength: Annotated[float | None, typer.Option(min=0, max=1, help="How far images are changed at random.")] = None,
    validation_size: Annotated[
        int, typer.Option(min=100, max=VALIDATION_SIZE, help="Training images that are held out to choose by.")
    ] = VALIDATION_SIZE,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    device: Annotated[Device, typer.Option(help="auto takes CUDA where it is.")] = "auto",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    checkpoints: Annotated[Path, typer.Option(help="Holds the run's folder.")] = Path("models/checkpoints"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier run of this name.")] = False,
    find_lr: Annotated[bool, typer.Option("--find-lr", help="Try rates and suggest one; no training.")] = False,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write its event files too.")] = False,
    report: Annotated[bool, typer.Option(help="At the end, write report.html.")] = True,
) -> None:
    """Train a network, keep its best epoch by validation, and read the test set once at the end."""
    from training import config, session  # torch: 3 s that --help need not wait for

    with exit_codes_for_errors():
        place = find_device(device)
        run = config.Config.of(
            dataset,
            model,
            recipe,
            **{"epochs": epochs, "lr": lr, "batch_size": batch_size, "cutmix": cutmix, "strength": strength},
            extra_images=extra_images or (),
            start_from=start_from,
            extra_data=extra_data or (),
            extra_share=extra_share,
            teacher=teacher,
            validation_size=validation_size,
            seed=seed,
        ).on(place)
        folder = checkpoints / run.name
        if find_lr:
            session.suggest_learning_rate(run, data_dir, folder, place)
        else:
            flags = {"resume": resume, "overwrite": overwrite, "tensorboard": tensorboard, "report": report}
            session.train(run, data_dir, folder, place, **flags)


def main() -> None:
    """Run the command with the arguments of the process, and exit without freeing the objects of torch.

    Everything is written and closed by then, and freeing them one by one takes a second (mypy exits likewise).
    """
    try:
        cli(current_arguments(sys.argv[1:]))
    except SystemExit as end:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else bool(end.code))


if __name__ == "__main__":
    main()
