"""How a run ends before its inputs do: interrupted, or with too many failures; what is begun is finished."""

import signal
from collections.abc import Iterable, Iterator, Sequence
from types import FrameType
from typing import Self, TypeVar

from app.console import print_err

Chunk = TypeVar("Chunk", bound=Sequence)

ASKED_TO_STOP = (signal.SIGINT, signal.SIGTERM)


class StoppedAtOnce(SystemExit):
    """The second signal came: what is in work is given up."""


class Stopping:
    """While it is entered, the first SIGINT or SIGTERM ends the run gently, and the second at once.

    Attributes:
        signal: the number of the first, None as long as there is none.
        asked: set it, and no further chunk is begun.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.asked = False

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._hear) for number in ASKED_TO_STOP}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def until_asked(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """Yield chunks until no further one is to be begun."""
        for chunk in chunks:
            if self.asked:
                return
            yield chunk

    @property
    def exit_code(self) -> int | None:
        """What the shell is used to after a signal: 130 for an interrupt, 143 for SIGTERM; None without one."""
        return None if self.signal is None else 128 + self.signal

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            raise StoppedAtOnce(128 + number)
        self.signal, self.asked = number, True
        print_err("Stopping: what is in work is finished and written. Once more, and it stops at once.")
