"""Test-time augmentation: what a network would gain by averaging its answers to several views of an image.

The views are shifted by a pixel, and mirrored where the class allows it (Krizhevsky, Sutskever, Hinton, "ImageNet
classification with deep convolutional neural networks", 2012, section 4.1). Ten views cost ten times the work, so this
is measured here and done nowhere else.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from inkwear.classifier import Classifier, softmax
from inkwear.preprocess.spec import SIZE, Pixels
from training.datasets import find_dataset, load_pixels
from training.evaluate import Result
from training.inference import logits_in_batches

SHIFTS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))
"""Pixels down and to the right."""


def views(pixels: Pixels, *, mirror: bool) -> Iterator[Pixels]:
    """Yield every view of images as stored, (N, 28, 28), beginning with the images themselves."""
    for images in (pixels, pixels[:, :, ::-1]) if mirror else (pixels,):
        padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
        for down, right in SHIFTS:
            yield padded[:, 1 - down : 1 - down + SIZE, 1 - right : 1 - right + SIZE]


def evaluate_views(classifier: Classifier, data_dir: Path) -> Result:
    """Classify the test set by the mean probabilities of all views."""
    dataset = find_dataset(classifier.metadata.dataset)
    pixels, labels = load_pixels(dataset, "test", data_dir)
    seen = views(pixels, mirror=dataset.augmentation.mirror)
    answers = sum(softmax(logits_in_batches(classifier, view)) for view in seen)
    right = np.argmax(answers, axis=1) == labels
    return Result("answers to all views averaged", int(right.sum()), len(labels))
