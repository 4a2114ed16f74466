import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from inkwear.classifier import Classifier
from tests.app.conftest import uploaded
from tests.hand import png, render, write_number

NUMBER, FIVE = png(write_number("20")), png(render("5"))

WRITTEN = "2\n-0"


@pytest.fixture
def _written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let both read every number, and find a sign and two lines in it."""

    def predict_prepared(self: Classifier, prepared_images: list) -> list:
        found = sound(self, prepared_images)
        return [replace(each, written=WRITTEN, reader="both") if each.digits else each for each in found]

    sound = Classifier.predict_prepared
    monkeypatch.setattr(Classifier, "predict_prepared", predict_prepared)


def posted(client, path: str, picture: bytes) -> dict[str, Any]:
    return client.post(path, files={"image": picture}, data={"model": "mnist-convnet"}).json()


def streamed(client, picture: bytes) -> dict[str, Any]:
    response = client.post("/classify/many", files={"images": picture}, data={"model": "mnist-convnet"})
    return json.loads(response.text.splitlines()[0])["answer"]


def called(client, picture: bytes) -> dict[str, Any]:
    data = [uploaded(client, picture), "mnist-convnet", "cpu"]
    return client.post("/gradio_api/run/classify", json={"data": data}).json()["data"][0]


ANSWERS: dict[str, Callable[..., dict[str, Any]]] = {
    "/classify": lambda client, picture: posted(client, "/classify", picture),
    "/classify/many": streamed,
    "/explain": lambda client, picture: posted(client, "/explain", picture)["answer"],
    "Gradio": called,
}


@pytest.mark.usefixtures("_written")
@pytest.mark.parametrize("endpoint", ANSWERS)
def test_a_number_has_its_text_and_who_read_it_beside_its_label(client, endpoint: str) -> None:
    number, one = (ANSWERS[endpoint](client, picture) for picture in (NUMBER, FIVE))
    assert (number["label"], number["text"], number["reader"]) == ("20", WRITTEN, "both")
    assert (one["label"], one["text"], one["reader"]) == ("5", "5", None)


@pytest.mark.usefixtures("_written")
def test_models_that_are_compared_have_texts_too(client) -> None:
    compared = posted(client, "/compare", NUMBER)
    assert (compared["label"], compared["text"]) == ("20", WRITTEN)
    texts = {(row["label"], row["text"]) for row in compared["answers"] if row["label"] == "20"}
    assert texts == {("20", WRITTEN)}


def test_a_blank_picture_has_no_text(client) -> None:
    blank = png(render("1", ink=255))
    assert posted(client, "/classify", blank)["text"] is None
    assert posted(client, "/compare", blank)["text"] is None
