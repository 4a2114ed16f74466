import math

import numpy as np
import pytest

from inkwear.numbers.decode import best_path, best_reading
from inkwear.numbers.score import Candidate, Line, Weights
from inkwear.preprocess.spec import SIZE


def candidate(first: int, last: int, width: float = 0.6, gap: float = 0, cut: float = 0) -> Candidate:
    return Candidate(first, last, (0, 0, 1, 1), width, 1, gap, cut, np.zeros((SIZE, SIZE), np.uint8))


THREE = (candidate(0, 1), candidate(1, 2), candidate(2, 3), candidate(0, 2))
TWO_WAYS = (candidate(0, 1), candidate(1, 3), candidate(0, 2), candidate(2, 3))
CUT = (candidate(0, 1, cut=2), candidate(1, 2, cut=2), candidate(0, 2))
APART = (candidate(0, 1), candidate(1, 2), candidate(0, 2, gap=1))


@pytest.mark.parametrize(
    ("pieces", "candidates", "scores", "path"),
    [
        (3, THREE, [-3, -3, 5, 5], [3, 2]),
        (3, THREE, [5, 5, 5, -5], [0, 1, 2]),
        (3, TWO_WAYS, [12, 12, 8, 8], [0, 1]),
        (3, TWO_WAYS, [8, 8, 12, 12], [2, 3]),
        (2, CUT, [5, 5, 4], [2]),
        (2, APART, [9, 9, 2], [0, 1]),
    ],
)
def test_the_best_path_reads_well_and_costs_few_cuts_and_gaps(pieces: int, candidates, scores, path) -> None:
    assert best_path(Line(pieces, (math.inf,) * pieces, candidates), scores)[0] == path


def test_speckles_may_be_left_out_and_nothing_else() -> None:
    candidates = (candidate(0, 1), candidate(2, 3))
    assert best_path(Line(3, (math.inf, 0.1, math.inf), candidates), [5, 5])[0] == [0, 1]
    assert best_path(Line(3, (math.inf,) * 3, candidates), [5, 5]) == ([], -math.inf)


def test_a_number_has_to_read_better_than_one_digit() -> None:
    line = Line(2, (math.inf,) * 2, (candidate(0, 1), candidate(1, 2)))
    assert best_reading([line], candidate(0, 1, width=1.5), [-2, 5, 5]) == [1, 2]
    assert best_reading([line], candidate(0, 1), [5, 5, 5]) == []
    assert best_reading([line], candidate(0, 1, width=1.5), [-2, 5, 5], Weights(several=1000)) == []
