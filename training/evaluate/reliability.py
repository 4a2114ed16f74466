"""How reliable an export's confidence is, on its own test set and on pictures of things it does not know."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.metrics import roc_auc_score

from inkwear.classifier import Classifier
from training.analysis import Answers, calibration
from training.datasets import find_dataset, load_pixels
from training.outliers import KINDS, make_outliers


def measure(classifier: Classifier, count: int, seed: int, data_dir: Path) -> Iterator[tuple[str, float]]:
    """Measure an export through the app's own path.

    Args:
        classifier: the export.
        count: outliers of each kind.
        seed: of the outliers; letters come in a typeface that no training saw.
        data_dir: torchvision's folder of data sets.

    Yields:
        The name of each measure and its value: the expected calibration error on the test set, the share of it that
        is answered with "not sure", and how well confidence separates it from outliers of each kind (area under the
        ROC curve: 1 is perfect, 0.5 is chance).
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


def _probabilities(classifier: Classifier, pixels: np.ndarray) -> np.ndarray:
    """Classify images as stored, (N, 28, 28), as pictures: (N, classes), uniform for a blank one."""
    classes = len(classifier.metadata.class_names)
    predictions = classifier.predict([Image.fromarray(image) for image in pixels])
    return np.array([prediction.probabilities or (1 / classes,) * classes for prediction in predictions])
