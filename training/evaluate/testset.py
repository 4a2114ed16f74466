"""Test accuracy of a checkpoint through torch, of an export through the app's whole path from picture to answer."""

from pathlib import Path

import numpy as np
from PIL import Image

from inkwear.classifier import Classifier
from training.checkpoint import load_checkpoint
from training.datasets import find_dataset, load_pixels
from training.evaluate import Result
from training.loop import evaluate
from training.pretrained import rebuild
from training.splits import load_split


def evaluate_file(file: Path, data_dir: Path) -> Result:
    """Classify the test set of a file's data set.

    Raises:
        ValueError: neither a .pt nor an .onnx file.
        CheckpointError, ModelFileError: the file cannot be used.
        DataError: the test set is missing or damaged.
    """
    if file.suffix == ".pt":
        return _evaluate_checkpoint(file, data_dir)
    if file.suffix == ".onnx":
        return _evaluate_export(file, data_dir)
    raise ValueError(f"{file}: a checkpoint (.pt) or an export (.onnx) is needed.")


def _evaluate_checkpoint(file: Path, data_dir: Path) -> Result:
    checkpoint = load_checkpoint(file)
    test = load_split(find_dataset(checkpoint.config["dataset"]), "test", data_dir)
    images = len(test.labels)
    return Result("", round(evaluate(rebuild(checkpoint), test).accuracy * images), images)


def _evaluate_export(file: Path, data_dir: Path) -> Result:
    classifier = Classifier(file, "cpu")
    pixels, labels = load_pixels(find_dataset(classifier.metadata.dataset), "test", data_dir)
    predictions = classifier.predict([Image.fromarray(image) for image in pixels])
    right = [prediction.class_id == label for prediction, label in zip(predictions, labels, strict=True)]
    return Result("", int(np.sum(right)), len(labels))
