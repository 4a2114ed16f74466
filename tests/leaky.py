"""The app with a leak planted, for ``tests/app/test_soak.py``: ``python -m tests.leaky [the app's options]``.

``INKWEAR_PLANTED`` names the leak. It sits around the app, as no part of it.
"""

import os
import threading
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

import app.application

KEPT: list[object] = []


class Leak:
    """An ASGI application that keeps something of each request or session, and answers by another."""

    def __init__(self, answering: ASGIApp, planted: str) -> None:
        self.answering, self.keep = answering, LEAKS[planted]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.keep(scope["path"])
        await self.answering(scope, receive, send)


def of_a_session(keep: Callable[[], object]) -> Callable[[str], object]:
    """Keep something of each session."""
    return lambda path: keep() if "/heartbeat/" in path else None


def answer_wrongly(path: str) -> None:
    """Keep nothing, and fail one request in thirty, as what is broken now and then would."""
    KEPT.append(None)
    if len(KEPT) % 30 == 0:
        raise RuntimeError("planted")


LEAKS = {
    "memory": lambda path: KEPT.append(b"x" * 300_000),
    "descriptors": of_a_session(lambda: KEPT.append(os.open(os.devnull, os.O_RDONLY))),
    "threads": of_a_session(lambda: threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()),
    "failed": answer_wrongly,
}


def main() -> None:
    """Start the app with what was asked for around it."""
    from app.__main__ import cli

    sound, planted = app.application.build_app, os.environ["INKWEAR_PLANTED"]

    def build_app(*arguments: object, **options: object) -> object:
        built = sound(*arguments, **options)  # type: ignore[arg-type]
        built.add_middleware(Leak, planted=planted)
        return built

    app.application.build_app = build_app  # type: ignore[assignment]
    cli()


if __name__ == "__main__":
    main()
