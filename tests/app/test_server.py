import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.server import SHUTDOWN_SECONDS, listen
from inkwear.onnx.session import cuda_fallback_reason
from tests.app.api.test_classify import FIVE, classify
from tests.conftest import running_app, start_app
from tests.witness import environment, written


@contextlib.contextmanager
def a_page_open(url: str) -> Iterator[None]:
    """Hold the stream that every open page of Gradio holds."""
    with httpx.stream("GET", f"{url}/gradio_api/heartbeat/somebody", timeout=30) as stream:
        assert stream.status_code == 200
        yield


@pytest.mark.slow
@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_running_request_finish_though_a_page_is_open(signal_number: int) -> None:
    app = start_app("--device", "cpu")
    request = httpx.Request(
        "POST", f"{app.url}/classify", files={"image": ("five.png", FIVE)}, data={"model": "mnist-lenet"}
    )
    body = request.read()
    connection = http.client.HTTPConnection(request.url.host, request.url.port, timeout=30)
    with a_page_open(app.url):
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
        assert time.monotonic() - started < SHUTDOWN_SECONDS


@pytest.mark.slow
def test_cuda_without_cuda_is_exit_code_3() -> None:
    if cuda_fallback_reason() is None:
        pytest.skip("CUDA works here")
    command = [sys.executable, "-m", "app", "--device", "cuda"]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert finished.returncode == 3
    assert "CUDA is not available: " in finished.stderr


def test_answers_do_not_wait_for_acknowledgements() -> None:
    with (
        listen("127.0.0.1", 0) as address,
        socket.create_connection(address.getsockname()),
        address.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.slow
def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "app", "--port", str(port)]
        finished = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert finished.returncode == 2
    assert f"--port {port} cannot be opened (Address already in use). Choose another" in finished.stderr


@pytest.mark.slow
def test_nothing_outside_the_machine_is_asked_for(tmp_path: Path) -> None:
    with running_app(env=environment(tmp_path)) as app:
        assert "Inkwear" in httpx.get(app.url).text
        assert classify(httpx.Client(base_url=app.url, timeout=30)).json()["label"] == "5"
        time.sleep(3)  # Gradio's look-ups run in threads of their own
    assert written(tmp_path) == []
