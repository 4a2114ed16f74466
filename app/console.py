"""What the commands of this room share: names, and errors that end in a sentence and an exit code."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EXPORTS = Path("exports")

SOME_FAILED, USAGE, NO_DEVICE, BROKEN_MODEL, INTERRUPTED = 1, 2, 3, 4, 130


def ignore_pillow_warnings() -> None:
    """Keep off stderr what Pillow warns of: oddities in a picture's metadata that do not touch its pixels."""
    warnings.filterwarnings("ignore", module="PIL")


def print_err(sentence: str) -> None:
    """Tell a person, on stderr."""
    print(sentence, file=sys.stderr, flush=True)


@contextmanager
def exit_codes_for_errors() -> Iterator[None]:
    """Turn the errors this room raises for users' mistakes into one line on stderr and the project's exit codes."""
    from inkwear.errors import DeviceError, ModelFileError

    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except (ValueError, DeviceError, ModelFileError) as error:
        print_err(f"Error: {error}")
        codes: dict[type[Exception], int] = {DeviceError: NO_DEVICE, ModelFileError: BROKEN_MODEL}
        raise SystemExit(codes.get(type(error), USAGE)) from error
