import pytest
import torch
from torch import nn

from training.calibrate import calibrate, fit_temperature
from training.splits import Split


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
