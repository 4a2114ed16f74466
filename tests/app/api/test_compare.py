from tests.hand import png, render


def test_all_models_of_the_set_answer_the_best_first(client) -> None:
    form = {"files": {"image": ("five.png", png(render("5")))}, "data": {"model": "mnist-convnet"}}
    compared = client.post("/compare", **form).json()
    names = [row["model"] for row in compared["answers"]]
    ranked = [model["name"] for model in client.get("/models").json()["models"]]
    assert names == [name for name in ranked if name.startswith("mnist-")]
    assert len(names) > 5
    assert compared["label"] == "5"
    assert compared["agreement"] == sum(row["label"] == "5" for row in compared["answers"]) / len(names)
    assert {row["error"] for row in compared["answers"]} == {None}
