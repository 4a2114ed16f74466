"""Measures of a network's answers to images with known labels, by scikit-learn and cleanlab.

Both are imported where they are used: they take 3 s, for which no command's --help need wait.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkwear.preprocess.spec import Pixels

CALIBRATION_BINS = 10


@dataclass(frozen=True)
class Answers:
    """A network's answers to N images.

    Attributes:
        pixels: (N, 28, 28) uint8.
        labels: (N,) true classes.
        probabilities: (N, classes).
        class_names: names of the columns.
    """

    pixels: Pixels
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    class_names: tuple[str, ...]

    @property
    def predictions(self) -> NDArray[np.int64]:
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> NDArray[np.float64]:
        return self.probabilities.max(axis=1)

    @property
    def mistakes(self) -> NDArray[np.int64]:
        """The indices of the misclassified images, the most confident mistake first."""
        wrong = np.flatnonzero(self.predictions != self.labels)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")]


@dataclass(frozen=True)
class ClassScores:
    """Precision, recall and F1 of one class, and the number of its images."""

    name: str
    images: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class ConfusedPair:
    """Two classes that were confused, in either direction, and the indices of the images concerned."""

    names: tuple[str, str]
    images: NDArray[np.int64]


@dataclass(frozen=True)
class Calibration:
    """Mean confidence, accuracy and share of the images in each bin that holds any; ``error`` is the expected one.

    Guo et al., "On calibration of modern neural networks", 2017, section 2.
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    share: NDArray[np.float64]

    @property
    def error(self) -> float:
        return float(np.sum(self.share * np.abs(self.confidence - self.accuracy)))


def confusion_counts(answers: Answers) -> NDArray[np.int64]:
    """Return how often each class (row) was classified as each class (column)."""
    from sklearn.metrics import confusion_matrix

    return confusion_matrix(answers.labels, answers.predictions, labels=range(len(answers.class_names)))


def class_scores(answers: Answers) -> list[ClassScores]:
    """Return precision, recall and F1 of each class, in the order of the classes."""
    from sklearn.metrics import precision_recall_fscore_support

    classes = range(len(answers.class_names))
    columns = precision_recall_fscore_support(answers.labels, answers.predictions, labels=classes, zero_division=0)
    return [
        ClassScores(name, int(images), float(precision), float(recall), float(f1))
        for name, precision, recall, f1, images in zip(answers.class_names, *columns, strict=True)
    ]


def confused_pairs(answers: Answers, count: int) -> list[ConfusedPair]:
    """Return the ``count`` most confused pairs of classes, each with its images, the most confident mistake first."""
    mistakes = answers.mistakes
    pairs = np.sort(np.stack([answers.labels[mistakes], answers.predictions[mistakes]], axis=1), axis=1)
    kinds, sizes = np.unique(pairs, axis=0, return_counts=True)
    most = np.argsort(-sizes, kind="stable")[:count]
    return [
        ConfusedPair(
            names=(answers.class_names[first], answers.class_names[second]),
            images=mistakes[(pairs == (first, second)).all(axis=1)],
        )
        for first, second in kinds[most]
    ]


def calibration(answers: Answers) -> Calibration:
    """Compare confidence with accuracy in bins of equal width."""
    bins = np.minimum((answers.confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    counts = np.bincount(bins, minlength=CALIBRATION_BINS)
    filled = counts > 0
    right = answers.predictions == answers.labels

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(bins, weights=values, minlength=CALIBRATION_BINS)[filled] / counts[filled]

    return Calibration(mean(answers.confidence), mean(right.astype(float)), counts[filled] / len(bins))


def suspected_labels(answers: Answers) -> NDArray[np.int64]:
    """Return the indices of images whose label may be wrong, the most suspect first.

    Confident learning (Northcutt, Jiang, Chuang, 2021): an image is suspect when the network, which has not learned
    from it, is as sure of another class as it usually is of images that belong there.
    """
    from cleanlab.filter import find_label_issues

    return find_label_issues(
        answers.labels, answers.probabilities, return_indices_ranked_by="self_confidence", n_jobs=1
    )
