"""Work beside other work."""

import threading

from app.background import in_background


def test_the_end_waits_for_what_is_being_done() -> None:
    """As long as a large network takes to open on a busy machine, which must not be broken off in its C++."""
    done = threading.Event()

    def work(stop: threading.Event) -> None:
        stop.wait()
        done.wait(0.5)
        done.set()

    with in_background(work, "work"):
        assert not done.is_set()
    assert done.is_set()
