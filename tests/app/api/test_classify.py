import base64
import json

import httpx
import numpy as np
import pytest
from PIL import Image

from inkwear.classifier import Classifier
from tests.app.conftest import error_of, message_of
from tests.conftest import ROOT
from tests.hand import png, render, write_number

FIVE = png(render("5"))

PNG = {"Content-Type": "image/png"}


def classify(client, content: bytes = FIVE, **form: str) -> httpx.Response:
    return client.post("/classify", files={"image": ("five.png", content)}, data={"model": "mnist-convnet"} | form)


def test_a_picture_and_a_model_give_label_and_probabilities(client) -> None:
    response = classify(client, device="cpu")
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


@pytest.mark.parametrize("kind", ["image/png", "application/octet-stream", "application/x-www-form-urlencoded", ""])
def test_the_bytes_of_a_picture_are_answered_like_a_form(client, kind: str) -> None:
    form = classify(client, model="mnist-lenet").json()
    plain = client.post("/classify?model=mnist-lenet", content=FIVE, headers={"Content-Type": kind}).json()
    assert (plain["label"], plain["model"]) == ("5", "mnist-lenet")
    assert plain | {"milliseconds": 0} == form | {"milliseconds": 0}


def test_without_a_model_the_best_one_answers_and_says_so(client) -> None:
    shelf = client.get("/models").json()
    best = max(shelf["models"], key=lambda card: (card["real_accuracy"] or 0, -card["parameters"]))
    answer = client.post("/classify", content=FIVE, headers=PNG).json()
    assert answer["model"] == best["name"] == shelf["default_model"]
    assert answer["digest"] == best["digest"]


def test_auto_asks_the_best_of_all_sets_and_names_the_surest(client) -> None:
    shelf = client.get("/models").json()
    digits, small, whole = shelf["auto"]
    trouser = (ROOT / "app" / "page" / "examples" / "trouser.png").read_bytes()
    for content, label, model, other in ((FIVE, "5", digits, whole), (trouser, "Trouser", whole, digits)):
        answer = classify(client, content, model="auto").json()
        assert (answer["status"], answer["label"], answer["model"]) == ("ok", label, model)
        assert answer["notes"][-1] == {
            "code": "surer",
            "text": f"{model} was surer than {other}",
            "values": {"model": model, "other": other},
        }
        assert answer["digest"] == next(card["digest"] for card in shelf["models"] if card["name"] == model)
        explained = client.post("/explain", files={"image": ("a.png", content)}, data={"model": "auto"}).json()
        assert explained["answer"]["model"] == model
    compared = client.post("/compare", files={"image": ("a.png", FIVE)}, data={"model": "auto"}).json()
    assert {reading["model"].partition("-")[0] for reading in compared["answers"]} == {"mnist"}
    lines = client.post("/classify/many", files=[("images", ("a.png", FIVE))], data={"model": "auto"}).text.splitlines()
    assert json.loads(lines[0])["answer"]["model"] == digits
    assert small.startswith("fashion_mnist-")


@pytest.mark.parametrize("name", ["draft", "glimpse"])
def test_a_draft_is_read_without_looking_for_digits_that_touch(client, name: str, monkeypatch) -> None:
    asked: list[bool] = []

    def predict(self: object, images: list, draft: bool = False) -> list:
        asked.append(draft)
        return sound(self, images, draft)

    sound = Classifier.predict
    monkeypatch.setattr(Classifier, "predict", predict)
    number = png(write_number("20"))
    for value in ("true", "false"):
        assert client.post(f"/classify?{name}={value}", content=number, headers=PNG).json()["label"] == "20"
    assert asked == [True, False]


@pytest.mark.parametrize(
    ("query", "content", "error", "reason"),
    [
        ("", b"", (422, "ImageError"), "the picture: the file is empty"),
        ("?name=my.png", b"hello", (422, "ImageError"), "my.png: not a picture of an accepted format; accepted"),
        ("?model=mnist-lenett", FIVE, (404, "UnknownModelError"), "Did you mean 'mnist-lenet'?"),
        ("?device=tpu", FIVE, (422, "RequestError"), "device: Input should be 'auto', 'cpu' or 'cuda'"),
        ("?draft=maybe", FIVE, (422, "RequestError"), "draft: Input should be 'true' or 'false'"),
        ("?glimpse=maybe", FIVE, (422, "RequestError"), "glimpse: Input should be 'true' or 'false'"),
    ],
)
def test_a_mistake_is_answered_with_a_sentence(client, query: str, content: bytes, error: tuple, reason: str) -> None:
    response = client.post(f"/classify{query}", content=content, headers=PNG)
    assert error_of(response) == error
    assert reason in message_of(response)
