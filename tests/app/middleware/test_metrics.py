from starlette.types import Receive, Scope, Send

from app.metrics import Metrics
from tests.app.middleware.stack import ask, behind, counted
from tests.hostile import apart


async def is_left(scope: Scope, receive: Receive, send: Send) -> None:
    assert (await receive())["type"] == "http.disconnect"


def test_a_client_that_leaves_before_the_answer_counts_as_499() -> None:
    metrics = Metrics()

    async def receive() -> dict:
        return {"type": "http.disconnect"}

    assert apart(ask(behind(is_left, metrics), receive)) == 0
    assert counted(metrics, 499) == 1
