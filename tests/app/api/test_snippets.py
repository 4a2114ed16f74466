import base64
import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.app.api.test_classify import FIVE
from tests.conftest import ROOT

SNIPPETS = ROOT / "app" / "page" / "snippets"


def test_snippets_name_the_server_that_was_asked(client) -> None:
    snippets = client.get("/snippets", headers={"Host": "inkwear.example:8080"}).json()
    assert set(snippets) == {path.name for path in SNIPPETS.iterdir()}
    assert all("http://inkwear.example:8080" in text for text in snippets.values())
    strange = client.get("/snippets", headers={"Host": "a'; rm -rf /"}).json()
    assert all("rm -rf" not in text for text in strange.values())


@pytest.fixture
def snippets(app_url: str, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "five.png").write_bytes(FIVE)
    return httpx.get(f"{app_url}/snippets").json()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["python.py", "gradio_client.py"])
def test_the_python_snippets_run(snippets: dict[str, str], tmp_path: Path, name: str) -> None:
    command = [sys.executable, "-c", snippets[name]]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=90)
    assert finished.stdout.startswith("ok 5 "), finished.stderr


@pytest.mark.slow
def test_the_curl_snippets_run(snippets: dict[str, str], tmp_path: Path) -> None:
    finished = subprocess.run(["bash", "-c", snippets["curl.sh"]], cwd=tmp_path, capture_output=True, timeout=60)
    answers = finished.stdout.decode()
    assert answers.count('"label":"5"') == 3
    assert json.loads(answers.splitlines()[-1]) == {"done": True, "count": 2, "failed": 0}


def test_the_javascript_snippet_runs_in_a_browser(browser, app_url: str, snippets: dict[str, str]) -> None:
    page = browser.new_page()
    page.goto(f"{app_url}/healthz")
    picture = "Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0))"
    call = f"async (encoded) => {{ {snippets['javascript.js']}; return classify(new Blob([{picture}])); }}"
    assert page.evaluate(call, base64.b64encode(FIVE).decode())["label"] == "5"
    page.close()
