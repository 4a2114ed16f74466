"""Running an export on many framed images, without torch."""

import numpy as np

from inkwear.classifier import Classifier
from inkwear.preprocess.spec import Floats, Pixels

BATCH = 500
"""Images at a time; more take memory and no less time."""


def logits_in_batches(classifier: Classifier, pixels: Pixels) -> Floats:
    """Run an export on framed images, (N, 28, 28) uint8 -> (N, classes)."""
    return np.concatenate([classifier.logits(pixels[start : start + BATCH]) for start in range(0, len(pixels), BATCH)])
