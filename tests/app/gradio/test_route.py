import pytest

from tests.app.archives.packed import png
from tests.app.conftest import error_of, message_of
from tests.conftest import ROOT


def call(client, path: str, model: str = "mnist-lenet", device: str = "cpu"):
    image = {"path": path, "meta": {"_type": "gradio.FileData"}}
    return client.post("/gradio_api/run/classify", json={"data": [image, model, device]})


@pytest.mark.parametrize(
    "path", ["http://127.0.0.1:1/five.png", str(ROOT / "docs" / "page.png"), "../../etc/passwd", ""]
)
def test_uploads_are_opened_and_nothing_else(client, path: str) -> None:
    response = call(client, path)
    assert error_of(response) == (422, "RequestError")
    assert message_of(response) == "image: an uploaded file is expected; nothing is fetched from elsewhere."


def test_a_call_is_answered_as_classify_answers(client) -> None:
    path = client.post("/gradio_api/upload", files={"files": ("five.png", png("5"))}).json()[0]
    [answer] = call(client, path).json()["data"]
    form = client.post("/classify", files={"image": ("five.png", png("5"))}, data={"model": "mnist-lenet"}).json()
    assert answer["probabilities"] == form["probabilities"]
    assert error_of(call(client, path, model="mnist-lenett")) == (404, "UnknownModelError")
    assert message_of(call(client, path, device="tpu")) == "device: Input should be 'auto', 'cpu' or 'cuda'"
