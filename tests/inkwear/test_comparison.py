from dataclasses import replace

import pytest
from PIL import Image

from app.catalog import scan
from inkwear.classifier import Classifier
from inkwear.comparison import Comparison, Reading, compare, majority
from inkwear.errors import ModelFileError
from inkwear.prediction import Prediction
from tests.conftest import some_exports
from tests.hand import render, write_number

SMALL = ("mnist-mlp", "mnist-lenet", "mnist-convnet", "fashion_mnist-mlp")


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory):
    return scan(some_exports(tmp_path_factory.mktemp("exports"), SMALL))


def compared(catalog, picture: Image.Image, open_model=None):
    metadata = catalog.entries["mnist-lenet"].metadata
    return compare(picture, metadata, catalog.snapshot.ranked, open_model or catalog.classifier)


def prediction(label: str | None) -> Prediction:
    probabilities = () if label is None else tuple(float(label == name) for name in "012")
    return Prediction("ok" if label else "blank", tuple("012"), probabilities, None, ())  # type: ignore[arg-type]


def test_all_models_of_the_set_answer_the_best_first(catalog) -> None:
    comparison = compared(catalog, render("7"))
    assert [reading.entry.name for reading in comparison.readings] == [
        entry.name for entry in catalog.snapshot.ranked if entry.metadata.dataset == "mnist"
    ]
    assert (comparison.label, comparison.agreement) == ("7", 1)
    for reading in comparison.readings:
        [alone] = catalog.classifier(reading.entry.name).predict([render("7")])
        assert reading.prediction.probabilities == alone.probabilities
        assert 0 < reading.milliseconds < 1000


def test_the_picture_is_prepared_once(catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    found, find = [], Classifier.segment
    monkeypatch.setattr(Classifier, "segment", lambda self, image: found.append(self) or find(self, image))
    assert compared(catalog, write_number("42")).label == "42"
    assert len(found) == 1


def test_a_model_that_cannot_be_opened_says_why_in_its_place(catalog) -> None:
    def open_model(name: str) -> Classifier:
        if name == "mnist-lenet":
            raise ModelFileError("it is gone")
        return catalog.classifier(name)

    comparison = compared(catalog, render("7"), open_model)
    assert [str(reading.error) for reading in comparison.readings if reading.error] == ["it is gone"]
    assert comparison.readings[1].prediction is None
    assert comparison.agreement == 1


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["1", "2", "2"], ("2", 2 / 3)),
        (["1", "2"], ("1", 1 / 2)),
        ([None, None], (None, None)),
        ([], (None, None)),
    ],
)
def test_the_majority(labels: list[str | None], expected: tuple) -> None:
    assert majority([prediction(label) for label in labels]) == expected


def test_the_text_is_that_of_the_earliest_model_with_the_label() -> None:
    read = (("1", "1."), ("2", "2,"), ("2", "2"))
    readings = tuple(Reading("a model", replace(prediction(label), written=text)) for label, text in read)
    assert Comparison(readings, "2", 2 / 3).text == "2,"
    assert Comparison(readings[:0], None, None).text is None
