from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from inkwear.classifier import Classifier
from inkwear.explain import MAX_SECONDS, PATCHES, choose_patch, explain, occlude
from inkwear.numbers.line_reader import ROWS
from inkwear.preprocess.notes import STEPS, TEMPLATES
from inkwear.preprocess.steps import normalize
from tests.conftest import EXPORTS
from tests.hand import render, write_number


class UpperLeft:
    """A network that answers 1 as far as there is ink in the upper left quarter, and 0 else."""

    metadata = SimpleNamespace(temperature=1.0, input=SimpleNamespace(whole=False))

    def __init__(self) -> None:
        self.batches: list[int] = []

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        self.batches.append(len(pixels))
        ink = pixels[:, :14, :14].sum(axis=(1, 2)) / 2000
        return np.stack([np.zeros(len(pixels)), ink], axis=1).astype(np.float32)


def two_squares() -> np.ndarray:
    pixels = np.zeros((28, 28), np.uint8)
    pixels[2:8, 2:8] = pixels[18:24, 18:24] = 255
    return pixels


def test_the_ink_that_decides_stands_out_and_nothing_else_does() -> None:
    network = UpperLeft()
    [found] = occlude(network, [two_squares()], [1])
    assert np.unravel_index(found.values.argmax(), (28, 28)) < (8, 8)
    assert found.values.max() == pytest.approx(1)
    assert found.nats > 1
    assert found.values[2:8, 2:8].min() > 0
    np.testing.assert_allclose(found.values[18:24, 18:24], 0, atol=1e-6)
    assert not found.values[two_squares() == 0].any()
    assert max(network.batches) <= 64


def test_ink_that_speaks_against_the_answer_is_below_zero() -> None:
    [found] = occlude(UpperLeft(), [two_squares()], [0])
    assert found.values.min() == pytest.approx(-1)
    assert found.values.max() < 1e-6


def test_slow_networks_get_larger_patches() -> None:
    images = [two_squares()]
    chosen = [choose_patch(images, seconds) for seconds in (0, MAX_SECONDS / 40, MAX_SECONDS)]
    assert chosen[0] == PATCHES[0]
    assert chosen[-1] == PATCHES[-1]
    assert PATCHES.index(chosen[0]) < PATCHES.index(chosen[1]) < PATCHES.index(chosen[2])


def test_of_an_eight_the_strokes_that_a_three_lacks_decide(classifier: Classifier) -> None:
    [found] = explain(classifier, classifier.segment(render("8"))).saliency
    left, right = found.values[:, :13].sum(), found.values[:, 15:].sum()
    assert found.class_id == 8
    assert left > right > -1


def test_the_steps_are_those_of_the_answer(classifier: Classifier) -> None:
    picture = render("5").convert("RGB")
    picture.putpixel((0, 0), (255, 250, 255))
    explanation = explain(classifier, classifier.segment(picture))
    [prediction] = classifier.predict([picture])
    assert explanation.prediction.probabilities == prediction.probabilities
    assert [step.code for step in explanation.steps] == list(STEPS)
    told = [note for step in explanation.steps for note in step.notes]
    assert sorted(map(str, told)) == sorted(map(str, prediction.notes))
    original, gray, found, read, framed, normalized = explanation.steps
    assert [note.code for note in gray.notes] == ["gray"]
    assert "inverted" in [note.code for note in found.notes]
    assert framed.notes[-1].code == "framed"
    assert (original.width, original.height) == picture.size
    assert max(original.picture.shape) == 320
    assert gray.picture.ndim == 2
    assert (read.height, read.notes) == (ROWS, ())
    np.testing.assert_array_equal(framed.picture, prediction.pixels)
    numbers = normalize(prediction.pixels, classifier.metadata.input)
    assert normalized.numbers == {"least": numbers.min(), "mean": numbers.mean(), "greatest": numbers.max()}


def test_a_number_is_explained_digit_by_digit(classifier: Classifier) -> None:
    explanation = explain(classifier, classifier.segment(write_number("4711")))
    assert [found.class_id for found in explanation.saliency] == [4, 7, 1, 1]
    framed = explanation.steps[4]
    assert (framed.width, framed.height) == (4 * 28, 28)
    assert [note.code for note in framed.notes][-1] == "number"


def test_the_strips_that_were_read_are_shown_under_each_other(sturdy: Classifier) -> None:
    segmented = sturdy.segment(write_number("47\n1"))
    explanation = explain(sturdy, segmented)
    [read] = [step for step in explanation.steps if step.code == "read"]
    above, below = (line.strip for line in sturdy.frame(segmented).read)
    assert (read.width, read.height) == (max(above.shape[1], below.shape[1]), 2 * ROWS)
    np.testing.assert_array_equal(read.picture[:ROWS, : above.shape[1]], above)
    np.testing.assert_array_equal(read.picture[ROWS:, : below.shape[1]], below)
    assert [str(note) for note in read.notes] == ["2 lines read from top to bottom"]


def test_without_a_reader_nothing_was_read(alone: Classifier) -> None:
    explanation = explain(alone, alone.segment(write_number("47")))
    assert [step.code for step in explanation.steps] == ["original", "gray", "found", "framed", "normalized"]


def test_a_blank_page_rests_on_nothing(classifier: Classifier) -> None:
    explanation = explain(classifier, classifier.segment(Image.new("L", (200, 200), 255)))
    assert explanation.prediction.status == "blank"
    assert explanation.saliency == ()
    assert "read" not in [step.code for step in explanation.steps]
    assert [note.code for step in explanation.steps for note in step.notes] == ["blank"]


def test_every_note_arises_in_one_step() -> None:
    assert sorted(code for codes in STEPS.values() for code in codes) == sorted(TEMPLATES)


EXPLAINED = sorted(path for path in EXPORTS.glob("*mnist-*.onnx") if "alexnet" not in path.stem)


@pytest.mark.parametrize("path", EXPLAINED, ids=lambda path: path.stem)
def test_any_export_can_be_explained(path: Path) -> None:
    any_classifier = Classifier(path, "cpu")
    [found] = explain(any_classifier, any_classifier.segment(render("8"))).saliency
    assert found.values.shape == (any_classifier.metadata.input.size,) * 2
    assert np.abs(found.values).max() == pytest.approx(1)
