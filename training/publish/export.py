"""Exporting a checkpoint to an ONNX file that describes itself, once it has passed all checks."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn

from inkwear.classifier import Classifier
from inkwear.errors import MetadataError, ProtobufError
from inkwear.onnx.checksums import listed_path
from inkwear.onnx.metadata import ModelMetadata, Reference
from inkwear.onnx.props import read_props
from inkwear.preprocess.spec import Pixels
from training.calibrate import calibrate
from training.checkpoint import Checkpoint, load_checkpoint
from training.datasets import VALIDATION_SIZE, find_dataset, load_pixels
from training.errors import ReplaceError
from training.evaluate.robustness import real_accuracy
from training.inference import logits_in_batches
from training.pretrained import rebuild
from training.publish.describe import describe, reference_image
from training.publish.export_report import write_report
from training.publish.parity import check_compact, check_export
from training.publish.quantize import DESCRIPTION, compact_weights, thin_out
from training.recipes import current_config
from training.splits import load_split

OPSET = 20

IMAGES_TO_THIN = 3_000
"""Training images whose answers the thin linear layers keep."""

DEFAULT_OUTPUT_DIR = Path("exports")

NOT_OPTIONS = ("best_epoch", "command", "versions", "weights")
"""Keys of an export's recipe that are no options of the run that made it."""


def export_checkpoint(
    path: Path,
    output_dir: Path,
    data_dir: Path,
    *,
    compact: bool = False,
    real: int = 0,
    replace_other: bool = False,
) -> Path:
    """Export one checkpoint to ``<output_dir>/<dataset>-<model>.onnx`` and return that path.

    The file is listed in ``SHA256SUMS``, and its report is written beside it.

    Args:
        path: the checkpoint.
        output_dir: the folder of exports.
        data_dir: torchvision's folder of data sets.
        compact: whether linear layers become thin and weights get 8 bits (``training.publish.quantize``); the metadata
            then has the accuracy and the reference logits of that file.
        real: simulated pictures of validation images for ``real_accuracy``, by which the page chooses the network that
            it offers first; 0 measures none.
        replace_other: whether to replace a better export, or one of another run.

    Raises:
        ReplaceError: there is such an export and ``replace_other`` is False.
        CheckpointError: the checkpoint is missing or damaged.
        DataError: the test set is missing or damaged.
        ExportError: a check failed; an earlier export of this name stays as it was.
    """
    checkpoint = load_checkpoint(path)
    output = output_path(checkpoint, output_dir)
    dataset = find_dataset(checkpoint.config["dataset"], checkpoint.config.get("validation_size", VALIDATION_SIZE))
    model = rebuild(checkpoint)
    if not replace_other:
        check_replaceable(output, checkpoint)
    metadata = describe(checkpoint, dataset, model, calibrate(model, load_split(dataset, "validation", data_dir)))
    if compact:
        thin_out(model, load_split(dataset, "train", data_dir).images[:IMAGES_TO_THIN])
    pixels, labels = load_pixels(dataset, "test", data_dir)
    with listed_path(output) as temporary:
        write_onnx(model, metadata, temporary)
        if compact:
            metadata = _make_compact(temporary, metadata, pixels, labels)
            check_compact(temporary, metadata, pixels)
        else:
            check_export(temporary, model, metadata, pixels, load_split(dataset, "test", data_dir))
        if real:
            accuracy = real_accuracy(Classifier(temporary, "cpu", temporary.read_bytes()), real, data_dir)
            set_metadata(temporary, replace(metadata, metrics={**metadata.metrics, "real_accuracy": accuracy}))
    write_report(output, checkpoint, data_dir)
    return output


def output_path(checkpoint: Checkpoint, output_dir: Path) -> Path:
    """Return the path of the export of a checkpoint."""
    return output_dir / f"{checkpoint.config['dataset']}-{checkpoint.config['model']}.onnx"


