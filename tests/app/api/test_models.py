from tests.conftest import EXPORTS


def test_the_models_are_listed_with_their_numbers(client) -> None:
    listed = client.get("/models").json()
    card = next(model for model in listed["models"] if model["name"] == "mnist-convnet")
    assert card["class_names"] == list("0123456789")
    assert card["parameters"] == 29_034
    assert card["test_accuracy"] > 0.99
    assert card["bytes"] == (EXPORTS / "mnist-convnet.onnx").stat().st_size
    assert listed["refused"] == {}


def test_models_are_polled_cheaply(client) -> None:
    response = client.get("/models")
    assert response.headers["etag"] == f'"{response.json()["revision"]}"'
    again = client.get("/models", headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/models", headers={"If-None-Match": '"older"'}).status_code == 200
