import math

import numpy as np
import pytest

from inkwear.numbers.decode import best_path, best_reading
from inkwear.numbers.score import Candidate, Line, Weights, log_odds, mean_crossings
from inkwear.numbers.segment import split, whole
from inkwear.preprocess.framing import find, frame
from inkwear.preprocess.spec import SIZE
from tests.hand import DIGITS, render, write_number
from training.datasets import DATASETS

DIGIT = DATASETS["mnist"].input


def lines_of(picture) -> list[Line]:
    return split(find(np.asarray(picture), DIGIT)[0], DIGIT)


def candidate(first: int, last: int, width: float = 0.6, gap: float = 0, cut: float = 0) -> Candidate:
    return Candidate(first, last, (0, 0, 1, 1), width, 1, gap, cut, np.zeros((SIZE, SIZE), np.uint8))


@pytest.mark.parametrize("digit", DIGITS)
def test_one_digit_is_not_even_split(digit: str) -> None:
    assert lines_of(render(digit)) == []


def test_a_blank_foreground_has_no_lines() -> None:
    assert split(np.zeros((50, 90), np.float32), DIGIT) == []


def test_each_digit_apart_is_a_candidate_framed_by_itself() -> None:
    [line] = lines_of(write_number("307"))
    framed = [np.asarray(each.pixels) for each in line.candidates]
    for digit in "307":
        alone = frame(np.asarray(write_number(digit)), DIGIT).pixels
        assert any(np.abs(alone.astype(int) - pixels).max() <= 1 for pixels in framed)


def test_ink_of_many_pixels_is_split_as_if_it_had_few() -> None:
    foreground = find(np.asarray(write_number("307")), DIGIT)[0]
    [few] = split(foreground, DIGIT)
    [many] = split(np.repeat(np.repeat(foreground, 2, axis=0), 2, axis=1), DIGIT)
    assert [each.box for each in many.candidates] == [tuple(2 * side for side in each.box) for each in few.candidates]
    assert all(
        np.array_equal(each.pixels, other.pixels) for each, other in zip(few.candidates, many.candidates, strict=True)
    )


def test_lines_come_from_top_to_bottom() -> None:
    above, below = lines_of(write_number("12\n345"))
    assert max(each.box[3] for each in above.candidates) < min(each.box[1] for each in below.candidates)


def test_touching_digits_are_cut() -> None:
    touching = write_number("00", apart=62)
    [line] = lines_of(touching)
    middle = touching.width / 2
    assert line.pieces > 1
    assert any(abs(each.box[2] - middle) < 12 and each.first == 0 for each in line.candidates)


def test_the_best_path_joins_what_reads_well_together() -> None:
    line = Line(3, (math.inf,) * 3, (candidate(0, 1), candidate(1, 2), candidate(2, 3), candidate(0, 2)))
    assert best_path(line, [-3, -3, 5, 5])[0] == [3, 2]
    assert best_path(line, [5, 5, 5, -5])[0] == [0, 1, 2]


def test_of_two_certain_readings_the_more_certain_one_wins() -> None:
    line = Line(3, (math.inf,) * 3, (candidate(0, 1), candidate(1, 3), candidate(0, 2), candidate(2, 3)))
    assert best_path(line, [12, 12, 8, 8])[0] == [0, 1]
    assert best_path(line, [8, 8, 12, 12])[0] == [2, 3]


def test_log_odds_go_on_where_the_probability_is_one() -> None:
    assert log_odds(np.array([0, 0, 1], np.float32), 1) == pytest.approx(1 - math.log(2))
    assert log_odds(np.array([0, 60], np.float32), 2) == pytest.approx(30)


def test_a_cut_and_a_gap_cost() -> None:
    dear = Line(2, (math.inf,) * 2, (candidate(0, 1, cut=2), candidate(1, 2, cut=2), candidate(0, 2)))
    assert best_path(dear, [5, 5, 4])[0] == [2]
    apart = Line(2, (math.inf,) * 2, (candidate(0, 1), candidate(1, 2), candidate(0, 2, gap=1)))
    assert best_path(apart, [9, 9, 2])[0] == [0, 1]


def test_dirt_may_be_left_out_and_nothing_else() -> None:
    candidates = (candidate(0, 1), candidate(2, 3))
    assert best_path(Line(3, (math.inf, 0.1, math.inf), candidates), [5, 5])[0] == [0, 1]
    assert best_path(Line(3, (math.inf,) * 3, candidates), [5, 5]) == ([], -math.inf)


def test_a_number_has_to_read_better_than_one_digit() -> None:
    line = Line(2, (math.inf,) * 2, (candidate(0, 1), candidate(1, 2)))
    assert best_reading([line], candidate(0, 1, width=1.5), [-2, 5, 5]) == [1, 2]
    assert best_reading([line], candidate(0, 1), [5, 5, 5]) == []
    assert best_reading([line], candidate(0, 1, width=1.5), [-2, 5, 5], Weights(several=1000)) == []


def test_rows_of_two_digits_meet_more_ink() -> None:
    def of(picture) -> float:
        return mean_crossings(frame(np.asarray(picture), DIGIT).pixels)

    assert of(render("1")) < 1.5 < of(render("0")) < 2.1 < of(write_number("00", apart=90))


def test_the_whole_picture_as_one() -> None:
    foreground = find(np.asarray(write_number("11")), DIGIT)[0]
    single = whole(foreground, np.zeros((SIZE, SIZE), np.uint8))
    assert single.gap > 0.5
    assert single.width > 1
