import shutil
from pathlib import Path

import pytest

from app.api.card import CardResponse
from app.catalog import Entry, scan
from inkwear.report import report_path
from tests.conftest import EXPORTS, some_exports

SHIPPED = scan(EXPORTS).entries


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_every_shipped_export_has_a_report_that_agrees_with_it(name: str) -> None:
    card, metadata = CardResponse.of(SHIPPED[name]), SHIPPED[name].metadata
    assert card.note is None
    assert card.layers
    assert card.curves
    assert card.confusion
    right = sum(row[index] for index, row in enumerate(card.confusion))
    assert sum(map(sum, card.confusion)) == 10_000
    assert right / 10_000 == pytest.approx(metadata.metrics["test_accuracy"], abs=1e-9)
    assert sum(layer.parameters for layer in card.layers) == metadata.metrics["parameters"]
    best = next(epoch for epoch in card.curves if epoch["epoch"] == metadata.recipe["best_epoch"])
    assert best["validation_accuracy"] == pytest.approx(metadata.metrics["validation_accuracy"], abs=1e-5)
    assert len(card.class_accuracy) == len(metadata.class_names)
    assert report_path(SHIPPED[name].path).stat().st_size < 30_000


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    return scan(some_exports(tmp_path, ["mnist-mlp_small"])).entries["mnist-mlp_small"]


def test_a_report_of_another_file_is_not_believed(entry: Entry) -> None:
    shutil.copy(EXPORTS / "reports/mnist-mlp.json", report_path(entry.path))
    card = CardResponse.of(entry)
    assert card.note.code == "other_file"
    assert (card.layers, card.macs, card.curves, card.confusion, card.drawing) == (None,) * 5


@pytest.mark.parametrize(
    ("content", "code"), [(None, "missing"), ("{", "damaged"), ("[]", "damaged"), ('{"schema_version": 2}', "damaged")]
)
def test_a_report_that_cannot_be_read_is_named(entry: Entry, content: str | None, code: str) -> None:
    report_path(entry.path).unlink()
    if content is not None:
        report_path(entry.path).write_text(content)
    card = CardResponse.of(entry)
    assert card.note.code == code
    assert len(card.sha256) == 64


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
