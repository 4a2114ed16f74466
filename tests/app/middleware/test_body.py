import asyncio

import pytest
from fastapi.testclient import TestClient

from app.metrics import Metrics
from app.middleware import body
from tests.app.conftest import error_of, message_of
from tests.app.middleware.stack import answers, ask, behind
from tests.hostile import apart

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("path", "kind", "status"),
    [
        ("/classify", "application/json", 415),
        ("/classify", "text/html", 415),
        ("/explain", "image/png", 415),
        ("/gradio_api/run/classify", "text/plain", 415),
        ("/classify", "image/png", 422),
    ],
)
def test_other_media_types_are_named(client, path: str, kind: str, status: int) -> None:
    response = client.post(path, content=b"hello", headers={"Content-Type": kind})
    assert error_of(response) == (status, "UnsupportedMediaType" if status == 415 else "ImageError")
    assert status != 415 or kind in message_of(response)


def test_a_body_is_measured_by_its_headers_and_by_its_bytes(client) -> None:
    announced = client.post("/gradio_api/run/classify", content=b"[" * 64_001, headers=JSON)
    streamed = client.post("/gradio_api/run/classify", content=iter([b"[" * 40_000] * 2), headers=JSON)
    unasked = client.request("GET", "/models", content=b"hello")
    assert [error_of(each) for each in (announced, streamed, unasked)] == [(413, "TooLargeError")] * 3
    assert message_of(announced) == "The request has more than is accepted; 0.064 MB are accepted here."
    assert message_of(unasked) == "The request has more than is accepted; no body is accepted here."


def test_bodies_in_memory_are_bounded_together_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "MAX_HELD_BYTES", 50)
    metrics = Metrics()
    client = TestClient(behind(answers, metrics, in_memory=True))
    assert client.post("/classify", content=b"x" * 100).status_code == 200  # alone, a body may be larger
    metrics.held = 1
    assert error_of(client.post("/classify", content=b"x" * 100)) == (503, "Busy")
    assert metrics.held == 1


def test_a_body_that_pauses_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "MAX_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr("app.middleware.errors.DRAIN_SECONDS", 0.05)

    async def receive() -> dict:
        await asyncio.sleep(5)
        return {"type": "http.request", "body": b"x", "more_body": True}

    assert apart(ask(behind(answers), receive, content_length="1000")) == 408
