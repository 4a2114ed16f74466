import base64
import io
import json
import time
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.app.api.test_classify import FIVE, PNG
from tests.app.archives.packed import tarred, zipped
from tests.app.conftest import error_of, message_of
from tests.hand import png, render

SEVEN = png(render("7"))


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
    single = client.post("/classify?model=mnist-lenet", content=FIVE, headers=PNG).json()
    assert first["answer"] | {"milliseconds": 0} == single | {"milliseconds": 0}
    small = Image.open(io.BytesIO(base64.b64decode(first["thumbnail"])))
    assert (small.format, max(small.size)) == ("WEBP", 96)


def test_no_picture_at_all_and_an_unknown_model_are_refused(client) -> None:
    form = b'--edge\r\nContent-Disposition: form-data; name="model"\r\n\r\nmnist-lenet\r\n--edge--\r\n'
    head = {"Content-Type": "multipart/form-data; boundary=edge"}
    assert message_of(client.post("/classify/many", content=form, headers=head)) == "images: Field required"
    response = client.post("/classify/many", files=[("images", ("a", FIVE))], data={"model": "nobody"})
    assert error_of(response) == (404, "UnknownModelError")


@pytest.mark.slow
def test_a_thousand_files_take_one_descriptor(client) -> None:
    lines = lines_of(client, *((f"{index}.png", FIVE) for index in range(1100)), model="mnist-mlp_small")
    assert lines[-1] == {"done": True, "count": 1100, "failed": 0}


def test_a_picture_that_breaks_us_is_logged_by_its_request_and_not_by_its_name(
    client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(data: bytes, name: str) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("app.api.classify_batch.open_picture", breaks)
    files = [("images", ("private.png", b"hello"))]
    lines = client.post("/classify/many", files=files, headers={"X-Request-ID": "mine-8"}).text.splitlines()
    assert "an error of ours" in json.loads(lines[0])["error"]["message"]
    assert "Picture 0 of request mine-8" in caplog.text
    assert "private" not in caplog.text


@pytest.mark.slow
def test_whoever_hangs_up_stops_the_work(app_url: str, tmp_path: Path) -> None:
    files = [("images", ("scans.zip", zipped({f"{index}.png": FIVE for index in range(3000)})))]
    with httpx.stream("POST", f"{app_url}/classify/many", files=files, timeout=60) as response:
        next(response.iter_lines())
    time.sleep(1)
    started = time.perf_counter()
    lines = httpx.post(f"{app_url}/classify/many", files=[("images", ("a.png", FIVE))], timeout=60).text.splitlines()
    assert len(lines) == 2
    assert time.perf_counter() - started < 2  # 3,000 pictures would take longer, and stand before it
