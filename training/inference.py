"""Running an export on many images of a data set, without torch."""

import numpy as np

from inkwear.classifier import Classifier
from inkwear.preprocess.spec import Floats, InputSpec, Pixels
from inkwear.preprocess.whole import fit_whole

BATCH = 500
"""Images at a time; more take memory and no less time."""


def logits_in_batches(classifier: Classifier, pixels: Pixels) -> Floats:
    """Run an export on images as stored, (N, 28, 28) uint8 -> (N, classes); one for whole pictures gets them larger."""
    parts = [pixels[start : start + BATCH] for start in range(0, len(pixels), BATCH)]
    return np.concatenate([classifier.logits(_as_read(part, classifier.metadata.input)) for part in parts])


def _as_read(pixels: Pixels, spec: InputSpec) -> Pixels:
    return np.stack([fit_whole(image, spec.size) for image in pixels]) if spec.whole else pixels