def check_replaceable(output: Path, checkpoint: Checkpoint) -> None:
    """Allow a checkpoint to replace a damaged export, or one of a run with the same options that is no better.

    The accuracies are those on validation images, by which everything else is chosen too.

    Raises:
        ReplaceError: the export must be kept; the message names both accuracies.
    """
    remedy = "Add --replace to replace it, or --output-dir FOLDER to keep both."
    try:
        metadata = ModelMetadata.from_props(read_props(output))
    except (FileNotFoundError, ProtobufError):  # missing, or damaged, whose errors advise to export again
        return
    except MetadataError as error:
        raise ReplaceError(f"{output} is there already, and which run made it is unknown: {error}. {remedy}") from error
    old, new = metadata.metrics.get("validation_accuracy", 0.0), checkpoint.metrics["validation_accuracy"]
    options = {name: value for name, value in current_config(metadata.recipe).items() if name not in NOT_OPTIONS}
    same_run = options == json.loads(json.dumps(checkpoint.config))
    if not same_run or old > new:
        which = "is better" if same_run else "was made by another run"
        raise ReplaceError(
            f"{output} is there already and {which}: its validation accuracy is {old:.2%}, that of this checkpoint "
            f"{new:.2%}. {remedy}"
        )


def write_onnx(model: nn.Module, metadata: ModelMetadata, path: Path) -> None:
    """Write a network with its metadata: ``images`` (batch, 1, S, S) -> ``logits`` (batch, classes).

    Args:
        model: the network, which is exported in its current mode.
        metadata: of the file.
        path: the file.
    """
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    size = metadata.input.size
    program = torch.onnx.export(
        model,
        (torch.zeros(2, 1, size, size),),  # two, as the exporter takes a batch of one for a constant
        dynamo=True,
        opset_version=OPSET,
        input_names=["images"],
        output_names=["logits"],
        dynamic_shapes={"images": {0: torch.export.Dim("batch")}},
        verbose=False,
    )
    assert program is not None  # with dynamo=True a program is returned, or an error raised
    _remove_traces(program.model.graph)
    program.model.metadata_props.update(metadata.to_props())
    program.model.producer_name = "Inkwear"
    program.model.doc_string = (
        f"{metadata.architecture} for {metadata.title}. "
        f"Feed images (batch, 1, {size}, {size}) float32: (pixel / 255 - mean) / std of {_fed(metadata)}. "
        "Read logits (batch, classes); the names are in metadata_props['class_names']."
    )
    program.save(path, external_data=False)


def _fed(metadata: ModelMetadata) -> str:
    """Say what a network reads."""
    if metadata.input.whole:
        return "whole pictures in gray, scaled to a square whose free sides continue their border"
    return "a bright object on black, framed as the numbers in metadata_props['input'] tell"


def _make_compact(path: Path, metadata: ModelMetadata, pixels: Pixels, labels: Pixels) -> ModelMetadata:
    """Give a written file weights of fewer bits, and return its metadata with their accuracy and reference logits."""
    onnx.save(compact_weights(onnx.load(path)), path)
    classifier = Classifier(path, "cpu", path.read_bytes())
    image = reference_image()
    right = float((logits_in_batches(classifier, pixels).argmax(axis=1) == labels).mean())
    before = {"float32_test_accuracy": metadata.metrics["test_accuracy"]}
    metadata = replace(
        metadata,
        metrics={**metadata.metrics, **before, "test_accuracy": right},
        recipe={**metadata.recipe, "weights": DESCRIPTION},
        reference=Reference.of(image, classifier.logits(image[None])[0]),
    )
    set_metadata(path, metadata)
    return metadata


def set_metadata(path: Path, metadata: ModelMetadata) -> None:
    """Replace what a written file says of itself."""
    model = onnx.load(path)
    onnx.helper.set_model_props(model, metadata.to_props())
    onnx.save(model, path)


def _remove_traces(graph: Any) -> None:
    """Remove the stack traces of every node, which contain paths of this machine."""
    graph.metadata_props.clear()
    values = [*graph.inputs, *graph.initializers.values()]
    for node in graph.all_nodes():
        node.metadata_props.clear()
        values += node.outputs
    for value in values:
        value.metadata_props.clear()
