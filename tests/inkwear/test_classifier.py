import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.catalog import scan
from inkwear.classifier import Classifier, softmax
from inkwear.images.decode import open_image
from tests.conftest import EXPORTS
from tests.hand import DIGITS, render, write_number

BLANK = Image.new("L", (300, 300), 255)


@pytest.mark.parametrize("name", ["mnist-convnet", "mnist-lenet"])
def test_the_ten_digits_are_read(name: str) -> None:
    predictions = Classifier(EXPORTS / f"{name}.onnx", "cpu").predict([render(digit) for digit in DIGITS])
    assert [prediction.label for prediction in predictions] == list(DIGITS)


@pytest.mark.parametrize("name", sorted(scan(EXPORTS).entries))
def test_every_shipped_export_meets_its_reference(name: str) -> None:
    classifier = Classifier(EXPORTS / f"{name}.onnx", "cpu")
    reference = classifier.metadata.reference
    np.testing.assert_allclose(classifier.logits(reference.image()[None])[0], reference.logits, atol=1e-3)


def test_a_prediction_explains_itself(classifier: Classifier) -> None:
    [prediction] = classifier.predict([render("7").convert("RGBA")])
    assert (prediction.status, prediction.label) == ("ok", "7")
    assert abs(sum(prediction.probabilities) - 1) < 1e-6
    assert prediction.pixels.shape == (28, 28)
    assert "inverted: the object was darker than its background" in map(str, prediction.notes)


def test_a_blank_picture_gets_no_digit_and_moves_no_neighbor(classifier: Classifier) -> None:
    predictions = classifier.predict([render("1"), BLANK, render("2"), BLANK, render("3")])
    assert [prediction.label for prediction in predictions] == ["1", None, "2", None, "3"]
    blank = predictions[1]
    assert (blank.status, blank.probabilities, blank.confidence, blank.class_id) == ("blank", (), None, None)
    assert blank.top(3) == []
    assert [prediction.status for prediction in classifier.predict([BLANK])] == ["blank"]
    assert classifier.predict([]) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "pictures",
    [
        [render(digit, pen=pen) for digit in DIGITS for pen in (10, 25)],
        [write_number(text, apart=apart) for text, apart in (("25", 64), ("703", 64), ("42", 110))],
    ],
    ids=["digits", "numbers"],
)
def test_confidence_does_not_depend_on_the_company(sturdy: Classifier, pictures: list[Image.Image]) -> None:
    together, alone = sturdy.predict(pictures), [sturdy.predict([picture])[0] for picture in pictures]
    assert [one.probabilities for one in together] == [one.probabilities for one in alone]
    assert [one.confidence for one in together] == [one.confidence for one in alone]


@pytest.mark.slow
@pytest.mark.parametrize("text", ["42", "4711", "0819", "56", "27\n935"])
def test_a_number_is_read_as_its_digits(classifier: Classifier, text: str) -> None:
    picture = write_number(text)
    [prediction] = classifier.predict([picture])
    digits = prediction.digits
    assert prediction.label == "".join(digit.label for digit in digits) == text.replace("\n", "")
    assert (prediction.class_id, prediction.probabilities, prediction.top(3)) == (None, (), [])
    assert prediction.confidence == min(digit.confidence for digit in digits)
    assert "number" in [note.code for note in prediction.notes]
    gray = np.asarray(picture)
    for left, top, right, bottom in (digit.box for digit in digits):
        assert 0 <= left < right <= picture.width
        assert 0 <= top < bottom <= picture.height
        assert gray[top:bottom, left:right].min() < 60


def test_a_draft_is_read_without_the_search_for_touching_digits(alone: Classifier, sturdy: Classifier) -> None:
    pictures = [write_number("46", apart=apart) for apart in (110, 62)]
    assert [prediction.label for prediction in alone.predict(pictures)] == ["46", "46"]
    assert [len(prediction.digits) for prediction in alone.predict(pictures, draft=True)] == [2, 0]
    assert [prediction.label for prediction in sturdy.predict(pictures, draft=True)] == ["46", "46"]


@pytest.mark.slow
@pytest.mark.parametrize("text", ["42", "4711", "0819", "27\n935"])
def test_a_model_alone_reads_numbers_by_their_candidates(alone: Classifier, text: str) -> None:
    assert alone.line_reader is None
    [prediction] = alone.predict([write_number(text)])
    assert prediction.label == prediction.text == text.replace("\n", "")
    assert prediction.written is None
    assert [note.code for note in prediction.notes][-1] == "number"


@pytest.mark.slow
def test_a_model_alone_finds_no_number_on_28_by_28_pixels(alone: Classifier) -> None:
    [prediction] = alone.predict([write_number("42").resize((28, 22))])
    assert prediction.digits == ()


def test_boxes_are_in_pixels_of_the_file(classifier: Classifier, tmp_path: Path) -> None:
    picture = write_number("42").resize((2800, 2200))  # a large JPEG is decoded smaller than it is
    picture.save(tmp_path / "large.jpg")
    [from_file] = classifier.predict([open_image(tmp_path / "large.jpg")])
    [from_memory] = classifier.predict([picture])
    assert from_file.label == from_memory.label == "42"
    for one, other in zip(from_file.digits, from_memory.digits, strict=True):
        np.testing.assert_allclose(one.box, other.box, atol=16)


@pytest.mark.parametrize("size", [(28, 22), (230, 220)])
def test_clothes_are_one_thing(size: tuple[int, int]) -> None:
    classifier = Classifier(EXPORTS / "fashion_mnist-lenet.onnx", "cpu")
    [prediction] = classifier.predict([write_number("42").resize(size)])
    assert (prediction.digits, prediction.reader) == ((), None)
    assert prediction.label in prediction.class_names


def test_softmax_survives_large_logits() -> None:
    assert softmax(np.array([1000.0, 0.0], np.float32)).tolist() == [1.0, 0.0]


def test_an_answer_below_the_threshold_is_not_sure(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "metadata", dataclasses.replace(classifier.metadata, reject_threshold=1.0))
    [prediction, blank] = classifier.predict([render("7"), BLANK])
    assert (prediction.status, prediction.label) == ("unsure", "7")
    assert prediction.top(2)[0][0] == "7"
    assert blank.status == "blank"


def test_the_temperature_changes_confidence_and_never_the_label(
    alone: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    [before] = alone.predict([render("3")])
    monkeypatch.setattr(alone, "metadata", dataclasses.replace(alone.metadata, temperature=5.0))
    [after] = alone.predict([render("3")])
    assert after.label == before.label == "3"
    assert 0.1 < after.confidence < before.confidence - 0.1


def test_most_of_what_is_no_digit_is_not_read_surely(sturdy: Classifier) -> None:
    rng = np.random.default_rng(0)
    scribbles = [Image.fromarray(rng.integers(0, 256, (28, 28), np.uint8)) for _ in range(20)]
    assert sum(prediction.status == "ok" for prediction in sturdy.predict(scribbles)) <= 2
