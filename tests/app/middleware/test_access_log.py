import json
import logging

import pytest
from fastapi.testclient import TestClient

from app.logs import JsonLines
from tests.app.middleware.stack import answers, behind


@pytest.mark.parametrize(("path", "route", "code"), [("/classify", "classify", None), ("/secret", "other", "NotFound")])
def test_a_request_is_one_line_without_what_was_sent(caplog, path: str, route: str, code: str | None) -> None:
    caplog.set_level(logging.INFO, "inkwear.requests")
    client = TestClient(behind(answers, log_requests=True))
    client.post(f"{path}?name=private.png&model=secret", files={"image": ("private.png", b"hello")})
    [record] = [each for each in caplog.records if each.name == "inkwear.requests"]
    line = json.loads(JsonLines().format(record))
    assert (line["route"], line.get("code")) == (route, code)
    assert line["status"] == (404 if code else 200)
    assert (line["bytes"] > 100) is (code is None)
    assert {"time", "level", "request_id", "milliseconds"} <= set(line)
    assert "private" not in caplog.text
    assert "secret" not in caplog.text


def test_without_the_option_no_request_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "inkwear.requests")
    TestClient(behind(answers)).get("/classify")
    assert not [each for each in caplog.records if each.name == "inkwear.requests"]
