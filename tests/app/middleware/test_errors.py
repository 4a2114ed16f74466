import pytest
from fastapi.testclient import TestClient
from starlette.types import Receive, Scope, Send

from tests.app.conftest import error_of, message_of
from tests.app.middleware.stack import behind


def test_a_person_gets_a_page_and_a_program_json(client) -> None:
    page = client.delete("/nothing", headers={"Accept": "text/html"})
    assert page.headers["content-type"] == "application/json"  # nobody types DELETE
    page = client.get("/nothing", headers={"Accept": "text/html,*/*", "X-Request-ID": "mine-7"})
    assert page.headers["content-type"].startswith("text/html")
    assert "<h1>There is nothing at this address" in page.text
    assert "404 NotFound, request mine-7." in page.text
    assert client.get("/nothing").headers["content-type"] == "application/json"


def test_what_is_said_on_a_page_is_text(client) -> None:
    kind = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin", "Origin": "http://<script>alert(1)</script>"}
    assert "&lt;script&gt;alert" in client.get("/models", headers=kind).text


def test_errors_from_behind_have_the_same_form(client) -> None:
    assert error_of(client.get("/models/nobody/card")) == (404, "UnknownModelError")
    assert error_of(client.get("/page/js/nobody.js")) == (404, "NotFound")
    form = {"Content-Type": "multipart/form-data; boundary=edge"}
    torn = client.post("/gradio_api/upload", content=b"zzz", headers=form)
    assert error_of(torn) == (400, "BadRequest")
    assert message_of(torn).startswith("gradio upload: the request")


def test_an_error_of_ours_is_logged_with_its_request_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("the secret")

    response = TestClient(behind(fails)).get("/classify", headers={"X-Request-ID": "mine-7"})
    assert error_of(response) == (500, "InternalError")
    assert "secret" not in response.text
    assert "mine-7" in caplog.text


def test_an_application_that_says_nothing_is_answered_for() -> None:
    async def silent(scope: Scope, receive: Receive, send: Send) -> None: ...

    assert error_of(TestClient(behind(silent)).get("/classify")) == (500, "InternalError")
