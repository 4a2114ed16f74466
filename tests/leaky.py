"""The app with a leak planted, for ``tests/app/test_soak.py``: ``python -m tests.leaky [the app's options]``.

``INKWEAR_PLANTED`` names the leak. It sits around the app, as no part of it.
"""

import os
import threading
import time

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


def keep_memory(path: str) -> None:
    """300 kB a request."""
    KEPT.append(b"x" * 300_000)


def keep_a_descriptor(path: str) -> None:
    """One a session."""
    if "/heartbeat/" in path:
        KEPT.append(os.open(os.devnull, os.O_RDONLY))


def keep_a_thread(path: str) -> None:
    """One a session."""
    if "/heartbeat/" in path:
        threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()


def answer_wrongly(path: str) -> None:
    """Nothing is kept; one request in thirty fails, as what is broken now and then would."""
    KEPT.append(None)
    if len(KEPT) % 30 == 0:
        raise RuntimeError("planted")


LEAKS = {
    "memory": keep_memory,
    "descriptors": keep_a_descriptor,
    "threads": keep_a_thread,
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
