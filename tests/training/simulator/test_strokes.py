import numpy as np
import pytest

from training.simulator.strokes import STROKES, other_mark


@pytest.mark.parametrize("name", STROKES)
def test_a_character_keeps_its_place_and_is_different_each_time(name: str) -> None:
    drawn = [STROKES[name](np.random.default_rng(seed)) for seed in range(20)]
    for strokes in drawn:
        assert all(-0.6 < x < 1.6 and -0.4 < y < 1.5 for stroke in strokes for x, y in stroke)
        assert all(len(stroke) > 1 for stroke in strokes)
    assert len({str(strokes) for strokes in drawn}) == 20
    assert STROKES[name](np.random.default_rng(3)) == drawn[3]


def test_other_marks_have_strokes_of_a_characters_size() -> None:
    for seed in range(200):
        points = np.array([point for stroke in other_mark(np.random.default_rng(seed)) for point in stroke])
        assert len(points) > 1
        assert 0.3 < np.ptp(points, axis=0).max() < 2.5
