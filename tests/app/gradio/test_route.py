import pytest

from tests.app.archives.packed import png
from tests.app.conftest import error_of, message_of, uploaded
from tests.conftest import ROOT


def call(client, image: dict, model: str = "mnist-lenet", device: str = "cpu"):
    return client.post("/gradio_api/run/classify", json={"data": [image, model, device]})


@pytest.mark.parametrize(
    "path", ["http://127.0.0.1:1/five.png", str(ROOT / "docs" / "page.png"), "../../etc/passwd", ""]
)
def test_uploads_are_opened_and_nothing_else(client, path: str) -> None:
    response = call(client, {"path": path})
    assert error_of(response) == (422, "RequestError")
    assert message_of(response) == "image: an uploaded file is expected; nothing is fetched from elsewhere."


def test_a_call_is_answered_as_classify_answers(client) -> None:
    image = uploaded(client, png("5"))
    [answer] = call(client, image).json()["data"]
    form = client.post("/classify", files={"image": ("five.png", png("5"))}, data={"model": "mnist-lenet"}).json()
    assert answer["probabilities"] == form["probabilities"]
    assert error_of(call(client, image, model="mnist-lenett")) == (404, "UnknownModelError")
    assert message_of(call(client, image, device="tpu")) == "device: Input should be 'auto', 'cpu' or 'cuda'"
