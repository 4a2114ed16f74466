"""Ends a run before its inputs do, after a signal or too many failures; chunks that were begun are finished."""

import signal
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Self

from app.batch.inputs.input import Chunk
from app.console import print_err

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StoppedAtOnce(SystemExit):
    """The second signal arrived: chunks in progress are abandoned."""


class Stopping:
    """As a context manager: the first SIGINT or SIGTERM ends the run gently, the second at once.

    Attributes:
        signal: the number of the first signal; None before it.
        asked: set it, and no further chunk is begun.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.asked = False

    def __enter__(self) -> Self:
        self._handlers = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def until_asked(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """Yield chunks until the run is to end."""
        for chunk in chunks:
            if self.asked:
                return
            yield chunk

    @property
    def exit_code(self) -> int | None:
        """The shell's exit code for a signal: 130 for an interrupt, 143 for SIGTERM; None without one."""
        return None if self.signal is None else 128 + self.signal

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            raise StoppedAtOnce(128 + number)
        self.signal, self.asked = number, True
        print_err("Stopping: what is in work is finished and written. Once more, and it stops at once.")
