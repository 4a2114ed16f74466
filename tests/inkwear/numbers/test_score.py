import math

import numpy as np
import pytest

from inkwear.numbers.score import log_odds, mean_crossings
from inkwear.preprocess.framing import frame
from tests.hand import render, write_number
from training.datasets import DATASETS


def test_log_odds_go_on_where_the_probability_is_one() -> None:
    assert log_odds(np.array([0, 0, 1], np.float32), 1) == pytest.approx(1 - math.log(2))
    assert log_odds(np.array([0, 60], np.float32), 2) == pytest.approx(30)


def test_rows_of_two_digits_meet_more_ink() -> None:
    def of(picture) -> float:
        return mean_crossings(frame(np.asarray(picture), DATASETS["mnist"].input).pixels)

    assert of(render("1")) < 1.5 < of(render("0")) < 2.1 < of(write_number("00", apart=90))
