"""Work that is done in a thread of its own while something else goes on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECONDS_TO_END = 5.0
"""How long the end waits for the work to see that it shall stop: longer than opening the largest network takes.

A daemon's thread ends with the process anyway, but must not while it is in ONNX Runtime: Python takes it away there by
``pthread_exit``, C++ answers that with ``std::terminate``, and the process dies of SIGABRT instead of leaving with 0.
"""


@contextmanager
def in_background(work: Callable[[threading.Event], None], name: str) -> Iterator[None]:
    """Meanwhile, do ``work`` in a thread; the event that it is given tells it when to stop."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(SECONDS_TO_END)
