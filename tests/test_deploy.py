"""The examples of docs/deploy: linted by those who know, and the one of nginx at work."""

import configparser
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import typer

from app.__main__ import serve
from tests.benchmarks.serving import free_port
from tests.conftest import ROOT, RunningApp, lacking, start_app
from tests.hand import render

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
    assert int(unit["Service"]["TimeoutStopSec"]) > 5
    if shutil.which("systemd-analyze") is None:
        return
    here = tmp_path / "inkwear@7861.service"
    here.write_text(text.replace("/opt/inkwear/.venv-app/bin/python", "/bin/true").replace("/opt/inkwear", "/"))
    found = subprocess.run(["systemd-analyze", "verify", here], capture_output=True, text=True)
    assert "inkwear" not in found.stderr.replace("inkwear@7861.service: Failed to connect", ""), found.stderr


def test_the_container_file_is_one() -> None:
    """Every instruction is known, its paths are here, and nothing runs as root."""
    joined = re.sub(r"\\\n\s*", "", (DEPLOY / "Containerfile").read_text())
    lines = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    known = {"FROM", "WORKDIR", "COPY", "RUN", "USER", "ENV", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT"}
    assert {name for name, _ in lines} == known
    assert lines[0][0] == "FROM"
    assert ":" in lines[0][1]
    for name, rest in lines:
        if name == "COPY":
            assert (ROOT / rest.split()[0]).exists()
    names = [name for name, _ in lines]
    assert names.index("USER") < names.index("ENTRYPOINT")


# -------------------------------------------------------------------------------------------------------------- nginx


@pytest.fixture
def two_behind_nginx(tmp_path: Path) -> Iterator[tuple[str, list[RunningApp]]]:
    """Two processes behind the nginx of the example, each request to the next."""
    if shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin") is None:
        lacking("no nginx is installed (Debian: apt-get install nginx-light)")
    port = free_port()
    with ThreadPoolExecutor() as pool:
        apps = [*pool.map(lambda _: start_app("--device", "cpu"), range(2))]
    config = (DEPLOY / "nginx.conf").read_text().replace("listen 7860", f"listen 127.0.0.1:{port}")
    config = config.replace("hash $remote_addr consistent;", "")  # by turns, so that both are met
    for example, app in zip(("127.0.0.1:7861", "127.0.0.1:7862"), apps, strict=True):
        config = config.replace(example, app.url.removeprefix("http://"))
    main = f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error; worker_processes 1; events {{ }}\n"
    temporary = "".join(f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi"))
    temporary += f"uwsgi_temp_path {tmp_path}/uwsgi; scgi_temp_path {tmp_path}/scgi; access_log off;\n"
    (tmp_path / "nginx.conf").write_text(f"{main} http {{ {temporary} {config} }}")
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
    subprocess.run([nginx, "-t", "-c", tmp_path / "nginx.conf", "-e", tmp_path / "error"], check=True)
    process = subprocess.Popen([nginx, "-c", tmp_path / "nginx.conf", "-e", tmp_path / "error"])
    time.sleep(0.5)
    yield f"http://127.0.0.1:{port}", apps
    process.terminate()
    process.wait(10)
    for app in apps:
        app.process.terminate()
        app.process.wait(15)


def test_two_processes_answer_as_one_and_one_may_stop(two_behind_nginx, tmp_path: Path) -> None:
    url, apps = two_behind_nginx
    render("5").save(tmp_path / "five.png")
    body = (tmp_path / "five.png").read_bytes()
    labels, codes = [], set()
    with httpx.Client(base_url=url, timeout=30) as client:
        assert "Inkwear" in client.get("/").text
        page = client.get("/models", headers={"Origin": url})
        assert page.status_code == 200
        for number in range(40):
            if number == 20:
                apps[0].process.send_signal(signal.SIGTERM)
            response = client.post("/classify", content=body, headers={"Content-Type": "image/png"})
            codes.add(response.status_code)
            labels.append(response.json().get("label"))
        assert client.get("/metrics").status_code == 404
        refused = client.get("/nothing")
    assert codes == {200}
    assert labels == ["5"] * 40
    assert refused.json()["error"]["request_id"] == refused.headers["x-request-id"]
    assert apps[0].process.wait(15) == 0
