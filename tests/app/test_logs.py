import json
import logging
import sys

import pytest

from app.logs import JsonLines, set_up


@pytest.fixture(autouse=True)
def _keep_the_log():
    root, requests = logging.getLogger(), logging.getLogger("inkwear.requests")
    kept = root.handlers[:], root.level, requests.level
    yield
    root.handlers[:], root.level, requests.level = kept


@pytest.mark.parametrize(("log_format", "requests"), [("quiet", False), ("text", True), ("json", True)])
def test_requests_are_logged_where_asked_for(capsys, log_format: str, requests: bool) -> None:
    set_up(log_format)
    logging.getLogger("inkwear").warning("Not usable: %s", "x.onnx")
    logging.getLogger("inkwear.requests").info("%(route)s", {"route": "classify"})
    warned, *asked = capsys.readouterr().err.splitlines()
    assert "Not usable: x.onnx" in warned
    assert bool(asked) is requests
    if log_format == "json":
        assert json.loads(warned)["message"] == "Not usable: x.onnx"
        assert json.loads(asked[0])["route"] == "classify"


def test_a_traceback_is_part_of_the_line() -> None:
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        record = logging.LogRecord("inkwear", logging.ERROR, "", 1, "failed", (), sys.exc_info())
    line = json.loads(JsonLines().format(record))
    assert (line["level"], line["message"]) == ("error", "failed")
    assert "RuntimeError: broken" in line["traceback"]
