"""What the commands of this room share: devices by name, and errors that end in a sentence and an exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    import torch

Device = Literal["auto", "cpu", "cuda"]

DataDir = Annotated[Path, typer.Option(help="torchvision's folder of data sets.", envvar="INKWEAR_DATA")]
DEFAULT_DATA_DIR = Path("data")

USAGE, NO_DEVICE, BROKEN_FILE, INTERRUPTED = 2, 3, 4, 130


class DeviceError(RuntimeError):
    """The device asked for is not there."""


def find_device(asked: Device) -> "torch.device":
    """Return the torch device for ``auto``, ``cpu`` or ``cuda``.

    Raises:
        DeviceError: ``cuda`` was asked for and torch finds none.
    """
    import torch

    if asked == "cuda" and not torch.cuda.is_available():
        raise DeviceError("--device cuda: torch finds no CUDA device here. Use --device auto or cpu.")
    return torch.device("cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu")


@contextmanager
def exit_codes_for_errors() -> Iterator[None]:
    """Turn the errors this room raises for users' mistakes into one line on stderr and the project's exit codes."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except (ValueError, RuntimeError) as error:
        code = _exit_code(error)
        if code is None:
            raise
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(code) from error


def _exit_code(error: Exception) -> int | None:
    """Return the code of an error that this room raises for users' mistakes, None of any other."""
    from inkwear.errors import ModelFileError
    from training.checkpoint import CheckpointError
    from training.datasets import DataError

    codes: dict[type[Exception], int] = {
        CheckpointError: BROKEN_FILE,
        ModelFileError: BROKEN_FILE,
        DeviceError: NO_DEVICE,
        DataError: USAGE,
        ValueError: USAGE,
    }
    return next((code for kind, code in codes.items() if isinstance(error, kind)), None)
