"""``python -m app.predict`` called from a test, in this process."""

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from unittest.mock import patch

from app.predict import main


@dataclass(frozen=True)
class Result:
    """What a call left behind."""

    exit_code: int
    stdout_bytes: bytes
    stderr: str

    @property
    def stdout(self) -> str:
        return self.stdout_bytes.decode("utf-8", "surrogateescape")


def predict(*arguments: str | os.PathLike[str], call: Callable[[Sequence[str]], None] = main) -> Result:
    """Run the command with these arguments."""
    with _stream() as stdout, _stream() as stderr, patch("sys.stdout", stdout), patch("sys.stderr", stderr):
        try:
            call([os.fspath(argument) for argument in arguments])
            code: object = 0
        except SystemExit as exit_:
            code = exit_.code
        sys.stdout.flush()
        sys.stderr.flush()
        printed, said = stdout.buffer.getvalue(), stderr.buffer.getvalue()
    assert isinstance(code, int)
    return Result(code, printed, said.decode())


@contextlib.contextmanager
def _stream() -> Iterator[io.TextIOWrapper]:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="surrogateescape")
    try:
        yield stream
    finally:
        stream.detach()
