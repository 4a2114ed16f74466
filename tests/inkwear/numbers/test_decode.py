import math

import numpy as np

from inkwear.numbers.decode import best_path, best_reading
from inkwear.numbers.score import Candidate, Line, Weights
from inkwear.preprocess.spec import SIZE


def candidate(first: int, last: int, width: float = 0.6, gap: float = 0, cut: float = 0) -> Candidate:
    return Candidate(first, last, (0, 0, 1, 1), width, 1, gap, cut, np.zeros((SIZE, SIZE), np.uint8))


def test_the_best_path_joins_what_reads_well_together() -> None:
    line = Line(3, (math.inf,) * 3, (candidate(0, 1), candidate(1, 2), candidate(2, 3), candidate(0, 2)))
    assert best_path(line, [-3, -3, 5, 5])[0] == [3, 2]
    assert best_path(line, [5, 5, 5, -5])[0] == [0, 1, 2]


def test_of_two_certain_readings_the_more_certain_one_wins() -> None:
    line = Line(3, (math.inf,) * 3, (candidate(0, 1), candidate(1, 3), candidate(0, 2), candidate(2, 3)))
    assert best_path(line, [12, 12, 8, 8])[0] == [0, 1]
    assert best_path(line, [8, 8, 12, 12])[0] == [2, 3]


def test_a_cut_and_a_gap_cost() -> None:
    dear = Line(2, (math.inf,) * 2, (candidate(0, 1, cut=2), candidate(1, 2, cut=2), candidate(0, 2)))
    assert best_path(dear, [5, 5, 4])[0] == [2]
    apart = Line(2, (math.inf,) * 2, (candidate(0, 1), candidate(1, 2), candidate(0, 2, gap=1)))
    assert best_path(apart, [9, 9, 2])[0] == [0, 1]


def test_speckles_may_be_left_out_and_nothing_else() -> None:
    candidates = (candidate(0, 1), candidate(2, 3))
    assert best_path(Line(3, (math.inf, 0.1, math.inf), candidates), [5, 5])[0] == [0, 1]
    assert best_path(Line(3, (math.inf,) * 3, candidates), [5, 5]) == ([], -math.inf)


def test_a_number_has_to_read_better_than_one_digit() -> None:
    line = Line(2, (math.inf,) * 2, (candidate(0, 1), candidate(1, 2)))
    assert best_reading([line], candidate(0, 1, width=1.5), [-2, 5, 5]) == [1, 2]
    assert best_reading([line], candidate(0, 1), [5, 5, 5]) == []
    assert best_reading([line], candidate(0, 1, width=1.5), [-2, 5, 5], Weights(several=1000)) == []
