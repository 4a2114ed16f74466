"""The endpoints as another program meets them."""

import base64
import io
import json
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gradio
import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.api import classify_batch as many
from app.application import build_app
from app.catalog import scan
from tests.app.archives.packed import tarred
from tests.conftest import EXPORTS, ROOT
from tests.hand import render

PAGE = ROOT / "app" / "page" / "snippets"


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


FIVE, SEVEN = png(render("5")), png(render("7"))


def zipped(entries: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file.getvalue()


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(build_app(scan(EXPORTS)), raise_server_exceptions=False)


# ------------------------------------------------------------------------------------------------------ one picture


@pytest.mark.parametrize("kind", ["image/png", "application/octet-stream", "application/x-www-form-urlencoded", ""])
def test_the_bytes_of_a_picture_are_answered_like_a_form(client, kind: str) -> None:
    form = client.post("/classify", files={"image": ("five.png", FIVE)}, data={"model": "mnist-lenet"}).json()
    plain = client.post("/classify?model=mnist-lenet", content=FIVE, headers={"Content-Type": kind}).json()
    assert (plain["label"], plain["model"]) == ("5", "mnist-lenet")
    assert plain | {"milliseconds": 0} == form | {"milliseconds": 0}


def test_without_a_model_the_best_one_answers_and_says_so(client) -> None:
    shelf = client.get("/models").json()
    best = max(shelf["models"], key=lambda card: (card["real_accuracy"] or 0, -card["parameters"]))
    answer = client.post("/classify", content=FIVE, headers={"Content-Type": "image/png"}).json()
    assert answer["model"] == best["name"] == shelf["default_model"]
    assert answer["digest"] == best["digest"]


@pytest.mark.parametrize(
    ("query", "content", "status", "code", "reason"),
    [
        ("", b"", 422, "ImageError", "the picture: the file is empty"),
        ("?name=my.png", b"hello", 422, "ImageError", "my.png: not a picture of an accepted format"),
        ("?model=mnist-lenett", FIVE, 404, "UnknownModelError", "Did you mean 'mnist-lenet'?"),
        ("?device=tpu", FIVE, 422, "RequestError", "device: Input should be 'auto', 'cpu' or 'cuda'"),
        ("?glimpse=maybe", FIVE, 422, "RequestError", "glimpse: Input should be 'true' or 'false'"),
    ],
)
def test_a_mistake_is_answered_in_one_form(client, query, content, status, code, reason) -> None:
    response = client.post(f"/classify{query}", content=content, headers={"Content-Type": "image/png"})
    assert response.status_code == status
    assert response.json()["error"]["code"] == code
    assert reason in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("kind", "content", "reason"),
    [
        ("multipart/form-data; boundary=edge", b"--edge--\r\n", "image: Field required"),
        ("multipart/form-data", b"hello", "The form cannot be read"),
        ("multipart/form-data; boundary=edge", b"no form at all", "The form cannot be read"),
    ],
)
def test_a_damaged_form_is_said(client, kind: str, content: bytes, reason: str) -> None:
    response = client.post("/classify", content=content, headers={"Content-Type": kind})
    assert response.status_code == 422
    assert reason in response.json()["error"]["message"]


def test_a_body_without_end_is_cut_off(client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "MOST_BYTES", 1000)
    response = client.post("/classify/many", files=[("images", ("five.png", FIVE))])
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "TooLargeError"


def test_small_requests_do_not_wait_for_a_large_one(app_url: str) -> None:
    file = io.BytesIO()
    Image.effect_noise((8000, 6000), 60).save(file, "JPEG", quality=95)
    icon = png(Image.fromarray(np.zeros((28, 28), np.uint8)))
    with ThreadPoolExecutor(1) as pool, httpx.Client(base_url=app_url, timeout=60) as small:
        headers = {"Content-Type": "image/jpeg"}
        small.post("/classify", content=icon, headers=headers)
        large = pool.submit(httpx.post, f"{app_url}/classify", content=file.getvalue(), headers=headers, timeout=60)
        waits = []
        while not large.done():
            started = time.perf_counter()
            assert small.post("/classify", content=icon, headers=headers).status_code == 200
            waits.append(time.perf_counter() - started)
        assert large.result().status_code == 200
    assert len(waits) >= 5
    assert sorted(waits)[len(waits) // 2] < 0.1


# ---------------------------------------------------------------------------------------------------- many pictures


def lines_of(client, *files: tuple[str, bytes], **data: str) -> list[dict]:
    response = client.post("/classify/many", files=[("images", file) for file in files], data=data)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.text.splitlines()]


