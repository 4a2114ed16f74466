"""What the tests of the server share."""

import httpx
import pytest
from fastapi.testclient import TestClient

from app.application import build_app
from app.catalog import scan
from tests.conftest import EXPORTS


@pytest.fixture(scope="session")
def client() -> TestClient:
    """The application with the shipped exports, in this process."""
    return TestClient(build_app(scan(EXPORTS)), raise_server_exceptions=False)


def uploaded(client: TestClient, content: bytes) -> dict[str, object]:
    """Upload a file to Gradio; return how a call names it."""
    path = client.post("/gradio_api/upload", files={"files": ("five.png", content)}).json()[0]
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def error_of(response: httpx.Response) -> tuple[int, str]:
    """Status and code of an error in the one form, whose id is that of the header."""
    error = response.json()["error"]
    assert set(error) == {"code", "message", "request_id"}
    assert error["request_id"] == response.headers["x-request-id"]
    return response.status_code, error["code"]


def message_of(response: httpx.Response) -> str:
    return response.json()["error"]["message"]
