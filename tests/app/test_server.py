import base64
import contextlib
import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.application import build_app
from app.catalog import scan
from app.server import listen
from tests.conftest import EXPORTS, start_app
from tests.hand import render


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(build_app(scan(EXPORTS)), raise_server_exceptions=False)


def classify(client, content: bytes, **form: str) -> httpx.Response:
    return client.post("/classify", files={"image": ("five.png", content)}, data={"model": "mnist-convnet"} | form)


def test_a_picture_and_a_model_give_label_and_probabilities(client) -> None:
    response = classify(client, png(render("5")), device="cpu")
    answer = response.json()
    assert response.status_code == 200
    assert (answer["status"], answer["label"], answer["class_id"]) == ("ok", "5", 5)
    assert answer["probabilities"]["5"] == answer["confidence"]
    assert abs(sum(answer["probabilities"].values()) - 1) < 1e-6
    assert np.frombuffer(base64.b64decode(answer["pixels"]), np.uint8).reshape(28, 28).max() >= 250
    assert [note["code"] for note in answer["notes"]][-1] == "framed"
    assert answer["device"] == {
        "asked": "cpu",
        "used": "cpu",
        "provider": "CPUExecutionProvider",
        "code": "not_asked",
        "reason": "the CPU was asked for",
        "remedy": "",
    }


def test_a_blank_page_gets_no_digit(client) -> None:
    answer = classify(client, png(Image.new("L", (200, 200), 255))).json()
    assert (answer["status"], answer["label"], answer["probabilities"]) == ("blank", None, {})


@pytest.mark.parametrize(
    ("content", "form", "status", "code", "reason"),
    [
        (b"hello", {}, 422, "ImageError", "five.png: not a picture of an accepted format; accepted are JPEG"),
        (b"", {}, 422, "ImageError", "five.png: the file is empty"),
        (png(render("5")), {"model": "mnist-lenett"}, 404, "UnknownModelError", "Did you mean 'mnist-lenet'?"),
    ],
)
def test_a_mistake_is_answered_with_a_sentence(
    client, content: bytes, form: dict, status: int, code: str, reason: str
) -> None:
    response = classify(client, content, **form)
    assert response.status_code == status
    assert response.json()["error"]["code"] == code
    assert reason in response.json()["error"]["message"]


def test_cuda_without_cuda_is_refused_not_replaced(client) -> None:
    from inkwear.onnx.session import cuda_fallback_reason

    if cuda_fallback_reason() is None:
        pytest.skip("CUDA works here")
    response = classify(client, png(render("5")), device="cuda")
    assert response.status_code == 409
    assert "CUDA is not available" in response.json()["error"]["message"]


def test_an_unknown_device_is_refused(client) -> None:
    response = classify(client, png(render("5")), device="tpu")
    assert response.status_code == 422
    assert response.json()["error"]["message"] == "device: Input should be 'auto', 'cpu' or 'cuda'"


def test_the_models_are_listed_with_their_numbers(client) -> None:
    shelf = client.get("/models").json()
    card = next(model for model in shelf["models"] if model["name"] == "mnist-convnet")
    assert card["class_names"] == list("0123456789")
    assert card["parameters"] == 29_034
    assert card["test_accuracy"] > 0.99
    assert card["bytes"] == (EXPORTS / "mnist-convnet.onnx").stat().st_size
    assert shelf["refused"] == {}


def test_health(client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_the_endpoint_is_documented(client) -> None:
    described = client.get("/openapi.json").json()["paths"]["/classify"]["post"]
    assert "curl -F image=@five.png -F model=mnist-convnet" in described["description"]


def test_no_page_of_documentation_fetches_scripts_from_elsewhere(client) -> None:
    assert "cdn." not in client.get("/docs").text


# ------------------------------------------------------------------------------------------------ the real process


@contextlib.contextmanager
def a_page_open(url: str) -> Iterator[None]:
    """Hold the stream that every open page of Gradio holds."""
    with httpx.stream("GET", f"{url}/gradio_api/heartbeat/somebody", timeout=30) as stream:
        assert stream.status_code == 200
        yield


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_running_request_finish_though_a_page_is_open(signal_number: int) -> None:
    app = start_app("--device", "cpu")
    request = httpx.Request(
        "POST", f"{app.url}/classify", files={"image": ("five.png", png(render("5")))}, data={"model": "mnist-lenet"}
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
        assert time.monotonic() - started < 3


def test_cuda_without_cuda_is_exit_code_3() -> None:
    from inkwear.onnx.session import cuda_fallback_reason

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


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "app", "--port", str(port)]
        finished = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert finished.returncode == 2
    assert f"--port {port} cannot be opened (Address already in use). Choose another" in finished.stderr


WITNESS = """
import os, socket, sys
def note(what, address):
    if not str(address).startswith(("127.", "::1", "localhost", "0.0.0.0", "/", "None")):
        with open(os.environ["WITNESS_LOG"], "a") as log:
            log.write(f"{what} {address}\\n")
        raise OSError(f"no network in this test: {address}")
def watch(name, of):
    real = getattr(*of)
    def watched(*arguments, **options):
        address = next((a for a in arguments if isinstance(a, (tuple, str, bytes))), None)
        note(name, address[0] if isinstance(address, tuple) else address)
        return real(*arguments, **options)
    setattr(*of, watched)
class Socket(socket.socket):
    def connect(self, address):
        note("connect", address[0] if isinstance(address, tuple) else address)
        return super().connect(address)
    def connect_ex(self, address):
        note("connect", address[0] if isinstance(address, tuple) else address)
        return super().connect_ex(address)
    def sendto(self, data, *rest):
        note("sendto", rest[-1][0] if isinstance(rest[-1], tuple) else rest[-1])
        return super().sendto(data, *rest)
socket.socket = Socket
for function in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
    watch(function, (socket, function))
"""


@pytest.fixture
def witness(tmp_path: Path) -> dict[str, str]:
    """An environment in which every look-up and connection beyond this machine fails and is written down."""
    (tmp_path / "sitecustomize.py").write_text(WITNESS)
    return {"PYTHONPATH": str(tmp_path), "WITNESS_LOG": str(tmp_path / "log")}


def test_the_witness_sees(witness: dict[str, str]) -> None:
    script = "import urllib.request; urllib.request.urlopen('http://example.com')"
    subprocess.run([sys.executable, "-c", script], env=os.environ | witness, capture_output=True)
    assert "example.com" in Path(witness["WITNESS_LOG"]).read_text()


def test_nothing_outside_the_machine_is_asked_for(witness: dict[str, str]) -> None:
    app = start_app(env=witness)
    try:
        page = httpx.get(app.url).text
        assert "Inkwear" in page
        assert classify(httpx.Client(base_url=app.url, timeout=30), png(render("5"))).json()["label"] == "5"
        time.sleep(3)  # Gradio's look-ups run in threads of their own
    finally:
        app.process.terminate()
        app.process.wait(10)
    assert not Path(witness["WITNESS_LOG"]).exists()
