import numpy as np
import pytest
import torch
from torch import nn

from models import create_model, list_models
from training.analysis import (
    Answers,
    calibration,
    class_scores,
    confused_pairs,
    confusion_counts,
    suspected_labels,
)
from training.calibrate import calibrate, fit_temperature
from training.run_page import first_layer
from training.splits import Split


def answers(labels: list[int], read: list[int], confidence: list[float], classes: int = 3) -> Answers:
    """Images of ``labels`` that were read as ``read``, the rest of the probability spread evenly."""
    probabilities = np.empty((len(labels), classes))
    for row, class_id, sure in zip(probabilities, read, confidence, strict=True):
        row[:] = (1 - sure) / (classes - 1)
        row[class_id] = sure
    pixels = np.zeros((len(labels), 28, 28), np.uint8)
    return Answers(pixels, np.array(labels), probabilities, tuple("abcdefghij"[:classes]))


MIXED = answers([0, 0, 1, 1, 2, 2], [0, 1, 1, 0, 2, 1], [0.9, 0.8, 0.9, 0.6, 0.9, 0.7])


@pytest.mark.slow
def test_confusion_is_counted_by_what_it_is_and_what_it_was_read_as() -> None:
    assert confusion_counts(MIXED).tolist() == [[1, 1, 0], [1, 1, 0], [0, 1, 1]]


@pytest.mark.slow
def test_a_class_that_is_never_answered_still_has_its_row() -> None:
    scores = class_scores(answers([0, 1], [0, 0], [0.9, 0.9]))
    assert [score.name for score in scores] == ["a", "b", "c"]
    assert (scores[0].precision, scores[0].recall) == (0.5, 1.0)
    assert (scores[1].precision, scores[1].recall, scores[1].images) == (0.0, 0.0, 1)


def test_pairs_are_confused_in_either_direction_and_show_the_surest_mistake_first() -> None:
    first, second = confused_pairs(MIXED, count=2)
    assert (first.names, first.images.tolist()) == (("a", "b"), [1, 3])
    assert (second.names, second.images.tolist()) == (("b", "c"), [5])


def test_a_network_that_is_right_as_often_as_it_is_sure_has_no_calibration_error() -> None:
    honest = answers([0] * 10, [0] * 8 + [1] * 2, [0.8] * 10)
    assert calibration(honest).error == pytest.approx(0)
    boastful = answers([0] * 10, [0] * 8 + [1] * 2, [0.99] * 10)
    assert calibration(boastful).error == pytest.approx(0.19)


@pytest.mark.slow
def test_wrong_labels_are_suspected() -> None:
    generator = np.random.default_rng(0)
    true = np.arange(300) % 3
    labels = true.copy()
    labels[[10, 20, 30]] = (true[[10, 20, 30]] + 1) % 3
    confidence = generator.uniform(0.9, 0.98, 300)
    confidence[[10, 20, 30]] = 0.99
    assert sorted(suspected_labels(answers(labels.tolist(), true.tolist(), confidence.tolist()))) == [10, 20, 30]


@pytest.mark.parametrize("name", list_models())
def test_every_network_has_a_first_layer_to_look_at(name: str) -> None:
    weights = first_layer(create_model(name))
    assert weights.ndim == 3
    assert len(weights) >= 6


def test_a_network_without_weights_says_so() -> None:
    with pytest.raises(ValueError, match="neither a convolution nor a linear layer"):
        first_layer(torch.nn.Flatten())


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_the_temperature_that_was_hidden_is_found(temperature: float) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(20_000, 5, generator=generator)
    labels = torch.multinomial(logits.softmax(dim=1), 1, generator=generator)[:, 0]
    assert fit_temperature(logits * temperature, labels) == pytest.approx(temperature, rel=0.05)


def test_three_in_a_thousand_right_answers_are_below_the_threshold() -> None:
    images = torch.randn(5000, 1, 1, 10, generator=torch.Generator().manual_seed(1))
    labels = images.flatten(1).argmax(dim=1)
    found = calibrate(nn.Flatten(), Split(images, labels))
    confidence = (images.flatten(1) / found.temperature).softmax(dim=1).amax(dim=1)
    assert (confidence < found.threshold).float().mean() == pytest.approx(0.003, abs=0.001)
