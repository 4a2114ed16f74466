"""Several views of one image, whose answers are averaged: what a network would gain by looking more than once.

Shifted by a pixel, and mirrored where the class allows it (Krizhevsky, Sutskever, Hinton, "ImageNet classification with
deep convolutional neural networks", 2012, section 4.1). It costs as many times the work, so it is measured here, and
done nowhere else.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from inkwear.preprocess.steps import SIZE, Pixels
from training.datasets import find_dataset, load_pixels

if TYPE_CHECKING:
    from inkwear.classifier import Classifier

SHIFTS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))
"""Down and to the right, in pixels."""

PART = 500


def views(pixels: Pixels, *, mirror: bool) -> Iterator[Pixels]:
    """Yield every view of images as stored, (N, 28, 28): the images themselves first."""
    for images in (pixels, pixels[:, :, ::-1]) if mirror else (pixels,):
        padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
        for down, right in SHIFTS:
            yield padded[:, 1 - down : 1 - down + SIZE, 1 - right : 1 - right + SIZE]


def count_right(classifier: "Classifier", data_dir: Path) -> tuple[int, int]:
    """Return how many test images are read right by the mean probabilities of all views, and how many there are.

    Raises:
        DataError: the test set is missing or damaged.
    """
    dataset = find_dataset(classifier.metadata.dataset)
    pixels, labels = load_pixels(dataset, "test", data_dir)
    right = 0
    for first in range(0, len(labels), PART):
        part = slice(first, first + PART)
        seen = views(pixels[part], mirror=dataset.augmentation.mirror)
        answers = sum(_probabilities(classifier, view) for view in seen)
        right += int((np.argmax(answers, axis=1) == labels[part]).sum())
    return right, len(labels)


def _probabilities(classifier: "Classifier", pixels: Pixels) -> np.ndarray:
    logits = classifier.logits(pixels)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
