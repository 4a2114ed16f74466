"""What the commands of training share: options, devices by name, and exit codes for errors."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inkwear.errors import DeviceError, ModelFileError
from inkwear.numbers.line_reader import FILE as LINE_READER
from inkwear.onnx.session import Device
from training.errors import CheckpointError, DataError

if TYPE_CHECKING:
    import torch

DataDir = Annotated[Path, typer.Option(help="torchvision's folder of data sets.", envvar="INKWEAR_DATA")]
DEFAULT_DATA_DIR = Path("data")

USAGE, NO_DEVICE, BROKEN_FILE, INTERRUPTED = 2, 3, 4, 130
"""Exit codes; 0 is success."""

EXIT_CODES = {
    CheckpointError: BROKEN_FILE,
    ModelFileError: BROKEN_FILE,
    DeviceError: NO_DEVICE,
    DataError: USAGE,
    ValueError: USAGE,
}
"""Exit codes of the errors that users can cause; any other error is a bug and keeps its traceback."""


def find_device(asked: Device) -> "torch.device":
    """Return the torch device for ``auto``, ``cpu`` or ``cuda``.

    Raises:
        DeviceError: ``cuda`` was asked for and torch finds none.
    """
    import torch  # 3 s that --help need not wait for

    if asked == "cuda" and not torch.cuda.is_available():
        raise DeviceError("--device cuda: torch finds no CUDA device here. Use --device auto or cpu.")
    return torch.device("cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu")


def models_among(exports: Iterable[Path]) -> Iterator[Path]:
    """Yield the exports that are models, and say on stderr that the reader of lines is none."""
    for export in exports:
        if export.name == LINE_READER:
            typer.echo(f"{export}: left out, as it reads lines for the models and is no model itself.", err=True)
        else:
            yield export


@contextmanager
def exit_codes_for_errors() -> Iterator[None]:
    """Turn the errors that users can cause into one line on stderr and an exit code."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except tuple(EXIT_CODES) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind))) from error