def test_files_and_archives_are_answered_in_order_and_a_bad_one_costs_no_other(client) -> None:
    archive = zipped({"seven.png": SEVEN, "__MACOSX/x": b"", "notes.txt": b"hello", "more.zip": zipped({"a": FIVE})})
    *lines, last = lines_of(client, ("five.png", FIVE), ("scans.zip", archive), ("end.png", FIVE), model="mnist-lenet")
    names = ["five.png", "scans.zip/seven.png", "scans.zip/notes.txt", "scans.zip/more.zip", "end.png"]
    assert [(line["index"], line["name"]) for line in lines] == list(enumerate(names))
    assert [line["answer"]["label"] if "answer" in line else line["error"]["code"] for line in lines] == [
        *("5", "7", "ImageError", "ArchiveError", "5")
    ]
    assert lines[0]["answer"]["model"] == "mnist-lenet"
    assert last == {"done": True, "count": 5, "failed": 2}


def test_a_tar_is_read_and_names_that_are_not_utf_8_are_no_harm(client) -> None:
    archive = tarred({"f\udcfcnf.png": FIVE, "n\udcfcll.png": b"hello"}, "gz")
    five, nothing, _ = lines_of(client, ("scans.tgz", archive), model="mnist-lenet")
    assert (five["name"], five["answer"]["label"]) == ("scans.tgz/f\N{REPLACEMENT CHARACTER}nf.png", "5")
    assert nothing["error"]["message"].startswith("scans.tgz/n\N{REPLACEMENT CHARACTER}ll.png: not a picture")


def test_an_answer_is_that_of_the_single_picture_with_a_thumbnail(client) -> None:
    first, _ = lines_of(client, ("five.png", FIVE), model="mnist-lenet")
    single = client.post("/classify?model=mnist-lenet", content=FIVE, headers={"Content-Type": "image/png"}).json()
    assert first["answer"] | {"milliseconds": 0} == single | {"milliseconds": 0}
    small = Image.open(io.BytesIO(base64.b64decode(first["thumbnail"])))
    assert (small.format, max(small.size)) == ("WEBP", 96)


def test_no_picture_at_all_and_an_unknown_model_are_refused(client) -> None:
    form = b'--edge\r\nContent-Disposition: form-data; name="model"\r\n\r\nmnist-lenet\r\n--edge--\r\n'
    response = client.post(
        "/classify/many", content=form, headers={"Content-Type": "multipart/form-data; boundary=edge"}
    )
    assert response.json()["error"]["message"] == "images: Field required"
    response = client.post("/classify/many", files=[("images", ("a", FIVE))], data={"model": "nobody"})
    assert response.json()["error"]["code"] == "UnknownModelError"


def test_a_thousand_files_take_one_descriptor(client) -> None:
    lines = lines_of(client, *((f"{index}.png", FIVE) for index in range(1100)), model="mnist-mlp_small")
    assert lines[-1] == {"done": True, "count": 1100, "failed": 0}


def test_whoever_hangs_up_stops_the_work(app_url: str, tmp_path: Path) -> None:
    files = [("images", ("scans.zip", zipped({f"{index}.png": FIVE for index in range(3000)})))]
    with httpx.stream("POST", f"{app_url}/classify/many", files=files, timeout=60) as response:
        next(response.iter_lines())
    time.sleep(1)
    started = time.perf_counter()
    lines = httpx.post(f"{app_url}/classify/many", files=[("images", ("a.png", FIVE))], timeout=60).text.splitlines()
    assert len(lines) == 2
    assert time.perf_counter() - started < 2  # 3,000 pictures would take longer, and stand before it


# ------------------------------------------------------------------------------------------------------- models, help


