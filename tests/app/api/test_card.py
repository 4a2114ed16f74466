import pytest

from tests.app.conftest import error_of, message_of


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
    assert error_of(response) == (404, "UnknownModelError")
    assert "Did you mean 'mnist-lenet'?" in message_of(response)
