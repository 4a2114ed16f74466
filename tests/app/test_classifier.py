import numpy as np
import pytest
from PIL import Image

from app.classifier import Classifier, softmax
from tests.conftest import EXPORTS
from tests.hand import DIGITS, render

BLANK = Image.new("L", (300, 300), 255)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(EXPORTS / "mnist-convnet.onnx", "cpu")


@pytest.mark.parametrize("name", ["mnist-convnet", "mnist-lenet"])
def test_the_ten_digits_are_read(name: str) -> None:
    predictions = Classifier(EXPORTS / f"{name}.onnx", "cpu").predict([render(digit) for digit in DIGITS])
    assert [prediction.label for prediction in predictions] == list(DIGITS)


@pytest.mark.parametrize("name", sorted(path.stem for path in EXPORTS.glob("*.onnx")))
def test_every_shipped_export_meets_its_reference(name: str) -> None:
    classifier = Classifier(EXPORTS / f"{name}.onnx", "cpu")
    reference = classifier.metadata.reference
    np.testing.assert_allclose(classifier.logits(reference.image()[None])[0], reference.logits, atol=1e-3)


def test_a_prediction_explains_itself(classifier: Classifier) -> None:
    [prediction] = classifier.predict([render("7").convert("RGBA")])
    assert prediction.status == "ok"
    assert prediction.label == "7"
    assert prediction.class_id == 7
    assert prediction.confidence == max(prediction.probabilities)
    assert abs(sum(prediction.probabilities) - 1) < 1e-6
    assert prediction.top(2)[0] == ("7", prediction.confidence)
    assert prediction.pixels.shape == (28, 28)
    assert "inverted: the object was darker than its background" in map(str, prediction.notes)


def test_a_blank_picture_gets_no_digit_and_moves_no_neighbour(classifier: Classifier) -> None:
    predictions = classifier.predict([render("1"), BLANK, render("2"), BLANK, render("3")])
    assert [prediction.label for prediction in predictions] == ["1", None, "2", None, "3"]
    blank = predictions[1]
    assert (blank.status, blank.probabilities, blank.confidence, blank.class_id) == ("blank", (), None, None)
    assert blank.top(3) == []
    assert [prediction.status for prediction in classifier.predict([BLANK])] == ["blank"]
    assert classifier.predict([]) == []


def test_probabilities_do_not_depend_on_the_company(classifier: Classifier) -> None:
    pictures = [render(digit, pen=pen) for digit in DIGITS for pen in (10, 25)]
    together = classifier.predict(pictures)
    alone = [classifier.predict([picture])[0] for picture in pictures]
    assert [prediction.probabilities for prediction in together] == [prediction.probabilities for prediction in alone]


def test_softmax_survives_large_logits() -> None:
    assert softmax(np.array([1000.0, 0.0], np.float32)).tolist() == [1.0, 0.0]