def test_models_are_polled_cheaply(client) -> None:
    response = client.get("/models")
    assert response.headers["etag"] == f'"{response.json()["revision"]}"'
    again = client.get("/models", headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/models", headers={"If-None-Match": '"older"'}).status_code == 200


def test_openapi_tells_what_is_taken_and_what_is_answered(client) -> None:
    described = client.get("/openapi.json").json()
    one, several = (described["paths"][path]["post"] for path in ("/classify", "/classify/many"))
    assert set(one["requestBody"]["content"]) == {"multipart/form-data", "image/*", "application/octet-stream"}
    assert [parameter["name"] for parameter in one["parameters"]] == ["model", "device", "glimpse", "name"]
    assert set(one["responses"]) == {"200", "404", "409", "413", "422", "500"}
    assert set(several["requestBody"]["content"]) == {"multipart/form-data", "application/zip"}
    answer = described["components"]["schemas"]["PredictionResponse"]["properties"]
    assert set(answer) == set(client.post("/classify", content=FIVE, headers={"Content-Type": "image/png"}).json())
    models = described["components"]["schemas"]["ModelsResponse"]["properties"]
    assert set(models) == set(client.get("/models").json())


def test_snippets_name_the_server_that_was_asked(client) -> None:
    snippets = client.get("/snippets", headers={"Host": "inkwear.example:8080"}).json()
    assert set(snippets) == {path.name for path in PAGE.iterdir()}
    assert all("http://inkwear.example:8080" in text for text in snippets.values())
    strange = client.get("/snippets", headers={"Host": "a'; rm -rf /"}).json()
    assert all("rm -rf" not in text for text in strange.values())


@pytest.fixture
def snippets(app_url: str, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "five.png").write_bytes(FIVE)
    return httpx.get(f"{app_url}/snippets").json()


@pytest.mark.parametrize("name", ["python.py", "gradio_client.py"])
def test_the_python_snippets_run(snippets: dict[str, str], tmp_path: Path, name: str) -> None:
    command = [sys.executable, "-c", snippets[name]]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=90)
    assert finished.stdout.startswith("ok 5 "), finished.stderr


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


# ------------------------------------------------------------------------------------------------------------ gradio


@pytest.mark.parametrize(
    "path", ["http://127.0.0.1:1/five.png", str(ROOT / "docs" / "page.png"), "../../etc/passwd", ""]
)
def test_gradios_endpoint_opens_uploads_and_nothing_else(app_url: str, path: str) -> None:
    image = {"path": path, "meta": {"_type": "gradio.FileData"}}
    response = httpx.post(f"{app_url}/gradio_api/run/classify", json={"data": [image, "mnist-lenet", ""]}, timeout=30)
    assert response.status_code >= 400
    assert "an uploaded file is expected; nothing is fetched from elsewhere" in response.text


def test_of_sessions_that_are_gone_only_some_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradio's own queue would keep something of each for ever, and sum all calls up after each call."""
    monkeypatch.setattr("app.application.MOST_SESSIONS", 3)
    app = build_app(scan(EXPORTS))
    [queue] = [
        route.app.get_blocks()._queue
        for route in app.routes
        if isinstance(getattr(route, "app", None), gradio.routes.App)
    ]
    with TestClient(app) as client:
        for number in range(5):
            path = client.post("/gradio_api/upload", files={"files": ("five.png", FIVE)}).json()[0]
            data = [{"path": path, "meta": {"_type": "gradio.FileData"}}, "mnist-lenet", "cpu"]
            call = {"data": data, "fn_index": 0, "session_hash": f"session{number}"}
            assert client.post("/gradio_api/queue/join", json=call).status_code == 200
            heard = client.get(f"/gradio_api/queue/data?session_hash=session{number}").text
            assert '"label":"5"' in heard
    assert len(queue.pending_event_ids_session) == len(queue.pending_messages_per_session) == 3
    assert "session4" in queue.pending_event_ids_session
    assert len(queue.event_analytics) <= 1
    assert queue.compute_analytics_summary([{"function": "classify"}]) == {"functions": {}}


def test_mcp_without_its_package_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.application.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'gradio\[mcp\]'"):
        build_app(scan(EXPORTS), mcp=True)


# ------------------------------------------------------------------------------------------------------------- start


def test_the_start_loads_neither_onnx_runtime_nor_opencv() -> None:
    script = "import app.application, app.server, sys; print(sorted(set(sys.modules) & {'onnxruntime', 'cv2'}))"
    printed = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"
