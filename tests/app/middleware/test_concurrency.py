import asyncio

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from app.metrics import Metrics
from app.middleware import concurrency
from tests.app.middleware.stack import answers, ask, behind, counted
from tests.hostile import apart


async def answers_late(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(0.3)
    await answers(scope, receive, send)


def statuses(app: ASGIApp, clients: list[str]) -> list[int]:
    """The statuses of requests that arrive together."""

    async def receive() -> dict:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def everybody() -> list[int]:
        return await asyncio.gather(*(ask(app, receive, client) for client in clients))

    return sorted(apart(everybody()))


@pytest.mark.parametrize("slot", ["work", "stream"])
def test_slots_are_bounded_and_nobody_has_them_all(monkeypatch: pytest.MonkeyPatch, slot: str) -> None:
    monkeypatch.setitem(concurrency.MAX_TAKEN, slot, 8)
    metrics = Metrics()
    app = behind(answers_late, metrics, slot=slot)
    assert statuses(app, ["a"] * 6) == [200] * 4 + [429] * 2
    assert statuses(app, ["a"] * 4 + ["b"] * 4 + ["c"] * 2) == [200] * 8 + [503] * 2
    assert statuses(app, ["a"]) == [200]
    assert (metrics.taken, metrics.held) == ({"work": 0, "stream": 0}, 0)
    assert counted(metrics, 200) == 13
