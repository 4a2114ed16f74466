"""Whether an export's confidence can be trusted: on its own test set, and on pictures of nothing it knows."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from sklearn.metrics import roc_auc_score

from training.analysis import Answers, calibration
from training.datasets import find_dataset, load_pixels
from training.outliers import KINDS, make_outliers

if TYPE_CHECKING:
    from inkwear.classifier import Classifier


def trust(classifier: "Classifier", count: int, seed: int, data_dir: Path) -> Iterator[tuple[str, float]]:
    """Measure an export through the app's own path.

    Args:
        classifier: from picture to answer.
        count: outliers of each kind.
        seed: of the outliers; letters come in a typeface that no training saw.
        data_dir: torchvision's folder.

    Yields:
        What was measured and its value: the expected calibration error on the test set, the share of it that is
        answered with "not sure", and how well confidence tells it from outliers of each kind (area under the ROC
        curve: 1 if it always does, 0.5 by chance).

    Raises:
        DataError: a test set is missing or damaged.
    """
    dataset = find_dataset(classifier.metadata.dataset)
    pixels, labels = load_pixels(dataset, "test", data_dir)
    known = _probabilities(classifier, pixels)
    yield "calibration error", calibration(Answers(pixels, labels.astype(np.int64), known, dataset.class_names)).error
    threshold = classifier.metadata.reject_threshold
    yield "test images not sure", float((known.max(axis=1) < threshold).mean())
    for kind in KINDS:
        unknown = _probabilities(classifier, make_outliers(kind, dataset, "test", count, seed, data_dir))
        confidences = np.concatenate([known.max(axis=1), unknown.max(axis=1)])
        yield f"AUROC against {kind}", float(roc_auc_score(np.arange(len(confidences)) < len(known), confidences))
        yield f"{kind} not sure", float((unknown.max(axis=1) < threshold).mean())


def _probabilities(classifier: "Classifier", pixels: np.ndarray) -> np.ndarray:
    """Classify images as stored, (N, 28, 28), as pictures: (N, classes); blank ones are not sure of anything."""
    classes = len(classifier.metadata.class_names)
    predictions = classifier.predict([Image.fromarray(image) for image in pixels])
    return np.array([prediction.probabilities or (1 / classes,) * classes for prediction in predictions])
