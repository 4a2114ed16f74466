"""Loading an export back into a PyTorch network, which can go on learning or teach another.

The exporter folds most BatchNorm layers into the convolutions before them, so that the file does not contain them. Here
such a layer gets the mean and the deviation of its input on images of the data set, and the scale and the shift that
undo both: the network answers as the export does, and its next step is normalized like any other. The filters before it
are scaled to the length of fresh ones; this changes no answer, but decides how far a step turns them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from inkwear.errors import MetadataError
from inkwear.files import file_digest
from inkwear.onnx.metadata import ModelMetadata
from inkwear.preprocess.steps import normalize, unsqueeze
from models import create_model
from training.errors import CheckpointError
from training.publish.parity import TOLERANCE

SUFFIX = ".onnx"

FRESH_LENGTH = 3**-0.5
"""Length of a fresh filter of any size, as torch draws it (He et al., "Delving deep into rectifiers", 2015; a = √5)."""

IMAGES_TO_NORMALIZE = 2_000
"""Images whose statistics a folded BatchNorm layer gets; a training batch has fewer."""


def import_onnx(path: Path, images: Tensor) -> tuple[nn.Module, ModelMetadata]:
    """Return the network of an export, in evaluation mode, and the metadata of the file.

    Args:
        path: the file.
        images: (N, 1, 28, 28) of its data set, normalized; the first ``IMAGES_TO_NORMALIZE`` are used.

    Raises:
        CheckpointError: not an export of Inkwear, one with 8-bit weights, one that reads whole photographs, or one of a
            network that has changed since.
    """
    metadata, weights = _read(path)
    if metadata.input.whole:
        raise CheckpointError(f"{path}: it reads whole photographs; a network for images of 28×28 pixels is needed.")
    try:
        network = create_model(metadata.architecture, len(metadata.class_names))
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from error
    stored = {name: values for name, values in weights.items() if name in network.state_dict()}
    try:
        network.load_state_dict(stored, strict=False)
    except RuntimeError as error:  # a shape differs
        raise _other_network(path, metadata, str(error).splitlines()[-1].strip()) from error
    with torch.no_grad(), _restored_norms(network, weights):
        network.eval()(images[:IMAGES_TO_NORMALIZE])
    _check(path, network, metadata)
    return network, metadata


def describe_export(path: Path) -> str:
    """Return the file's name and the beginning of its SHA-256."""
    return f"{path.name} {file_digest(path)[:12]}"


def _read(path: Path) -> tuple[ModelMetadata, dict[str, Tensor]]:
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such export. `python -m training.export` writes them.")
    try:
        model = onnx.load(path, load_external_data=False)
        weights = {each.name: torch.tensor(onnx.numpy_helper.to_array(each)) for each in model.graph.initializer}
        return ModelMetadata.from_props({prop.key: prop.value for prop in model.metadata_props}), weights
    except MetadataError as error:
        raise CheckpointError(f"{path}: {error}.") from error
    except Exception as error:  # protobuf's DecodeError, and ValueError and TypeError of damaged tensors
        raise CheckpointError(f"{path}: not an ONNX file, or damaged ({error}). Export it again.") from error


@contextmanager
def _restored_norms(network: nn.Module, weights: dict[str, Tensor]) -> Iterator[None]:
    """Let a forward pass set the BatchNorm layers that ``weights`` lacks, each just before it runs."""
    passed: list[tuple[str, nn.Module]] = []

    def restore(norm: _BatchNorm, maps: Tensor) -> Tensor:
        name, layer = passed[-1]
        shift = weights.get(f"{name}.weight_bias", 0.0)  # the exporter's name for what a folded layer adds
        return _set_norm(norm, layer, maps, shift)

    hooks = []
    for name, layer in network.named_modules():
        if isinstance(layer, _BatchNorm) and f"{name}.running_mean" not in weights:
            hooks.append(layer.register_forward_pre_hook(lambda layer, inputs: restore(layer, inputs[0])))
        elif isinstance(layer, nn.Conv2d | nn.Linear):
            hooks.append(layer.register_forward_pre_hook(lambda layer, _, name=name: passed.append((name, layer))))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _set_norm(norm: _BatchNorm, layer: nn.Module, maps: Tensor, shift: Tensor | float) -> Tensor:
    """Let ``norm`` add ``shift`` to the ``maps`` that ``layer`` made, and scale its filters to their fresh length.

    Returns the maps (N, channels, …) that ``layer`` makes now.
    """
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    lengths = layer.weight.flatten(1).norm(dim=1)
    factor = torch.where(lengths > 0, FRESH_LENGTH / lengths, torch.ones_like(lengths))
    variance, mean = torch.var_mean(maps, dim=[axis for axis in range(maps.dim()) if axis != 1], correction=0)
    norm.running_mean.copy_(mean * factor)
    norm.running_var.copy_(variance * factor**2)
    norm.weight.copy_((norm.running_var + norm.eps).sqrt() / factor)
    norm.bias.copy_(mean + shift)
    layer.weight.mul_(factor.view(-1, *[1] * (layer.weight.dim() - 1)))
    if layer.bias is not None:
        layer.bias.mul_(factor)
    return maps * factor.view(-1, *[1] * (maps.dim() - 2))


def _check(path: Path, network: nn.Module, metadata: ModelMetadata) -> None:
    """Compare the network with the reference picture of its export."""
    image = torch.from_numpy(unsqueeze(normalize(metadata.reference.image(), metadata.input)))
    with torch.no_grad():
        logits = network(image)[0].numpy()
    difference = float(np.abs(logits - np.array(metadata.reference.logits)).max())
    if not difference <= TOLERANCE:  # a comparison that NaN fails too
        raise _other_network(path, metadata, f"a reference logit differs by {difference:.2g}")


def _other_network(path: Path, metadata: ModelMetadata, reason: str) -> CheckpointError:
    return CheckpointError(
        f"{path}: its weights are not those of today's {metadata.architecture!r} in float32 ({reason}). "
        "Take its checkpoint, or an export that is not --compact."
    )
