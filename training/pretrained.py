"""Networks with trained weights, from checkpoints and exports, to start from or to learn from."""

from pathlib import Path

from torch import nn

from models import create_model
from training.checkpoint import Checkpoint, load_checkpoint
from training.datasets import Dataset, find_dataset
from training.errors import CheckpointError, RunError
from training.import_onnx import SUFFIX, describe_export, import_onnx
from training.splits import load_split


def rebuild(checkpoint: Checkpoint) -> nn.Module:
    """Return the network of a checkpoint with its weights, in evaluation mode.

    Raises:
        CheckpointError: the network has changed since.
    """
    name = checkpoint.config["model"]
    model = create_model(name, len(find_dataset(checkpoint.config["dataset"]).class_names))
    try:
        model.load_state_dict(checkpoint.weights)
    except RuntimeError as error:
        raise CheckpointError(f"The weights do not fit today's {name!r} ({_last_line(error)}).") from error
    return model.eval()


def load_start(network: nn.Module, path: Path, dataset: Dataset, data_dir: Path) -> None:
    """Load the weights of a checkpoint or an export into a network.

    Args:
        network: changed in place.
        path: the file.
        dataset: whose images an export needs to be imported.
        data_dir: torchvision's folder of data sets.

    Raises:
        RunError: the weights are those of another network.
        CheckpointError: the file is neither a checkpoint nor an export of Inkwear.
    """
    if path.suffix == SUFFIX:
        weights = import_onnx(path, load_split(dataset, "train", data_dir).images)[0].state_dict()
    else:
        weights = load_checkpoint(path).weights
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise RunError(
            f"{path}: its weights are those of another network ({_last_line(error)}). "
            "Start from a checkpoint or an export of the same one."
        ) from error


def load_teacher(path: Path, dataset: Dataset, data_dir: Path) -> nn.Module:
    """Return the network of a checkpoint or an export, to learn from its answers.

    Args:
        path: the file.
        dataset: what the teacher must have learnt.
        data_dir: torchvision's folder of data sets.

    Raises:
        RunError: the teacher has learnt another data set.
        CheckpointError: the file is neither a checkpoint nor an export of Inkwear.
    """
    if path.suffix == SUFFIX:
        teacher, metadata = import_onnx(path, load_split(dataset, "train", data_dir).images)
        learnt = metadata.dataset
    else:
        checkpoint = load_checkpoint(path)
        teacher, learnt = rebuild(checkpoint), checkpoint.config["dataset"]
    if learnt != dataset.name:
        raise RunError(f"{path} learnt {learnt}; a teacher of {dataset.name} is needed.")
    return teacher


def describe_source(path: Path) -> str:
    """Return how a recipe names the origin of weights: the run and its epochs, or the file of an export.

    Raises:
        CheckpointError: the file is not a checkpoint.
    """
    if path.suffix == SUFFIX:
        return describe_export(path)
    return f"{path.parent.name} after {load_checkpoint(path).metrics.get('epoch', 0):.0f} epochs"


def _last_line(error: RuntimeError) -> str:
    return str(error).splitlines()[-1].strip()
