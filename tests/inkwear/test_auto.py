import numpy as np
import pytest
from PIL import Image

from inkwear import Auto, Classifier
from inkwear.auto import _surest
from inkwear.prediction import Prediction
from tests.conftest import EXPORTS, ROOT
from tests.hand import DIGITS, render, write_number

DIGIT_MODEL, SMALL, WHOLE = "mnist-inkwear_s", "fashion_mnist-sturdy", "fashion_mnist-efficientnet_lite0"


def opened(*names: str) -> list[Classifier]:
    return [Classifier(EXPORTS / f"{name}.onnx", "cpu") for name in names]


@pytest.fixture(scope="module")
def auto() -> Auto:
    return Auto(opened(DIGIT_MODEL, SMALL, WHOLE))


def example(name: str) -> Image.Image:
    return Image.open(ROOT / "app" / "page" / "examples" / f"{name}.png")


def test_digits_and_numbers_are_answered_as_by_their_own_model(auto: Auto) -> None:
    pictures = [*(render(digit) for digit in DIGITS), write_number("4711")]
    [alone] = opened(DIGIT_MODEL)
    for ours, theirs in zip(auto.predict(pictures), alone.predict(pictures), strict=True):
        assert (ours.label, ours.status, ours.confidence) == (theirs.label, theirs.status, theirs.confidence)
        assert ours.model == DIGIT_MODEL
        assert ours.notes[-1].code == "surer"
        assert auto.member(ours).name == DIGIT_MODEL


def test_a_photograph_of_clothing_goes_to_the_network_for_photographs(auto: Auto) -> None:
    [prediction] = auto.predict([example("trouser")])
    assert (prediction.label, prediction.model) == ("Trouser", WHOLE)
    assert str(prediction.notes[-1]) == f"{WHOLE} was surer than {DIGIT_MODEL}"
    assert prediction.pixels.shape == (192, 192)


def test_small_images_go_to_the_networks_for_small_images(auto: Auto) -> None:
    boot = np.zeros((28, 28), np.uint8)
    boot[2:26, 10:18] = boot[18:26, 4:18] = 200
    question = auto.prepare(Image.fromarray(boot))
    assert [auto.classifiers[place].name for place in question.prepared] == [DIGIT_MODEL, SMALL]
    assert [auto.classifiers[place].name for place in auto.prepare(render("5")).prepared] == [DIGIT_MODEL, WHOLE]


def test_a_batch_is_answered_as_each_picture_alone(auto: Auto) -> None:
    pictures = [render("5"), example("pullover"), Image.new("L", (90, 70), 200), example("tshirt"), write_number("20")]
    together = auto.predict(pictures)
    assert [each.label for each in together] == [auto.predict([picture])[0].label for picture in pictures]
    assert [each.status for each in together][2] == "blank"
    assert auto.predict([]) == []


def answer(status: str, model: str, *probabilities: float) -> Prediction:
    return Prediction(status, ("a", "b"), probabilities, np.zeros((28, 28), np.uint8), (), model=model)  # type: ignore[arg-type]


def test_what_is_ok_is_surer_than_any_likelier_answer_that_is_not() -> None:
    ok, likelier = answer("ok", "one", 0.3, 0.7), answer("unsure", "two", 0.1, 0.9)
    assert _surest([likelier, ok]).model == _surest([ok, likelier]).model == "one"
    assert _surest([ok, likelier], {"two"}).model == "one"
    assert _surest([likelier, answer("blank", "one")]).model == "two"
    assert _surest([answer("blank", "one"), answer("blank", "two")]).status == "blank"


def test_an_unsure_network_for_photographs_counts_twice() -> None:
    digit, garment = answer("unsure", "digits", 0.2, 0.8), answer("unsure", "photographs", 0.45, 0.41)
    assert _surest([digit, garment]).model == "digits"
    assert _surest([digit, garment], {"photographs"}).model == "photographs"
    assert _surest([answer("unsure", "digits", 0.05, 0.95), garment], {"photographs"}).model == "digits"


def test_two_sets_that_are_both_sure_are_unsure_together() -> None:
    found = _surest([answer("ok", "one", 0.2, 0.8), answer("ok", "two", 0.95, 0.05)])
    assert (found.status, found.model, found.label) == ("unsure", "two", "a")
    assert str(found.notes[-1]) == "two and one are both sure; the other reads b"


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ([], "there is no classifier"),
        (["mnist-lenet", "mnist-convnet"], "mnist-lenet and mnist-convnet read the same"),
        (["mnist-lenet", "mnist-lenet"], "two files are named mnist-lenet"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(names: list[str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Auto(opened(*names))


def test_it_is_known_by_the_files_that_it_reads_with(auto: Auto) -> None:
    assert auto.class_names == (*DIGITS, *auto.classifiers[1].class_names)
    assert auto.digest != Auto(auto.classifiers[:2]).digest == Auto(opened(DIGIT_MODEL, SMALL)).digest


def test_one_model_alone_is_asked_as_it_is() -> None:
    [lenet] = opened("mnist-lenet")
    [ours], [theirs] = Auto([lenet]).predict([render("3")]), lenet.predict([render("3")])
    assert (ours.label, ours.confidence, ours.notes) == (theirs.label, theirs.confidence, theirs.notes)
    assert (ours.model, theirs.model) == ("mnist-lenet", None)
