"""What a network's answers to images with known labels tell of it; the measures are scikit-learn's and cleanlab's."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from inkwear.preprocess.steps import Pixels

CALIBRATION_BINS = 10


@dataclass(frozen=True)
class Answers:
    """A network's answers to N images.

    Attributes:
        pixels: (N, 28, 28) uint8.
        labels: (N,) what they are.
        probabilities: (N, classes).
        class_names: of the columns.
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
        """The indices of the images that were read wrong, the most confident mistake first."""
        wrong = np.flatnonzero(self.predictions != self.labels)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")]


@dataclass(frozen=True)
class ClassScores:
    """One class: how many of the answers with its name are right, and how many of its images were found."""

    name: str
    images: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class ConfusedPair:
    """Two classes that are taken for each other, in either direction, and the images that were."""

    names: tuple[str, str]
    images: NDArray[np.int64]


@dataclass(frozen=True)
class Calibration:
    """Confidence against accuracy in bins that hold images; ``error`` is the expected calibration error.

    Guo et al., "On calibration of modern neural networks", 2017, section 2.
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    share: NDArray[np.float64]

    @property
    def error(self) -> float:
        return float(np.sum(self.share * np.abs(self.confidence - self.accuracy)))


def confusion_counts(answers: Answers) -> NDArray[np.int64]:
    """Return how often each class (row) was read as each (column)."""
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
    """Return the ``count`` pairs of classes that are confused most, each with its images, surest mistakes first."""
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
    """Compare how sure the network is with how often it is right, in bins of equal width."""
    bins = np.minimum((answers.confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    counts = np.bincount(bins, minlength=CALIBRATION_BINS)
    filled = counts > 0
    right = answers.predictions == answers.labels

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(bins, weights=values, minlength=CALIBRATION_BINS)[filled] / counts[filled]

    return Calibration(mean(answers.confidence), mean(right.astype(float)), counts[filled] / len(bins))


def suspected_labels(answers: Answers) -> NDArray[np.int64]:
    """Return the images whose label may be wrong, the most suspect first.

    Confident learning (Northcutt, Jiang, Chuang, 2021): an image is suspect when the network, which has not learned
    from it, is as sure of another class as it usually is of images that belong there.
    """
    from cleanlab.filter import find_label_issues

    return find_label_issues(
        answers.labels, answers.probabilities, return_indices_ranked_by="self_confidence", n_jobs=1
    )


def first_layer(model: nn.Module) -> NDArray[np.float32]:
    """Return what the first layer looks for: (units, H, W), of a convolution's kernels or a linear layer's images."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            return layer.weight.detach().cpu().numpy()[:, 0]
        if isinstance(layer, nn.Linear):
            return layer.weight.detach().cpu().numpy().reshape(-1, 28, 28)
    raise ValueError("The network has neither a convolution nor a linear layer to look at.")
