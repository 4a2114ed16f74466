"""The examples of docs/deploy: linted by those who know, and the one of nginx at work."""

import configparser
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import typer
from PIL import Image

from app.__main__ import serve
from app.api.classify_batch import MAX_BATCH_BYTES
from app.archives.pictures import MAX_PICTURE_BYTES, MEGABYTE
from app.background import MAX_JOIN_SECONDS
from app.server import SHUTDOWN_SECONDS
from benchmarks.serving import free_port
from tests.conftest import ROOT, RunningApp, lacking, start_app
from tests.hand import png, render

SECONDS_TO_WAIT = 20
"""How long a server of ours waits for nginx."""

DEPLOY = ROOT / "docs" / "deploy"


def options() -> set[str]:
    """What ``python -m app`` takes."""
    app = typer.Typer()
    app.command()(serve)
    return {option for parameter in typer.main.get_command(app).params for option in parameter.opts}


@pytest.mark.parametrize("name", ["inkwear@.service", "Containerfile"])
def test_the_examples_start_the_app_as_it_can_be_started(name: str) -> None:
    text = (DEPLOY / name).read_text()
    started = [line for line in text.splitlines() if re.match(r"ExecStart=|ENTRYPOINT", line)]
    assert len(started) == 1
    assert set(re.findall(r"--[a-z-]+", started[0])) <= options()
    assert re.search(r"-m\W+app\b", started[0])


def test_the_unit_is_one(tmp_path: Path) -> None:
    text = (DEPLOY / "inkwear@.service").read_text()
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment]
    unit.read_string(text)
    assert set(unit.sections()) == {"Unit", "Service", "Install"}
    assert int(unit["Service"]["TimeoutStopSec"]) > SHUTDOWN_SECONDS + MAX_JOIN_SECONDS + 1
    if shutil.which("systemd-analyze") is None:
        return
    here = tmp_path / "inkwear@7861.service"
    here.write_text(text.replace("/opt/inkwear/.venv-app/bin/python", "/bin/true").replace("/opt/inkwear", "/"))
    found = subprocess.run(["systemd-analyze", "verify", here], capture_output=True, text=True)
    assert "inkwear" not in found.stderr.replace("inkwear@7861.service: Failed to connect", ""), found.stderr


def test_the_container_file_is_one() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    instructions = re.findall(r"^[A-Z]+", text, re.MULTILINE)
    assert instructions[0] == "FROM"
    known = {"FROM", "WORKDIR", "COPY", "RUN", "USER", "ENV", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT"}
    assert set(instructions) <= known
    assert instructions.index("USER") < instructions.index("ENTRYPOINT")  # nothing runs as root
    copied = re.findall(r"^COPY (\S+)", text, re.MULTILINE)
    assert copied
    assert all((ROOT / path).exists() for path in copied)


# -------------------------------------------------------------------------------------------------------------- nginx


@contextmanager
def nginx_before(urls: Iterable[str], folder: Path) -> Iterator[str]:
    """The nginx of the example before two servers, each request to the next; ``folder`` has what it writes."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if nginx is None:
        lacking("no nginx is installed (Debian: apt-get install nginx-light)")
    port = free_port()
    config = (DEPLOY / "nginx.conf").read_text().replace("listen 7860", f"listen 127.0.0.1:{port}")
    config = config.replace("hash $remote_addr consistent;", "")  # by turns, so that both are met
    for example, url in zip(("127.0.0.1:7861", "127.0.0.1:7862"), urls, strict=True):
        config = config.replace(example, url.removeprefix("http://"))
    # Where root runs the tests, nobody else may write in the folder; others may not say who, and are not asked.
    main = f"user root; daemon off; pid {folder}/pid; error_log {folder}/error; worker_processes 1; events {{ }}\n"
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi"))
    temporary += f"uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi; access_log off;\n"
    (folder / "nginx.conf").write_text(f"{main} http {{ {temporary} {config} }}")
    subprocess.run([nginx, "-t", "-c", folder / "nginx.conf", "-e", folder / "error"], check=True)
    process = subprocess.Popen([nginx, "-c", folder / "nginx.conf", "-e", folder / "error"])
    try:
        _until_it_listens(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _until_it_listens(port: int) -> None:
    for _ in range(100):
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 10):
            return
        time.sleep(0.1)


@pytest.fixture
def two_apps() -> Iterator[list[RunningApp]]:
    with ThreadPoolExecutor() as pool:
        apps = [*pool.map(lambda _: start_app("--device", "cpu"), range(2))]
    yield apps
    for app in apps:
        app.process.terminate()
        app.process.wait(15)


def test_nginx_lets_through_what_the_app_takes_and_holds_no_more() -> None:
    config = (DEPLOY / "nginx.conf").read_text()
    most = dict(re.findall(r"location (?:= )?(\S+) \{\s+client_max_body_size (\d+)m;", config))
    assert {place: int(megabytes) - 1 for place, megabytes in most.items()} == {
        "/": MAX_PICTURE_BYTES // MEGABYTE,
        "/classify/many": MAX_BATCH_BYTES // MEGABYTE,
    }


def picture_request(picture: bytes) -> dict[str, Any]:
    return {"url": "/classify", "content": picture, "headers": {"Content-Type": "image/png"}}


@pytest.mark.slow
def test_two_processes_answer_as_one_and_one_may_stop(two_apps: list[RunningApp], tmp_path: Path) -> None:
    leaving = two_apps[0].process
    answers = []
    with (
        nginx_before([app.url for app in two_apps], tmp_path) as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        assert "Inkwear" in client.get("/").text
        page = client.get("/models", headers={"Origin": url})
        assert page.status_code == 200
        for number in range(40):
            if number == 20:
                leaving.send_signal(signal.SIGTERM)
            response = client.post(**picture_request(png(render("5"))))
            answers.append((response.status_code, response.text if response.is_error else response.json()["label"]))
        assert client.get("/metrics").status_code == 404
        refused = client.get("/nothing")
    assert answers == [(200, "5")] * 40, (tmp_path / "error").read_text()
    assert refused.json()["error"]["request_id"] == refused.headers["x-request-id"]
    assert leaving.wait(15) == 0, leaving.stderr and leaving.stderr.read()


@contextmanager
def a_process_that_leaves() -> Iterator[str]:
    """A server that keeps its connection, and resets it when the second request is there, as one that ends may do."""

    def serve_once(listening: socket.socket) -> None:
        listening.settimeout(SECONDS_TO_WAIT)
        connection, _ = listening.accept()
        connection.settimeout(SECONDS_TO_WAIT)
        with connection, connection.makefile("rb") as requests:
            for answered in (True, False):
                length = 0
                while (line := requests.readline().strip().lower()) != b"":
                    length = int(line.partition(b":")[2]) if line.startswith(b"content-length") else length
                requests.read(length)
                if answered:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst")
            listening.close()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:
        served = pool.submit(serve_once, listening)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        served.result()


@pytest.mark.slow
def test_a_picture_that_was_sent_to_a_process_that_leaves_goes_to_the_other(app_url: str, tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1200, 1600), np.uint8)  # more than nginx holds in memory
    with (
        a_process_that_leaves() as leaves,
        nginx_before([leaves, app_url], tmp_path) as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        answers = [client.post(**picture_request(png(Image.fromarray(picture)))) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 4, (tmp_path / "error").read_text()
    assert sum(answer.text == "first" for answer in answers) == 1
