"""Runs work in a thread while something else goes on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MAX_JOIN_SECONDS = 5.0
"""Seconds that the end waits for the work to stop: more than opening the largest network takes.

A daemon's thread ends with the process anyway, but must not while it is in ONNX Runtime: Python ends it there by
``pthread_exit``, C++ answers that with ``std::terminate``, and the process dies of SIGABRT instead of leaving with 0.
"""


@contextmanager
def in_background(work: Callable[[threading.Event], None], name: str) -> Iterator[None]:
    """Run ``work`` in a thread of this name; its event is set at the end, and tells it to stop."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(MAX_JOIN_SECONDS)
