"""The metadata of an export: what the file says of itself."""

from typing import Any

import numpy as np
import torch
from torch import nn

from inkwear.onnx.metadata import ModelMetadata, Reference
from inkwear.preprocess.spec import Pixels
from inkwear.preprocess.steps import normalize, unsqueeze
from training.calibrate import Calibration
from training.checkpoint import Checkpoint
from training.datasets import Dataset

COMMAND_OPTIONS = ("dataset", "model", "recipe", "epochs", "lr", "batch_size", "seed")
"""Options that the stored command always names."""

DEFAULTS = {"validation_size": None, "cutmix": 0.0, "strength": 1.0}
"""Values of options that the stored command names only if they differ."""


def describe(checkpoint: Checkpoint, dataset: Dataset, model: nn.Module, calibration: Calibration) -> ModelMetadata:
    """Return the metadata of an export.

    Args:
        checkpoint: the run.
        dataset: its data set.
        model: its network, in evaluation mode.
        calibration: temperature and threshold of the network.
    """
    image = reference_image()
    with torch.no_grad():
        logits = model(torch.from_numpy(unsqueeze(normalize(image, dataset.input))))[0].numpy()
    measured = {key: value for key, value in checkpoint.metrics.items() if key.endswith("accuracy")}
    return ModelMetadata(
        architecture=checkpoint.config["model"],
        dataset=dataset.name,
        title=dataset.title,
        class_names=dataset.class_names,
        input=dataset.input,
        metrics=measured | {"parameters": float(sum(weights.numel() for weights in model.parameters()))},
        recipe=describe_recipe(checkpoint),
        reference=Reference.of(image, logits),
        temperature=calibration.temperature,
        reject_threshold=calibration.threshold,
    )


def reference_image() -> Pixels:
    """Draw a ring, (28, 28) uint8, so that no image of a data set is in an export."""
    y, x = np.mgrid[:28, :28] - 13.5
    distance_from_ring = np.abs(np.hypot(x, y * 0.8) - 7)
    return np.rint(255 * np.clip(1.6 - distance_from_ring, 0, 1)).astype(np.uint8)


def describe_recipe(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the options of a run, its command and its versions."""
    return {
        **checkpoint.config,
        "best_epoch": int(checkpoint.metrics["epoch"]),
        "command": _command(checkpoint.config),
        "versions": checkpoint.versions,
    }


def _command(config: dict[str, Any]) -> str:
    """Return the command that repeats a run, with files and other runs at their default places."""
    options = [
        (name, f"{config[name]:g}" if isinstance(config[name], float) else config[name]) for name in COMMAND_OPTIONS
    ]
    options += [(name, f"{config[name]:g}") for name, value in DEFAULTS.items() if config.get(name, value) != value]
    options += [
        ("extra_images", f"data/{file.split()[0]}") for file in config.get("extra_images", "").split(", ") if file
    ]
    for name in ("start_from", "teacher"):
        if run := config.get(name):
            first = run.split()[0]
            exported = first.endswith(".onnx")
            options.append((name, f"exports/{first}" if exported else f"models/checkpoints/{first}/best.pt"))
    if "extra_data" in config:  # the digest says which corrections; where they lie is private
        options += [("extra_data", "corrections"), ("extra_share", f"{config['extra_share']:g}")]
    return " ".join(["python -m training.train", *(f"--{name.replace('_', '-')} {value}" for name, value in options)])
