from tests.app.api.test_classify import FIVE
from tests.conftest import EXPORTS


def test_compare_tells_all_models_of_the_set(client) -> None:
    compared = client.post("/compare", files={"image": ("five.png", FIVE)}, data={"model": "mnist-lenet"}).json()
    names = [row["model"] for row in compared["answers"]]
    assert set(names) == {path.stem for path in EXPORTS.glob("mnist-*.onnx")}
    accuracies = [row["test_accuracy"] for row in compared["answers"]]
    assert accuracies == sorted(accuracies, reverse=True)
    assert compared["label"] == "5"
    assert compared["agreement"] == sum(row["label"] == "5" for row in compared["answers"]) / len(names)
    assert {row["error"] for row in compared["answers"]} == {None}
