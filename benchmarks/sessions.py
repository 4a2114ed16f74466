"""What sessions of Gradio cost, and a hundred people at once: ``python -m benchmarks.sessions``.

10,000 requests in 2,000 sessions, each of which opens, uploads a picture, joins the queue, listens to the answer and
leaves; growth is from request 2,000 to request 10,000. Then 100 people, three requests each, all at once.
"""

import asyncio
import statistics
import sys
import time
from pathlib import Path

import typer

from benchmarks.serving import MODEL, form_of, pictures, request_of
from tests.conftest import RunningApp
from tests.crowd import Call, Crowd, answered
from tests.hostile import Attack, request, send
from tests.soak import MEGABYTE, look, served

REQUESTS_EACH = 5
"""Of a session: its stream, the picture, the call, the answer, and a question what there is."""

WARM = 2_000
"""Requests before the growth is measured."""

STEP = 200
"""Sessions between two looks."""

AT_ONCE = 8


async def open_and_leave(crowd: Crowd, sessions: int) -> None:
    """Sessions, some at once; each asks five times."""
    left = iter(range(sessions))

    async def one_after_the_other() -> None:
        for _ in left:
            crowd.seen.add("session", await crowd.session())
            await crowd.run(Call("GET /models", request("GET", "/models"), answered))

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))


def measure_sessions(app: RunningApp, cache: Path, sessions: int) -> None:
    """Print the growth; so far, on stderr, after every 200 sessions."""
    crowd, started = Crowd(int(app.url.rpartition(":")[2])), time.monotonic()
    before = look(app, started, cache)
    asyncio.run(open_and_leave(crowd, WARM // REQUESTS_EACH))
    warm = look(app, started, cache)
    for done in range(WARM // REQUESTS_EACH, sessions, STEP):
        asyncio.run(open_and_leave(crowd, min(STEP, sessions - done)))
        after = look(app, started, cache)
        print(
            f"{REQUESTS_EACH * min(done + STEP, sessions):7,} requests {after.seconds:5.0f} s "
            f"{(after.bytes - warm.bytes) / MEGABYTE:+6.1f} MB",
            file=sys.stderr,
        )
    print(
        f"{sessions * REQUESTS_EACH:,} requests in {sessions:,} sessions, {after.seconds:.0f} s: "
        f"{len(crowd.seen.faults)} failed or wrong; memory {before.bytes / MEGABYTE:.1f} MB before, "
        f"{warm.bytes / MEGABYTE:.1f} after request {WARM:,}, {after.bytes / MEGABYTE:.1f} after the last: "
        f"{(after.bytes - warm.bytes) / MEGABYTE:+.1f} MB; descriptors {warm.descriptors}, {after.descriptors}"
    )


async def people(port: int, data: bytes, count: int, each: int) -> list[tuple[int, float]]:
    """Status and seconds of every request of so many people at once, each one after the other."""

    async def person() -> list[tuple[int, float]]:
        found = []
        for _ in range(each):
            started = time.perf_counter()
            reply = await send(port, Attack("", data), 60)
            found.append((reply.status, time.perf_counter() - started))
        return found

    return [answer for answers in await asyncio.gather(*(person() for _ in range(count))) for answer in answers]


def measure_people(port: int, count: int = 100, each: int = 3) -> None:
    """Print how many were answered, and how fast."""
    for size, picture in pictures().items():
        wire = {
            "the bytes": request_of(f"/classify?model={MODEL}", picture, "image/png"),
            "a form": request_of("/classify", *form_of(picture)),
        }
        for what, data in wire.items():
            data = data.replace(b"Host: 127.0.0.1\r\n", b"Host: 127.0.0.1\r\nConnection: close\r\n")
            asyncio.run(people(port, data, 4, 2))
            answers = asyncio.run(people(port, data, count, each))
            good, took = sum(status == 200 for status, _ in answers), [seconds for _, seconds in answers]
            print(
                f"{count} people, {each} requests each, {size}, {what}: {good} of {len(answers)} answered, "
                f"median {statistics.median(took):.2f} s, p95 {statistics.quantiles(took, n=20)[-1]:.2f} s"
            )


def main(sessions: int = 2_000, only: str = "all") -> None:
    """Print both; ``--only people`` and ``--only sessions`` one of them."""
    with served() as (app, cache, _):
        time.sleep(5)  # until it has opened what lies in its folder
        if only in ("all", "people"):
            measure_people(int(app.url.rpartition(":")[2]))
        if only in ("all", "sessions"):
            measure_sessions(app, cache, sessions)


if __name__ == "__main__":
    typer.run(main)
