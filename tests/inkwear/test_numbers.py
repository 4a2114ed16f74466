"""What whole pictures of numbers are read as: signs, lines, columns, boxes, margins, small and sideways ones."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from inkwear.classifier import Classifier
from inkwear.prediction import Prediction
from tests.hand import render, write_number, write_text
from tests.inkwear.preprocess.test_ink import TROUBLES
from training.datasets import DATASETS, load_pixels


def read(classifier: Classifier, picture: Image.Image) -> Prediction:
    [prediction] = classifier.predict([picture])
    return prediction


def codes(prediction: Prediction) -> list[str]:
    return [note.code for note in prediction.notes]


def photograph(drawing: Image.Image) -> Image.Image:
    """The drawing on a gray sheet lit from one side, with the grain of a camera."""
    pixels = 60 + np.asarray(drawing, np.float32) * 0.55
    grain = np.random.default_rng(0).normal(0, 3, pixels.shape)
    return Image.fromarray((pixels * np.linspace(0.7, 1, pixels.shape[1]) + grain).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize(
    ("text", "signs"),
    [("0.75", "."), ("35=", "="), ("7/10", "/"), ("3+4", "+"), ("12:45", ":"), ("1.234,-", ".,-"), ("20-12-31", "-")],
)
@pytest.mark.parametrize("change", [lambda picture: picture, photograph], ids=["drawn", "photographed"])
def test_signs_are_kept_in_the_text_and_left_out_of_the_label(
    sturdy: Classifier, text: str, signs: str, change: Callable[[Image.Image], Image.Image]
) -> None:
    prediction = read(sturdy, change(write_text(text)))
    assert prediction.text == text
    assert prediction.label == "".join(name for name in text if name.isdigit())
    assert len(prediction.digits) == len(prediction.label)
    assert f"signs kept in the text: {signs}" in map(str, prediction.notes)


def test_a_dash_in_a_sum_is_a_minus(sturdy: Classifier) -> None:
    prediction = read(sturdy, write_text("12-5=8"))
    assert (prediction.label, prediction.text) == ("1258", "12\N{MINUS SIGN}5=8")


@pytest.mark.parametrize("place", ["under", "over"])
@pytest.mark.parametrize("text", ["47", "306"])
def test_a_line_under_or_over_a_number_is_not_read(sturdy: Classifier, text: str, place: str) -> None:
    picture = write_text(text)
    y = picture.height - 34 if place == "under" else 34
    ImageDraw.Draw(picture).line([30, y, picture.width - 30, y], fill=20, width=5)
    prediction = read(sturdy, picture)
    assert (prediction.label, prediction.text) == (text, text)
    lefts = [digit.box[0] for digit in prediction.digits]
    assert lefts == sorted(set(lefts))


@pytest.mark.parametrize("text", ["1\n1\n1\n1", "7\n2\n5", "27\n935", "4711\n08\n356"])
def test_lines_are_read_one_below_the_other(sturdy: Classifier, text: str) -> None:
    prediction = read(sturdy, write_number(text))
    assert prediction.text == text
    assert f"{len(text.splitlines())} lines read from top to bottom" in map(str, prediction.notes)


@pytest.mark.parametrize("text", ["42", "73"])
def test_two_digits_stand_on_28_by_28_pixels(sturdy: Classifier, text: str) -> None:
    number = write_number(text, pen=16)
    sheet = Image.new("L", (number.width, number.width), 255)
    sheet.paste(number, (0, (sheet.height - number.height) // 2))
    prediction = read(sturdy, sheet.resize((28, 28), Image.Resampling.LANCZOS))
    assert prediction.label == text
    assert all(0 <= left < right <= 28 for left, _, right, _ in (digit.box for digit in prediction.digits))


def test_a_sideways_number_is_turned_with_a_note_and_its_boxes_stay(sturdy: Classifier) -> None:
    picture = write_number("4725").rotate(90, expand=True)
    prediction = read(sturdy, picture)
    assert prediction.label == "4725"
    assert "turned by 90°, as its digits stand that way" in map(str, prediction.notes)
    gray = np.asarray(picture)
    for left, top, right, bottom in (digit.box for digit in prediction.digits):
        assert gray[top:bottom, left:right].min() < 60
    tops = [digit.box[1] for digit in prediction.digits]
    assert tops == sorted(tops, reverse=True)


def test_one_digit_is_never_turned(sturdy: Classifier) -> None:
    prediction = read(sturdy, render("7").rotate(90))
    assert "turned_by" not in codes(prediction)


@pytest.mark.parametrize("name", TROUBLES)
def test_a_digit_is_read_on_any_paper_and_in_any_light(sturdy: Classifier, name: str) -> None:
    prediction = read(sturdy, Image.fromarray(TROUBLES[name]))
    assert (prediction.label, prediction.status) == ("5", "ok")
    assert prediction.digits == ()


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("digit", "5307")
def test_a_letterboxed_digit_is_read(sturdy: Classifier, digit: str, level: int) -> None:
    sheet = Image.new("L", (720, 400), level)
    sheet.paste(photograph(render(digit)), (160, 0))
    prediction = read(sturdy, sheet)
    assert prediction.label == digit
    assert "margins" in codes(prediction)


@pytest.mark.parametrize("change", [lambda picture: picture, photograph], ids=["drawn", "photographed"])
def test_a_row_of_boxes_holds_a_digit_each(sturdy: Classifier, change: Callable[[Image.Image], Image.Image]) -> None:
    picture = write_number("4725", side=80, apart=120, pen=8)
    for column in range(4):
        ImageDraw.Draw(picture).rectangle([40 + 120 * column, 40, 160 + 120 * column, 180], outline=120, width=2)
    prediction = read(sturdy, change(picture))
    assert prediction.label == "4725"
    centers = [(digit.box[0] + digit.box[2]) / 2 for digit in prediction.digits]
    np.testing.assert_allclose(centers, [100, 220, 340, 460], atol=20)


@pytest.mark.parametrize("text", ["25", "58", "46", "703", "82", "00"])
def test_touching_digits_are_read_apart(sturdy: Classifier, text: str) -> None:
    prediction = read(sturdy, write_number(text, apart=64))
    assert prediction.label == text
    assert prediction.reader in ("both", "line reader")


def test_what_is_no_digit_is_told_and_not_read_surely(sturdy: Classifier) -> None:
    plus = read(sturdy, write_text("+"))
    assert plus.status == "unsure"
    assert "signs kept in the text: +" in map(str, plus.notes)
    beside = read(sturdy, write_text("5."))
    assert (beside.label, beside.digits) == ("5", ())
    assert "signs kept in the text: ." in map(str, beside.notes)


def test_clean_drawn_numbers_are_read_surely(sturdy: Classifier) -> None:
    predictions = sturdy.predict([write_number(text) for text in ("47", "306", "4711", "25980", "813")])
    assert [prediction.label for prediction in predictions] == ["47", "306", "4711", "25980", "813"]
    assert sum(prediction.status == "ok" for prediction in predictions) >= 4
    assert {prediction.reader for prediction in predictions} == {"both"}


def test_images_of_the_data_set_come_back_as_they_are(sturdy: Classifier, real_data: Path) -> None:
    images, _ = load_pixels(DATASETS["mnist"], "test", real_data)
    predictions = sturdy.predict([Image.fromarray(image) for image in images[:200]])
    for prediction, image in zip(predictions, images, strict=False):
        assert np.array_equal(prediction.pixels, image)
        assert codes(prediction) == ["already_framed"]
        assert prediction.digits == ()
    logits = sturdy.logits(images[:200])
    assert [prediction.class_id for prediction in predictions] == logits.argmax(axis=1).tolist()
