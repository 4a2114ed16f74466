import numpy as np
import pytest

from inkwear.prediction import Digit, Prediction

PIXELS = np.zeros((28, 28), np.uint8)


def prediction(probabilities: tuple[float, ...] = (), digits: str = "", written: str | None = None) -> Prediction:
    found = tuple(Digit(label, 0.9 - 0.1 * place, (0, 0, 1, 1), PIXELS) for place, label in enumerate(digits))
    return Prediction("ok", ("a", "b", "c"), probabilities, PIXELS, (), found, written)


@pytest.mark.parametrize(
    ("made", "label", "class_id", "confidence", "top"),
    [
        (prediction((0.2, 0.7, 0.1)), "b", 1, 0.7, [("b", 0.7), ("a", 0.2)]),
        (prediction(digits="47"), "47", None, 0.8, []),
        (prediction(), None, None, None, []),
    ],
    ids=["one thing", "a number", "blank"],
)
def test_label_and_confidence_follow_from_what_was_read(made, label, class_id, confidence, top) -> None:
    assert (made.label, made.class_id) == (label, class_id)
    assert made.confidence == (None if confidence is None else pytest.approx(confidence))
    assert made.top(2) == top


@pytest.mark.parametrize(
    ("made", "label", "text"),
    [
        (prediction(digits="1234", written="1.234,-"), "1234", "1.234,-"),
        (prediction(digits="710", written="7\n10"), "710", "7\n10"),
        (prediction(digits="47"), "47", "47"),
        (prediction((0.2, 0.7, 0.1)), "b", "b"),
        (prediction(), None, None),
    ],
    ids=["signs", "lines", "digits alone", "one thing", "blank"],
)
def test_the_text_keeps_what_the_label_drops(made: Prediction, label: str | None, text: str | None) -> None:
    assert (made.label, made.text) == (label, text)
