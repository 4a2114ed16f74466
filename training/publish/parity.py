"""The checks that an exported file must pass before it is put in place."""

from pathlib import Path

import numpy as np
import onnx
from onnx.external_data_helper import uses_external_data
from torch import nn

from inkwear.classifier import Classifier
from inkwear.errors import ModelFileError
from inkwear.onnx.metadata import ModelMetadata
from inkwear.preprocess.spec import Floats, Pixels
from training.errors import ExportError
from training.inference import logits_in_batches
from training.loop import predict_logits
from training.splits import Split

TOLERANCE = 1e-4
"""Largest allowed difference between a logit of torch and of ONNX Runtime, both in float32."""

BATCHES = (1, 2, 7, 257)

MAX_COMPACT_LOSS = 0.003
"""Largest loss of test accuracy that weights of fewer bits may cost."""


def check_export(path: Path, model: nn.Module, metadata: ModelMetadata, pixels: Pixels, test: Split) -> None:
    """Compare a written file with the network it came from, through the code that will serve it.

    Args:
        path: the file.
        model: the network, on the CPU; put into evaluation mode.
        metadata: what the file should contain.
        pixels: (N, 28, 28) uint8, the test set as stored; input of the file, through its own metadata.
        test: these images as training normalizes them; input of torch.

    Raises:
        ExportError: names the first check that failed.
    """
    classifier = _open(path, metadata)
    expected = predict_logits(model, test.images).numpy()
    for batch in BATCHES:
        _check_logits(f"batch of {batch}", _run(classifier, pixels[:batch]), expected[:batch])
    _check_logits("whole test set", logits_in_batches(classifier, pixels), expected)


def check_compact(path: Path, metadata: ModelMetadata, pixels: Pixels) -> None:
    """Check a file with weights of fewer bits: its contract, its metadata, and its accuracy against that of float32.

    Args:
        path: the file.
        metadata: what the file should contain.
        pixels: (N, 28, 28) uint8, the test set as stored.

    Raises:
        ExportError: names the first check that failed.
    """
    classifier = _open(path, metadata)
    expected = classifier.logits(pixels[: max(BATCHES)])
    for batch in BATCHES:
        _check_logits(f"batch of {batch}", _run(classifier, pixels[:batch]), expected[:batch], source="a larger batch")
    before, after = metadata.metrics["float32_test_accuracy"], metadata.metrics["test_accuracy"]
    if before - after > MAX_COMPACT_LOSS:
        raise ExportError(
            f"Check 'accuracy' failed: {before:.2%} of the test set were read right with float32 weights, {after:.2%} "
            f"with fewer bits; a loss of {MAX_COMPACT_LOSS:.1%} is allowed."
        )


def _open(path: Path, metadata: ModelMetadata) -> Classifier:
    _check_onnx(path)
    try:
        classifier = Classifier(path, "cpu", path.read_bytes())
    except ModelFileError as error:
        raise ExportError(f"Check 'opens in ONNX Runtime and keeps the contract' failed: {error}") from error
    if classifier.metadata != metadata:
        raise ExportError("Check 'metadata' failed: what was read back differs from what was written.")
    return classifier


def _check_onnx(path: Path) -> None:
    try:
        onnx.checker.check_model(str(path), full_check=True)
    except Exception as error:  # ValidationError, and protobuf's DecodeError for what is no model at all
        raise ExportError(f"Check 'ONNX checker' failed: {error}") from error
    weights = onnx.load(path, load_external_data=False).graph.initializer
    outside = [tensor.name for tensor in weights if uses_external_data(tensor)]
    if outside:
        raise ExportError(f"Check 'one file' failed: {len(outside)} weights lie outside it, such as {outside[0]}.")


def _run(classifier: Classifier, pixels: Pixels) -> Floats:
    try:
        return classifier.logits(pixels)
    except Exception as error:  # whatever ONNX Runtime raises for a batch that the graph cannot take
        raise ExportError(f"Check 'batch of {len(pixels)}' failed: {str(error).splitlines()[0]}") from error


def _check_logits(check: str, served: Floats, expected: Floats, source: str = "torch") -> None:
    differences = np.abs(served - expected).max(axis=1)
    if not differences.max() <= TOLERANCE:  # a comparison that NaN fails too
        raise ExportError(
            f"Check '{check}' failed: a logit differs from {source} by {differences.max():.2g}, "
            f"allowed are {TOLERANCE:g}; so for {int((~(differences <= TOLERANCE)).sum()):,} of {len(served):,} images."
        )
    different = int((served.argmax(axis=1) != expected.argmax(axis=1)).sum())
    if different:
        raise ExportError(f"Check '{check}' failed: the class of {different:,} of {len(served):,} images differs.")
