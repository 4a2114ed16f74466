import pytest
from fastapi.testclient import TestClient
from gradio import processing_utils

from app.application import build_app
from app.catalog import scan
from app.gradio.mount import mounted_apps
from tests.app.archives.packed import png
from tests.app.conftest import uploaded
from tests.conftest import EXPORTS


def test_nothing_is_fetched_even_if_gradio_were_asked(client) -> None:
    with pytest.raises(ValueError, match="nothing is fetched"):
        processing_utils.ssrf_protected_download("http://127.0.0.1:9/x.png", "/nowhere")


def test_of_sessions_that_are_gone_only_some_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradio's own queue would keep something of each for ever, and sum all calls up after each call."""
    monkeypatch.setattr("app.gradio.mount.MAX_SESSIONS", 3)
    app = build_app(scan(EXPORTS))
    [queue] = [mounted.get_blocks()._queue for mounted in mounted_apps(app)]
    with TestClient(app) as client:
        for number in range(5):
            data = [uploaded(client, png("5")), "mnist-lenet", "cpu"]
            call = {"data": data, "fn_index": 0, "session_hash": f"session{number}"}
            assert client.post("/gradio_api/queue/join", json=call).status_code == 200
            heard = client.get(f"/gradio_api/queue/data?session_hash=session{number}").text
            assert '"label":"5"' in heard
    assert len(queue.pending_event_ids_session) == len(queue.pending_messages_per_session) == 3
    assert "session4" in queue.pending_event_ids_session
    assert len(queue.event_analytics) <= 1
    assert queue.compute_analytics_summary([{"function": "classify"}]) == {"functions": {}}
