"""What the middleware costs a request, in microseconds of the processor: ``python -m benchmarks.middleware``.

The same ASGI application is called directly and behind the middleware, taking turns, with a picture's body.
"""

import asyncio
import statistics
import time

import typer
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Message

from tests.app.middleware.stack import answers, ask, behind

ROUNDS, EACH = 30, 1_000


async def measure(app: ASGIApp, times: int) -> float:
    """Microseconds of the processor for a request."""
    body: Message = {"type": "http.request", "body": bytes(300), "more_body": False}

    async def receive() -> Message:
        return body

    started = time.process_time()
    for _ in range(times):
        await ask(app, receive, content_type="image/png", content_length="300", user_agent="curl/8.0", accept="*/*")
    return 1e6 * (time.process_time() - started) / times


async def compare() -> None:
    """Print the medians."""
    bare_app = Starlette(routes=[Mount("/", answers)])
    app = behind(answers, content_types=("image/",), slot="work", in_memory=True)
    bare, behind_it = [], []
    for _ in range(ROUNDS):
        bare.append(await measure(bare_app, EACH))
        behind_it.append(await measure(app, EACH))
    least, most = statistics.median(bare), statistics.median(behind_it)
    print(f"a request: bare {least:.1f} µs, behind the middleware {most:.1f} µs, which costs {most - least:.1f} µs")


def main() -> None:
    """Measure."""
    asyncio.run(compare())


if __name__ == "__main__":
    typer.run(main)
