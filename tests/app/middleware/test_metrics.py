from starlette.types import Receive, Scope, Send

from app.metrics import Metrics
from tests.app.middleware.stack import behind, counted
from tests.hostile import apart


async def is_left(scope: Scope, receive: Receive, send: Send) -> None:
    assert (await receive())["type"] == "http.disconnect"


def test_a_client_that_leaves_before_the_answer_counts_as_499() -> None:
    metrics = Metrics()

    async def receive() -> dict:
        return {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        raise AssertionError("nobody is there")

    scope = {"type": "http", "method": "GET", "path": "/classify", "raw_path": b"/classify", "query_string": b""}
    apart(behind(is_left, metrics)(scope | {"headers": [(b"host", b"localhost")]}, receive, send))
    assert counted(metrics, 499) == 1
