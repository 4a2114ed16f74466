import base64
import hashlib
import io
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.application import build_app
from app.catalog import scan
from app.corrections import Corrections
from inkwear.corrections import read_corrections
from tests.conftest import EXPORTS, running_app
from tests.hand import png, render, write_number

FIVE = png(render("5"))


@pytest.fixture(scope="module")
def catalog():
    return scan(EXPORTS)


@pytest.fixture
def client(catalog, tmp_path: Path):
    with Corrections(tmp_path / "kept") as corrections:
        yield TestClient(build_app(catalog, "cpu", corrections), raise_server_exceptions=False)


def correct(client, content: bytes = FIVE, **form: str) -> httpx.Response:
    form = {"model": "mnist-convnet", "label": "6"} | form
    return client.post("/corrections", files={"image": ("five.png", content)}, data=form)


def test_a_correction_is_answered_as_it_is_kept(client) -> None:
    response = correct(client)
    made = response.json()
    assert response.status_code == 201
    assert (made["label"], made["said"], made["model"], made["dataset"]) == ("6", "5", "mnist-convnet", "mnist")
    assert made["digest"] == hashlib.sha256((EXPORTS / "mnist-convnet.onnx").read_bytes()).hexdigest()
    assert 0.5 < made["confidence"] <= 1
    read = client.post("/classify", files={"image": FIVE}, data={"model": "mnist-convnet"}).json()
    assert made["pixels"] == read["pixels"]
    assert np.frombuffer(base64.b64decode(made["pixels"]), np.uint8).size == 784
    assert client.get("/corrections").json() == {"enabled": True, "count": 1, "items": [made]}


def test_the_picture_comes_back_as_it_was_sent(client) -> None:
    made = correct(client).json()["id"]
    response = client.get(f"/corrections/{made}/picture")
    assert response.content == FIVE
    assert response.headers["content-type"] == "image/png"
    assert response.headers["content-disposition"] == f'inline; filename="{made}.png"'
    assert response.headers["x-content-type-options"] == "nosniff"


def test_undo_and_delete_all(client) -> None:
    first = correct(client).json()["id"]
    correct(client, png(render("3")))
    assert client.delete(f"/corrections/{first}").json() == {"deleted": 1}
    assert client.get("/corrections").json()["count"] == 1
    assert client.delete("/corrections").json() == {"deleted": 1}
    assert client.get("/corrections").json() == {"enabled": True, "count": 0, "items": []}
    response = client.delete(f"/corrections/{first}")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "NoSuchCorrectionError")
    assert client.get(f"/corrections/{first}/picture").status_code == 404


def test_pages(client) -> None:
    made = [correct(client, png(render(digit)), label=digit).json()["id"] for digit in "0123"]
    page = client.get("/corrections", params={"offset": 1, "limit": 2}).json()
    assert (page["count"], [item["id"] for item in page["items"]]) == (4, [made[2], made[1]])
    assert client.get("/corrections", params={"limit": 0}).status_code == 422


def test_the_zip_is_what_training_reads(client, tmp_path: Path) -> None:
    made = correct(client).json()["id"]
    response = client.get("/corrections.zip")
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["content-disposition"] == 'attachment; filename="corrections.zip"'
    assert zipfile.ZipFile(io.BytesIO(response.content)).read(f"pictures/{made}.png") == FIVE
    (tmp_path / "corrections.zip").write_bytes(response.content)
    [found] = read_corrections(tmp_path / "corrections.zip")
    assert (found.id, found.label) == (made, "6")


def test_a_digit_of_a_number_is_corrected_by_its_place(client) -> None:
    number = png(write_number("407"))
    read = client.post("/classify", files={"image": number}, data={"model": "mnist-sturdy"}).json()
    assert read["label"] == "407"
    made = correct(client, number, model="mnist-sturdy", digit="2", label="1").json()
    assert (made["said"], made["label"], made["pixels"]) == ("7", "1", read["digits"][2]["pixels"])
    other = correct(client, number, model="mnist-sturdy", digit="0", label="9").json()
    assert (other["said"], client.get("/corrections").json()["count"]) == ("4", 2)
    whole = correct(client, number, model="mnist-sturdy", digit="whole").json()
    assert (whole["said"], whole["pixels"]) == ("407", read["pixels"])


@pytest.mark.parametrize(
    ("content", "form", "status", "sentence"),
    [
        (FIVE, {"label": "five"}, 422, "'five' is no class of MNIST digits. Known: 0, 1, 2"),
        (FIVE, {"model": "mnist-nothing"}, 404, "There is no model 'mnist-nothing'"),
        (FIVE, {"digit": "0"}, 422, "was not read as a number; leave digit out"),
        (b"nothing", {}, 422, "five.png: not a picture of an accepted format"),
        (png(render("5", ink=255)), {}, 422, "Nothing was found in this picture, so there is nothing to correct"),
        (png(write_number("407")), {"model": "mnist-sturdy"}, 422, "digit=0 to 2, or digit=whole"),
        (png(write_number("407")), {"model": "mnist-sturdy", "digit": "3"}, 422, "digit=0 to 2, or digit=whole"),
    ],
)
def test_a_mistake_is_a_sentence_and_nothing_is_kept(client, content, form, status, sentence) -> None:
    response = correct(client, content, **form)
    assert response.status_code == status
    assert sentence in response.json()["error"]["message"]
    assert client.get("/corrections").json()["count"] == 0


# ---------------------------------------------------------------------------------------------------- off by default


def test_off_is_said_and_nothing_is_kept(catalog) -> None:
    client = TestClient(build_app(catalog, "cpu"), raise_server_exceptions=False)
    assert client.get("/corrections").json() == {"enabled": False, "count": 0, "items": []}
    for response in (
        correct(client),
        client.delete("/corrections"),
        client.delete("/corrections/1"),
        client.get("/corrections/1/picture"),
        client.get("/corrections.zip"),
    ):
        assert response.status_code == 403
        assert response.json()["error"]["code"] == "CorrectionsOff"
        assert "--corrections FOLDER" in response.json()["error"]["message"]


OPENED = """
import os, sys
def note(event, arguments):
    if event == "sqlite3.connect" or (event == "open" and isinstance(arguments[2], int)
                                      and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
        os.write(log, f"{event} {arguments[0]}\\n".encode())
log = os.open(os.environ["OPENED_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
sys.addaudithook(note)
"""


@pytest.mark.slow
def test_by_default_no_file_is_written_anywhere(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(OPENED)
    log = tmp_path / "log"
    place = {"PYTHONPATH": str(tmp_path), "OPENED_LOG": str(log)}
    with running_app("--device", "cpu", env=place) as app, httpx.Client(base_url=app.url, timeout=30) as client:
        before = log.read_text()
        assert client.post("/classify", files={"image": FIVE}, data={"model": "mnist-convnet"}).status_code == 200
        assert correct(client).status_code == 403
    written = log.read_text().removeprefix(before).splitlines()
    assert [line for line in written if "__pycache__" not in line and "/dev/null" not in line] == []
    assert "sqlite3.connect" not in log.read_text()


@pytest.mark.slow
def test_a_server_that_is_started_with_a_folder_keeps_them(tmp_path: Path) -> None:
    with running_app("--device", "cpu", "--corrections", str(tmp_path / "kept")) as app:
        made = correct(httpx.Client(base_url=app.url, timeout=30))
        assert made.status_code == 201
    assert app.process.returncode == 0
    assert [each.id for each in read_corrections(tmp_path / "kept")] == [made.json()["id"]]
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["corrections.sqlite"]
