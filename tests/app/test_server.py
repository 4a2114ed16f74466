import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from app.server import listen
from inkwear.onnx.session import cuda_fallback_reason
from tests.app.api.test_classify import FIVE, classify
from tests.conftest import running_app, start_app
from tests.witness import environment, written


@pytest.mark.slow
@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_running_request_finish_though_a_page_is_open(signal_number: int) -> None:
    app = start_app("--device", "cpu")
    request = httpx.Request(
        "POST", f"{app.url}/classify", files={"image": ("five.png", FIVE)}, data={"model": "mnist-lenet"}
    )
    body = request.read()
    connection = http.client.HTTPConnection(request.url.host, request.url.port, timeout=30)
    with httpx.stream("GET", f"{app.url}/gradio_api/heartbeat/somebody", timeout=30) as open_page:
        assert open_page.status_code == 200
        connection.putrequest("POST", "/classify")
        connection.putheader("Content-Type", request.headers["Content-Type"])
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:500])
        time.sleep(0.5)  # the request runs, and waits for the rest of its picture
        app.process.send_signal(signal_number)
        started = time.monotonic()
        time.sleep(0.5)
        connection.send(body[500:])
        response = connection.getresponse()
        assert response.status == 200
        assert json.loads(response.read())["label"] == "5"
        assert app.process.wait(10) == 0
        assert time.monotonic() - started < 3


@pytest.mark.slow
def test_a_start_that_fails_says_why_and_has_its_exit_code(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        failing = [(f"--port={port}", 2, f"--port {port} cannot be opened (Address already in use). Choose another")]
        failing.append((f"--corrections={tmp_path}/file", 2, "file: cannot be used (File exists)"))
        if cuda_fallback_reason() is not None:
            failing.append(("--device=cuda", 3, "CUDA is not available: "))
        for option, code, reason in failing:
            command = [sys.executable, "-m", "app", "--port=0", option]
            finished = subprocess.run(command, capture_output=True, text=True, timeout=60)
            assert (finished.returncode, reason in finished.stderr) == (code, True)


def test_answers_do_not_wait_for_acknowledgements() -> None:
    with (
        listen("127.0.0.1", 0) as address,
        socket.create_connection(address.getsockname()),
        address.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.slow
def test_nothing_outside_the_machine_is_asked_for(tmp_path: Path) -> None:
    with running_app(env=environment(tmp_path)) as app:
        assert "Inkwear" in httpx.get(app.url).text
        assert classify(httpx.Client(base_url=app.url, timeout=30)).json()["label"] == "5"
        time.sleep(3)  # Gradio's look-ups run in threads of their own
    assert written(tmp_path) == []
