import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse, WebSocketDisconnect

from app.middleware.context import current_request, request_id


@pytest.mark.parametrize(
    ("given", "taken"), [("mine-7", True), *((bad, False) for bad in ("a b", "x" * 65, "<i>", ""))]
)
def test_a_strange_request_id_is_not_taken(client: TestClient, given: str, taken: bool) -> None:
    assert (client.get("/healthz", headers={"X-Request-ID": given}).headers["x-request-id"] == given) is taken


def test_outside_of_a_request_there_is_none() -> None:
    assert (current_request(), request_id()) == (None, "")


def test_websockets_are_closed(client: TestClient) -> None:
    with pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)), client.websocket_connect("/models"):
        pass
