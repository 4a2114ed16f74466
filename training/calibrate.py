"""The temperature of a network's logits, and the confidence below which its answer is "not sure"."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from training.loop import predict_logits
from training.splits import Split

TEMPERATURES = torch.logspace(-1.5, 1.5, 601)
"""Temperatures that are tried: from 0.03 to 32, in steps of 1.2 %."""

MAX_REJECTED = 0.003
"""Share of the correctly classified validation images that may be answered with "not sure"."""


@dataclass(frozen=True)
class Calibration:
    """The ``temperature`` that divides logits, and the least confidence of an answer, from 0 to 1."""

    temperature: float
    threshold: float


def calibrate(model: nn.Module, validation: Split) -> Calibration:
    """Fit the temperature and choose the threshold on the validation images.

    One number scales all logits so that their cross-entropy is least; the order of the classes stays, and so does the
    accuracy (Guo et al., "On calibration of modern neural networks", 2017, section 4.2). The highest probability then
    also separates what the network knows from what it does not (Hendrycks, Gimpel, "A baseline for detecting
    misclassified and out-of-distribution examples", 2017).
    """
    logits = predict_logits(model, validation.images).double()
    temperature = fit_temperature(logits, validation.labels)
    confidences, answers = (logits / temperature).softmax(dim=1).max(dim=1)
    right = confidences[answers == validation.labels].numpy()
    return Calibration(temperature, float(np.quantile(right, MAX_REJECTED)) if len(right) else 0.0)


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the temperature with the least cross-entropy, for (N, classes) logits and (N,) labels."""
    losses = [float(cross_entropy(logits / temperature, labels)) for temperature in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])
