"""Test accuracy of a checkpoint through torch, of an export through the app's whole path from picture to answer."""

from pathlib import Path

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
    """
    if file.suffix == ".pt":
        checkpoint = load_checkpoint(file)
        test = load_split(find_dataset(checkpoint.config["dataset"]), "test", data_dir)
        images = len(test.labels)
        return Result("", round(evaluate(rebuild(checkpoint), test).accuracy * images), images)
    if file.suffix == ".onnx":
        classifier = Classifier(file, "cpu")
        pixels, labels = load_pixels(find_dataset(classifier.metadata.dataset), "test", data_dir)
        predictions = classifier.predict([Image.fromarray(image) for image in pixels])
        answers = zip(predictions, labels.tolist(), strict=True)
        return Result.of("", ((prediction, prediction.class_id == label) for prediction, label in answers))
    raise ValueError(f"{file}: a checkpoint (.pt) or an export (.onnx) is needed.")
