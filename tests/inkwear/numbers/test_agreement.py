import numpy as np
import pytest

from inkwear.numbers.agreement import Agreed, agree_on_one
from inkwear.numbers.agreement import agree_on_number as agree
from inkwear.numbers.transcript import Transcript
from tests.inkwear.numbers.scripted import transcript_of


def model_says(*likely: dict[int, float]) -> np.ndarray:
    """Probabilities (digits, 10) of a model, the rest spread evenly."""
    rows = np.zeros((len(likely), 10), np.float32)
    for row, classes in zip(rows, likely, strict=True):
        row[:] = (1 - sum(classes.values())) / (10 - len(classes))
        row[list(classes)] = list(classes.values())
    return rows


def agree_on_number(transcript: Transcript, probabilities: np.ndarray, *, is_cut: bool = False) -> list[Agreed]:
    return agree(transcript, probabilities, [is_cut] * len(probabilities))


def test_where_both_say_the_same_the_answer_is_sure() -> None:
    agreed = agree_on_number(transcript_of("4_7"), model_says({4: 0.99}, {7: 0.9}))
    assert [each.class_id for each in agreed] == [4, 7]
    assert all(each.p > 0.99 and each.by_reader and each.by_model for each in agreed)


def test_the_model_decides_where_the_reader_is_in_doubt() -> None:
    doubt = transcript_of(["4", "_", {"1": 0.55, "7": 0.44}])
    four, seven = agree_on_number(doubt, model_says({4: 0.99}, {7: 0.98}))
    assert (seven.class_id, seven.by_reader, seven.by_model) == (7, False, True)
    assert (four.class_id, four.by_reader, four.by_model) == (4, True, True)
    assert seven.p < four.p


def test_the_reader_decides_where_the_model_is_in_doubt() -> None:
    [four, seven] = agree_on_number(transcript_of("4_7"), model_says({4: 0.99}, {1: 0.55, 7: 0.44}))
    assert (four.class_id, seven.class_id) == (4, 7)
    assert (seven.by_reader, seven.by_model) == (True, False)


def test_the_model_has_less_to_say_of_a_digit_that_was_cut_off() -> None:
    doubt, model = transcript_of(["4", "_", {"1": 0.88, "7": 0.11}]), model_says({4: 0.99}, {7: 0.99})
    assert [each.class_id for each in agree_on_number(doubt, model)] == [4, 7]
    assert [each.class_id for each in agree_on_number(doubt, model, is_cut=True)] == [4, 1]


def test_the_weight_of_a_model_that_excludes_the_truth_is_limited() -> None:
    nothing = np.eye(10, dtype=np.float32)[[1, 1]]
    agreed = agree_on_number(transcript_of("4_7"), nothing)
    assert np.isfinite([each.p for each in agreed]).all()
    assert [each.class_id for each in agreed] == [4, 7]


def test_an_unknown_mark_asks_for_no_digit() -> None:
    agreed = agree_on_number(transcript_of("4_?_7"), model_says({4: 0.99}, {7: 0.99}))
    assert [each.class_id for each in agreed] == [4, 7]


def test_a_doubt_about_how_many_digits_there_are_is_one_about_each() -> None:
    script = ["4", "_", {"3": 0.5, "_": 0.5}, "_", "7"]
    count = len(transcript_of(script).digits)
    assert all(each.p < 0.6 for each in agree_on_number(transcript_of(script), model_says(*[{}] * count)))


@pytest.mark.parametrize(("script", "least", "most"), [("_5_", 0.99, 1), ("5_?", 0, 0.01), ("5_7", 0, 0.01)])
def test_one_digit_is_as_probable_as_there_being_one(script: str, least: float, most: float) -> None:
    probabilities, p, by_both = agree_on_one(transcript_of(script), model_says({5: 0.9})[0])
    assert by_both
    assert least <= p <= most
    assert probabilities.argmax() == 5
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_one_digit_is_what_both_together_find_likeliest() -> None:
    doubt = transcript_of(["_", {"1": 0.55, "7": 0.44}, "_"])
    assert agree_on_one(doubt, model_says({7: 0.98})[0])[0].argmax() == 7
    assert agree_on_one(doubt, model_says({1: 0.98})[0])[0].argmax() == 1


def test_it_is_told_if_they_differ_about_one_digit() -> None:
    assert not agree_on_one(transcript_of("_5_"), model_says({6: 0.9})[0])[2]
