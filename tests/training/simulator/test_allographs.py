from dataclasses import replace

import numpy as np
import pytest

from training.simulator.allographs import ALLOGRAPHS, Maker
from training.simulator.characters import Characters
from training.simulator.writing import Manner, write_line

MAKERS = [maker for makers in ALLOGRAPHS.values() for maker in makers]


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__.strip("_"))
def test_an_allograph_is_as_large_as_a_digit_and_different_each_time(maker: Maker) -> None:
    drawn = [maker(np.random.default_rng(seed)) for seed in range(20)]
    for strokes in drawn:
        points = np.array([point for stroke in strokes for point in stroke])
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        assert -0.5 < left < right < 1.5
        assert top < 0.35
        assert 0.8 < bottom < 1.4
    assert len({str(strokes) for strokes in drawn}) == 20


def test_every_digit_has_allographs() -> None:
    assert set(ALLOGRAPHS) == set("0123456789")


def test_allographs_stand_only_among_digits_that_explain_them(characters: Characters) -> None:
    without = replace(characters, allographs={})

    def differing(text: str) -> int:
        """Count the seeds for which allographs make a difference."""
        lines = (
            [write_line(each, text, Manner("written", 30), np.random.default_rng(seed)).cover for seed in range(40)]
            for each in (characters, without)
        )
        return sum(not np.array_equal(*pair) for pair in zip(*lines, strict=True))

    assert differing("9") == differing("9-") == differing("99") == 0
    assert 8 <= differing("999") <= 30
