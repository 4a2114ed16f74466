"""What the commands share: the default folder, exit codes, and errors that end in a sentence on stderr."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inkwear.errors import DeviceError, ModelFileError

EXPORTS = Path("exports")

SOME_FAILED, USAGE, NO_DEVICE, BROKEN_MODEL, INTERRUPTED = 1, 2, 3, 4, 130


def ignore_pillow_warnings() -> None:
    """Keep Pillow's warnings about a picture's metadata off stderr: they do not concern its pixels."""
    warnings.filterwarnings("ignore", module="PIL")


def print_err(sentence: str) -> None:
    """Print a sentence on stderr, for a person."""
    print(sentence, file=sys.stderr, flush=True)


@contextmanager
def exit_codes_for_errors() -> Iterator[None]:
    """Turn errors that users can mend into a line on stderr and the project's exit codes."""
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except (ValueError, DeviceError, ModelFileError) as error:
        print_err(f"Error: {error}")
        codes: dict[type[Exception], int] = {DeviceError: NO_DEVICE, ModelFileError: BROKEN_MODEL}
        raise SystemExit(codes.get(type(error), USAGE)) from error
