import base64
import io

import pytest
from PIL import Image

from tests.hand import png, render


def post(client, path: str, picture: Image.Image) -> dict:
    return client.post(path, files={"image": ("five.png", png(picture))}, data={"model": "mnist-convnet"}).json()


def test_explain_gives_steps_saliency_and_the_answer_of_classify(client) -> None:
    explained = post(client, "/explain", render("5"))
    answer = post(client, "/classify", render("5"))
    codes = ["original", "gray", "found", "read", "framed", "normalized"]
    assert [step["code"] for step in explained["steps"]] == codes
    for step in explained["steps"]:
        assert max(Image.open(io.BytesIO(base64.b64decode(step["picture"]))).size) <= 320
    assert explained["answer"]["probabilities"] == answer["probabilities"]
    [saliency] = explained["saliency"]
    assert (saliency["label"], saliency["class_id"], saliency["pixels"]) == ("5", 5, answer["pixels"])
    assert [len(row) for row in saliency["values"]] == [28] * 28
    assert explained["steps"][-1]["numbers"]["least"] == pytest.approx(-0.4242, abs=1e-3)


def test_explain_of_a_blank_page(client) -> None:
    explained = post(client, "/explain", Image.new("L", (200, 200), 255))
    assert explained["saliency"] == []
    assert explained["answer"]["status"] == "blank"
