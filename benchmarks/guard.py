"""What the guard costs a request, in microseconds: ``python -m benchmarks.guard``.

The same ASGI application is called directly and behind the guard, taking turns, with a picture's body.
"""

import asyncio
import statistics
import time

import typer
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.guard import Guard, Hosts, Rules
from app.metrics import Metrics

ROUNDS, EACH = 30, 1_000


async def answers(scope: Scope, receive: Receive, send: Send) -> None:
    """The least that an application does: read the body, answer."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b"{}"})


async def ask(app: ASGIApp, times: int) -> float:
    """Microseconds of a request."""
    headers = [(b"host", b"127.0.0.1:7860"), (b"content-type", b"image/png"), (b"content-length", b"300")]
    headers += [(b"user-agent", b"curl/8.0"), (b"accept", b"*/*")]
    body: Message = {"type": "http.request", "body": bytes(300), "more_body": False}

    async def receive() -> Message:
        return body

    async def send(message: Message) -> None: ...

    started = time.perf_counter()
    for _ in range(times):
        scope = {"type": "http", "method": "POST", "path": "/classify", "raw_path": b"/classify", "query_string": b""}
        await app(scope | {"headers": headers, "client": ("127.0.0.1", 1)}, receive, send)
    return 1e6 * (time.perf_counter() - started) / times


async def compare() -> None:
    """Print the medians."""
    guarded = Guard(answers, Rules(Hosts.of("127.0.0.1")), Metrics())
    bare, behind = [], []
    for _ in range(ROUNDS):
        bare.append(await ask(answers, EACH))
        behind.append(await ask(guarded, EACH))
    least, most = statistics.median(bare), statistics.median(behind)
    print(f"a request: bare {least:.1f} µs, behind the guard {most:.1f} µs, so the guard {most - least:.1f} µs")


def main() -> None:
    """Measure."""
    asyncio.run(compare())


if __name__ == "__main__":
    typer.run(main)
