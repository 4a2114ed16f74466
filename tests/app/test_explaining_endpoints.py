import base64
import io

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.application import build_app
from app.catalog import scan
from tests.conftest import EXPORTS, some_exports
from tests.hand import render


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    quick = [path.stem for path in EXPORTS.glob("*mnist-*.onnx") if "alexnet" not in path.stem]
    catalog = scan(some_exports(tmp_path_factory.mktemp("exports"), quick))
    return TestClient(build_app(catalog, "cpu"), raise_server_exceptions=False)


def post(client: TestClient, path: str, picture: Image.Image, model: str = "mnist-convnet"):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return client.post(path, files={"image": ("five.png", buffer.getvalue())}, data={"model": model})


def test_explain_gives_steps_saliency_and_the_answer_of_classify(client) -> None:
    explained = post(client, "/explain", render("5")).json()
    answer = post(client, "/classify", render("5")).json()
    assert [step["code"] for step in explained["steps"]] == ["original", "gray", "found", "framed", "normalized"]
    for step in explained["steps"]:
        assert max(Image.open(io.BytesIO(base64.b64decode(step["picture"]))).size) <= 320
    assert explained["answer"]["probabilities"] == answer["probabilities"]
    [saliency] = explained["saliency"]
    assert (saliency["label"], saliency["class_id"], saliency["pixels"]) == ("5", 5, answer["pixels"])
    assert [len(row) for row in saliency["values"]] == [28] * 28
    assert explained["steps"][-1]["numbers"]["least"] == pytest.approx(-0.4242, abs=1e-3)


def test_explain_of_a_blank_page(client) -> None:
    explained = post(client, "/explain", Image.new("L", (200, 200), 255)).json()
    assert explained["saliency"] == []
    assert explained["answer"]["status"] == "blank"


def test_compare_tells_all_models_of_the_set(client) -> None:
    compared = post(client, "/compare", render("5")).json()
    names = [row["model"] for row in compared["answers"]]
    ranked = [model["name"] for model in client.get("/models").json()["models"]]
    assert names == [name for name in ranked if name.startswith("mnist-")]
    assert len(names) > 5
    assert compared["label"] == "5"
    assert compared["agreement"] == sum(row["label"] == "5" for row in compared["answers"]) / len(names)
    assert {row["error"] for row in compared["answers"]} == {None}


def test_a_card_tells_recipe_layers_curves_and_confusions(client) -> None:
    card = client.get("/models/mnist-lenet/card").json()
    assert card["recipe"]["command"].startswith("python -m training.train --dataset mnist --model lenet")
    assert card["layers"][1] == {
        "name": "features.0",
        "kind": "Conv2d",
        "detail": "5×5",
        "shape": [6, 28, 28],
        "parameters": 156,
        "macs": 122_304,
        "inputs": ["images"],
    }
    assert card["curves"][-1]["epoch"] == 30
    assert sum(card["confusion"][0]) == 980
    assert card["class_accuracy"][0] == card["confusion"][0][0] / 980
    assert set(card["confidence"]) == {"calibration_error", "unsure", "accuracy_when_sure"}
    assert card["drawing"].startswith("<svg")
    assert card["note"] is None


def test_the_drawing_is_a_picture_by_itself(client) -> None:
    response = client.get("/models/mnist-lenet/drawing.svg")
    assert response.headers["content-type"] == "image/svg+xml"
    assert "prefers-color-scheme" in response.text


@pytest.mark.parametrize("path", ["card", "drawing.svg"])
def test_an_unknown_model_is_answered_with_a_sentence(client, path: str) -> None:
    response = client.get(f"/models/mnist-lenett/{path}")
    assert response.status_code == 404
    assert "Did you mean 'mnist-lenet'?" in response.json()["error"]["message"]
