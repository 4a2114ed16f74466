import math

import numpy as np
import pytest

from inkwear.numbers.joint import agreement, align, class_scores, likely_strings, read_line
from inkwear.numbers.score import Line
from tests.inkwear.numbers.test_decode import candidate

INF = math.inf


def steps_for(*classes: int, classes_there: int = 3, sure: float = 6) -> np.ndarray:
    """What a reader gives that sees these classes one after the other, the blank being the last class."""
    steps = np.zeros((len(classes), classes_there + 1), np.float32)
    steps[np.arange(len(classes)), classes] = sure
    return steps


@pytest.fixture
def line() -> Line:
    """Two pieces that are two digits, or one."""
    return Line(2, (INF, INF), (candidate(0, 1), candidate(1, 2), candidate(0, 2)))


def test_a_string_is_aligned_with_the_candidates_that_spell_it(line: Line) -> None:
    logits = np.array([[9, 0, 0], [0, 9, 0], [0, 0, 9]], np.float32)
    by_class = class_scores(line, logits, 1)
    scores, paths = align(line, by_class, [(0, 1), (2,), (1, 1), (0, 1, 2)])
    assert paths == [(0, 1), (2,), (0, 1), ()]
    assert scores[0] > scores[2] > scores[3] == -INF
    assert {(0, 1), (2,)} <= likely_strings(line, by_class)


def test_a_speckle_may_be_left_out_of_a_string() -> None:
    line = Line(2, (INF, 0.1), (candidate(0, 1),))
    assert align(line, np.zeros((1, 3)), [(1,)])[1] == [(0,)]


def test_the_reader_decides_where_candidates_are_in_doubt(line: Line) -> None:
    logits = np.array([[9, 0, 0], [0, 9, 0], [0, 0, 12]], np.float32)
    two, one = steps_for(0, 3, 1), steps_for(3, 2, 3)
    assert read_line(line, logits, two, trust=5).classes == (0, 1)
    assert read_line(line, logits, one, trust=5).classes == (2,)


def test_a_digit_is_as_sure_as_the_strings_that_have_it(line: Line) -> None:
    assert agreement((1, 2, 3), [(1, 2, 3), (1, 7, 3), (2, 3)], np.array([0.5, 0.3, 0.2])) == pytest.approx(
        (0.8, 0.7, 1.0)
    )
    logits = np.array([[40, 0, 0], [0, 40, 40], [0, 0, 0]], np.float32)
    first, second = read_line(line, logits, steps_for(0, 3, 3), trust=0, sharpness=1).confidences
    assert first > 0.95
    assert 0.3 < second < 0.7


def test_without_candidates_there_is_no_reading() -> None:
    assert read_line(Line(1, (INF,), (candidate(0, 0),)), np.zeros((1, 3), np.float32), steps_for(1)) is None
