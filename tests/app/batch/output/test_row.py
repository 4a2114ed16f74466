from dataclasses import replace

import numpy as np

from app.batch.output.row import Row
from inkwear.prediction import Digit, Prediction
from inkwear.preprocess.notes import Note

PIXELS = np.zeros((28, 28), np.uint8)

ONE = Prediction(
    "ok", ("a", "b", "c"), (0.25, 0.5, 0.25), PIXELS, (Note("gray"), Note("framed", {"box": 20, "centering": "mass"}))
)
DIGITS = (Digit("4", 0.5, (1, 2, 3, 4), PIXELS), Digit("7", 0.25, (5, 6, 7, 8), PIXELS))


def test_a_row_says_what_the_prediction_says() -> None:
    blank = replace(ONE, status="blank", probabilities=(), notes=(Note("blank"),))
    number = replace(ONE, probabilities=(), digits=DIGITS)
    signs, tie = replace(number, written="4.\n7"), replace(ONE, probabilities=(0.4, 0.2, 0.4))
    for prediction in (ONE, blank, number, signs, tie):
        row = Row.of("a.png", prediction, 2)
        assert (row.status, row.label, row.class_id) == (prediction.status, prediction.label, prediction.class_id)
        assert row.text == prediction.text
        assert row.confidence == prediction.confidence
        assert row.top_k == tuple(prediction.top(2))
        assert row.notes == tuple(map(str, prediction.notes))
    assert Row.of("a.png", number, 2).digits == (("4", 0.5, 1, 2, 3, 4), ("7", 0.25, 5, 6, 7, 8))
