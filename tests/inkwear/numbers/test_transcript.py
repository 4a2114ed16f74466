import numpy as np
import pytest

from inkwear.numbers.ctc import log_likelihoods
from tests.inkwear.numbers.scripted import Step, transcript_of

DOUBT = {"1": 0.4, "_": 0.6}
"""A step where the blank is likelier than a 1; of two of them, a 1 in one or both is likelier than none."""


@pytest.mark.parametrize(
    ("script", "text", "digits"),
    [
        ("0_._7_5", "0.75", "075"),
        ("3_5_=", "35=", "35"),
        ("1_/_2", "1/2", "12"),
        ("3_+_4_-_1", "3+4\N{MINUS SIGN}1", "341"),
        ("1_2_-_5_=_7", "12\N{MINUS SIGN}5=7", "1257"),
        ("-_7", "\N{MINUS SIGN}7", "7"),
        ("2_0_-_1_2_-_3_1", "20-12-31", "201231"),
        ("1_._2_0_0_,_-", "1.200,-", "1200"),
        ("1_2_0_0_=", "1200=", "1200"),
        ("_ _4_ _2_ _", "4 2", "42"),
        ("4_?_7", "4?7", "47"),
        ("77_7", "77", "77"),
        ("____", "", ""),
    ],
)
def test_a_text_keeps_its_signs_and_a_dash_in_a_sum_is_a_minus(script: str, text: str, digits: str) -> None:
    transcript = transcript_of(script)
    assert transcript.text == text
    assert "".join(sign.name for sign in transcript.digits) == digits
    assert [sign.class_id for sign in transcript.digits] == list(map(int, digits))
    assert transcript.p > 0.99


def test_an_unknown_mark_is_the_id_after_the_last_class() -> None:
    assert transcript_of("4_?_7").string == (4, 10, 7)
    assert transcript_of("4_._7").string == (4, 7)


def test_a_sign_stands_where_it_was_read_on_the_map_of_ink() -> None:
    four, seven = transcript_of("__4_77", left=10, scale=2).signs
    assert (four.start, four.end) == (14, 16)
    assert (seven.start, seven.end) == (18, 22)


@pytest.mark.parametrize(
    ("step", "p"),
    [({".": 0.5, ",": 0.5}, 1), ({"1": 0.6, "7": 0.4}, 0.6), ({"1": 0.6, "?": 0.4}, 0.6), ({"1": 0.8, "_": 0.2}, 0.8)],
    ids=["which sign", "which digit", "a digit or not", "a digit or nothing"],
)
def test_only_doubts_about_digits_and_unknown_marks_count(step: Step, p: float) -> None:
    assert transcript_of([*"5_", step, *"_3"]).p == pytest.approx(p, abs=0.01)


def test_the_likeliest_string_is_found_where_the_likeliest_classes_do_not_spell_it() -> None:
    transcript = transcript_of(["5", "_", DOUBT, DOUBT])
    assert transcript.string == (5, 1)
    assert transcript.text == "51"
    assert transcript.p == pytest.approx(1 - 0.6 * 0.6, abs=0.01)
    assert transcript.p == pytest.approx(float(np.exp(log_likelihoods(transcript.steps, [(5, 1)])[0])))


def test_repeated_digits_are_aligned_with_a_blank_between_them() -> None:
    transcript = transcript_of(["1", "_", "_", DOUBT, DOUBT, "_"])
    assert transcript.string == (1, 1)
    first, second = transcript.signs
    assert (first.start, first.end) == (0, 4)
    assert 12 <= second.start < second.end <= 20
    assert first.p > second.p == pytest.approx(0.4, abs=0.01)


def test_an_unknown_mark_is_aligned_as_a_digit_is() -> None:
    transcript = transcript_of(["?", "_", "_", DOUBT, DOUBT, "_"])
    assert [(sign.name, sign.class_id) for sign in transcript.signs] == [("?", None), ("1", 1)]
