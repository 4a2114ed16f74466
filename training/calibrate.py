"""How sure a network may be: a temperature for its logits, and the confidence below which it had better not answer."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from training.loop import predict_logits
from training.splits import Split

TEMPERATURES = torch.logspace(-1.5, 1.5, 601)
"""What is tried: from a thirtieth to thirty times, in steps of 1.2 %."""

SHARE_REJECTED = 0.003
"""Of the validation images that are read right, so many may be answered with "not sure"."""


@dataclass(frozen=True)
class Calibration:
    """What logits are divided by, and the least confidence of an answer, from 0 to 1."""

    temperature: float
    threshold: float


def calibrate(model: nn.Module, validation: Split) -> Calibration:
    """Fit the temperature and choose the threshold on the validation images.

    One number scales all logits so that their cross-entropy is least; the order of the classes, and so the accuracy,
    stays (Guo et al., "On calibration of modern neural networks", 2017, section 4.2). The highest probability then also
    tells what the network knows from what it does not (Hendrycks, Gimpel, "A baseline for detecting misclassified and
    out-of-distribution examples", 2017).
    """
    logits = predict_logits(model, validation.images).double()
    temperature = fit_temperature(logits, validation.labels)
    confidences, answers = (logits / temperature).softmax(dim=1).max(dim=1)
    right = confidences[answers == validation.labels].numpy()
    return Calibration(temperature, float(np.quantile(right, SHARE_REJECTED)) if len(right) else 0.0)


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the temperature, of those tried, with the least cross-entropy: (N, classes) logits, (N,) labels."""
    losses = [float(cross_entropy(logits / temperature, labels)) for temperature in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])
