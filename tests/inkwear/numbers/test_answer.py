import dataclasses

import numpy as np
import pytest

from inkwear.classifier import Classifier
from inkwear.numbers.answer import answer
from inkwear.numbers.reading import ReadDigit, ReadLine, ReadPage
from inkwear.onnx.metadata import ModelMetadata
from inkwear.prediction import Prediction, Prepared
from inkwear.preprocess.framing import Framed
from inkwear.preprocess.notes import Note
from inkwear.preprocess.spec import SIZE
from tests.inkwear.numbers.scripted import Step, transcript_of
from tests.inkwear.numbers.test_agreement import model_says

WHOLE, PART = (np.full((SIZE, SIZE), level, np.uint8) for level in (100, 200))


@pytest.fixture
def metadata(classifier: Classifier) -> ModelMetadata:
    return dataclasses.replace(classifier.metadata, reject_threshold=0.7)


def read(script: str | list[Step], found: bool = True) -> ReadLine:
    """A line with the digits of a script, each with its own ink unless it was not found."""
    transcript = transcript_of(script)
    pixels = PART if found else np.zeros_like(PART)
    digits = tuple(ReadDigit(sign, (10 * at, 0, 10 * at + 8, 20), pixels) for at, sign in enumerate(transcript.digits))
    return ReadLine(transcript, digits, np.zeros((40, 60), np.uint8), ink=100.0)


def prepared(*lines: ReadLine) -> Prepared:
    return Prepared(Framed(WHOLE, (Note("inverted"),)), (Note("inverted"),), scale=2.5, page=ReadPage(lines))


def notes(prediction: Prediction) -> list[str]:
    return [str(note) for note in prediction.notes]


def test_a_number_of_two_lines(metadata: ModelMetadata) -> None:
    page = ReadPage((read("7"), read("1_,_0")), cut_off=1, degrees=90)
    whole = dataclasses.replace(prepared(), page=page)
    found = answer(whole, model_says({0: 0.9}, {7: 0.99}, {1: 0.99}, {0: 0.99}), metadata)
    assert (found.label, found.text, found.status, found.reader) == ("710", "7\n1,0", "ok", "both")
    assert found.probabilities == ()
    assert [digit.box for digit in found.digits] == [(0, 0, 20, 50), (0, 0, 20, 50), (25, 0, 45, 50)]
    assert found.pixels is WHOLE
    assert notes(found) == [
        "inverted: the object was darker than its background",
        "split into 3 digits, each framed by itself",
        "2 lines read from top to bottom",
        "turned by 90°, as its digits stand that way",
        "lines cut off by the border left out: 1",
        "signs kept in the text: ,",
    ]


@pytest.mark.parametrize(
    ("seven", "model", "label", "reader"),
    [
        ("7", {7: 0.99}, "47", "both"),
        ("7", {1: 0.6, 7: 0.3}, "47", "line reader"),
        ({"1": 0.55, "7": 0.44}, {7: 0.98}, "47", "model"),
    ],
)
def test_who_read_a_number_is_said(
    metadata: ModelMetadata, seven: Step, model: dict[int, float], label: str, reader: str
) -> None:
    found = answer(prepared(read(["4", "_", seven])), model_says({0: 0.7}, {4: 0.99}, model), metadata)
    assert (found.label, found.reader) == (label, reader)


def test_an_unknown_mark_makes_a_number_unsure(metadata: ModelMetadata) -> None:
    ours = model_says({0: 0.9}, {4: 0.99}, {7: 0.99})
    found = answer(prepared(read("4_?_7")), ours, metadata)
    assert (found.label, found.text, found.status) == ("47", "4?7", "unsure")
    assert notes(found)[-1] == "marks that are no digits: 1"
    beside = answer(prepared(read("4_7"), read("?_?")), ours, metadata)
    assert (beside.text, beside.status) == ("47", "unsure")
    assert notes(beside)[-1] == "marks that are no digits: 2"


def test_a_number_is_as_sure_as_its_least_sure_digit(metadata: ModelMetadata) -> None:
    doubt = read(["4", "_", {"1": 0.5, "7": 0.49}])
    found = answer(prepared(doubt), model_says({0: 0.7}, {4: 0.99}, {1: 0.5, 7: 0.5}), metadata)
    assert found.status == "unsure"
    assert found.confidence == min(digit.confidence for digit in found.digits) < 0.7


def test_two_digits_that_hardly_can_be_read_give_way_to_one(metadata: ModelMetadata) -> None:
    """Interrupted strokes look like several digits to the reader."""
    broken = read([{"1": 0.5, "4": 0.49}, "_", "7"])
    found = answer(prepared(broken), model_says({7: 0.95}, {1: 0.9}, {7: 0.9}), metadata)
    assert (found.label, found.status, found.digits) == ("7", "unsure", ())
    longer = read([{"1": 0.5, "4": 0.49}, "_", "7", "_", "2", "_", "3"])
    assert answer(prepared(longer), model_says({7: 0.95}, *[{1: 0.9}] * 4), metadata).digits


def test_digits_without_ink_are_left_to_the_reader(metadata: ModelMetadata) -> None:
    found = answer(prepared(read("4_7", found=False)), model_says({0: 0.9}, {1: 0.99}, {1: 0.99}), metadata)
    assert (found.label, found.status) == ("47", "ok")


def test_one_digit_is_the_whole_picture(metadata: ModelMetadata) -> None:
    found = answer(prepared(read("_5_")), model_says({5: 0.99}, {3: 0.99}), metadata)
    assert (found.label, found.text, found.status, found.digits, found.reader) == ("5", "5", "ok", (), None)
    assert found.pixels is WHOLE
    assert sum(found.probabilities) == pytest.approx(1, abs=1e-5)


def test_a_digit_with_a_dot_is_framed_alone(metadata: ModelMetadata) -> None:
    doubt = [{"5": 0.6, "3": 0.4}, "_", "."]
    found = answer(prepared(read(doubt)), model_says({3: 0.99}, {5: 0.99}), metadata)
    assert (found.label, found.digits) == ("5", ())
    assert found.pixels is PART
    assert notes(found)[-1] == "signs kept in the text: ."


def test_one_digit_beside_an_unknown_mark_is_unsure(metadata: ModelMetadata) -> None:
    found = answer(prepared(read("5"), read("?")), model_says({5: 0.99}, {5: 0.99}), metadata)
    assert (found.label, found.status) == ("5", "unsure")


def test_a_digit_beside_a_line_that_is_cut_off_is_framed_alone(metadata: ModelMetadata) -> None:
    page = ReadPage((read("5"),), cut_off=1)
    found = answer(dataclasses.replace(prepared(), page=page), model_says({3: 0.9}, {5: 0.99}), metadata)
    assert (found.label, found.status, found.pixels is PART) == ("5", "ok", True)


def test_one_digit_that_the_reader_hardly_sees_is_unsure(metadata: ModelMetadata) -> None:
    hardly = answer(prepared(read([{"5": 0.06, "?": 0.94}])), model_says({5: 0.999}), metadata)
    assert (hardly.label, hardly.status) == ("5", "unsure")


def test_marks_alone_are_what_the_model_says_and_never_sure(metadata: ModelMetadata) -> None:
    found = answer(prepared(read("?_+")), model_says({8: 0.999}), metadata)
    assert (found.label, found.status, found.pixels is WHOLE) == ("8", "unsure", True)
    assert notes(found)[-2:] == ["signs kept in the text: +", "marks that are no digits: 1"]
