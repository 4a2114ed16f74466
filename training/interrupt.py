"""Ctrl-C that waits for the end of a step, so that a consistent state can be saved."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class StopRequest:
    """Whether the user has asked the run to stop."""

    def __init__(self) -> None:
        self.made = False


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Turn SIGINT and SIGTERM into a request to stop after the current step; a second signal stops at once."""
    request = StopRequest()
    before: dict[signal.Signals, Any] = {}

    def note(number: int, frame: FrameType | None) -> None:
        request.made = True
        for name, handler in before.items():
            signal.signal(name, handler)

    if threading.current_thread() is threading.main_thread():
        before = {name: signal.signal(name, note) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
