"""Training on photographs of clothing, beside pasted images; it goes on from its last checkpoint."""

import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from inkwear.preprocess.normalize import normalize, unsqueeze
from inkwear.preprocess.spec import Floats, Pixels
from inkwear.preprocess.whole import fit_whole
from models.efficientnet_lite import EfficientNetLite0, load_published
from training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from training.datasets import find_dataset
from training.distributed import ALONE
from training.errors import RunError
from training.extra_images import NO_CLASS
from training.learner import Learner
from training.pasted import Sample, nothing_to_wear, pasted
from training.photograph_augment import changed
from training.photograph_recipe import PhotographRecipe, input_spec
from training.photographs import Photograph

ARCHITECTURE, DATASET = "efficientnet_lite0", "fashion_mnist"

DROPOUT = 0.3
"""Share of the last layer's inputs that are left out."""


def train_on_photographs(
    recipe: PhotographRecipe, photographs: list[Photograph], data_dir: Path, folder: Path, weights: Path | None
) -> Checkpoint:
    """Train on photographs of senders that are not held out; return the run's last checkpoint.

    Args:
        recipe: decides the weights.
        photographs: of all senders.
        data_dir: torchvision's folder of data sets.
        folder: receives ``best.pt`` after each epoch, from which the run goes on if it is there.
        weights: published ones to begin with; None begins with random ones.

    Raises:
        RunError: the folder holds a run with other options.
    """
    torch.manual_seed(recipe.seed)
    network = EfficientNetLite0(len(find_dataset(DATASET).class_names), DROPOUT)
    if weights:
        network.load_imagenet(load_published(weights))
    ours = [each for each in photographs if not each.is_held_out]
    held_out = [each for each in photographs if each.is_held_out]
    bank = pasted(recipe.bank, recipe.seed, [each.gray for each in ours], data_dir)
    nothing = nothing_to_wear(recipe.bank // 5, recipe.seed, data_dir)
    steps = -(-(recipe.photographs + recipe.pasted + recipe.nothing) // recipe.batch_size)
    learner = Learner.of(network, recipe.learning(), steps * recipe.epochs, torch.device("cpu"), ALONE, contiguous=True)
    checkpoint, path = _first_checkpoint(recipe, weights), folder / "best.pt"
    if path.exists():
        begun = load_checkpoint(path)
        if begun.config != checkpoint.config:
            raise RunError(f"{path} is a run with other options. Give the same ones, or another --checkpoints.")
        checkpoint = begun
        learner.load_state_dict(checkpoint.learner or {})
    folder.mkdir(parents=True, exist_ok=True)
    while len(checkpoint.history) < recipe.epochs:
        epoch, started, losses = len(checkpoint.history), time.monotonic(), []
        torch.manual_seed(recipe.seed + epoch)  # of dropout, so that an epoch does not depend on those before
        learner.network.train()
        for images, labels in _batches(recipe, ours, bank, nothing, epoch):
            losses.append(float(learner.step(images, labels)[0]))
        measured = {"epoch": epoch + 1, "validation_accuracy": accuracy(learner.model, held_out, recipe.size)}
        seconds = time.monotonic() - started
        checkpoint.history.append({**measured, "train_loss": float(np.mean(losses)), "seconds": seconds})
        checkpoint.metrics, checkpoint.weights = measured, learner.model.state_dict()
        checkpoint.learner = learner.state_dict()
        save_checkpoint(checkpoint, path)
        print(
            f"epoch {epoch + 1}/{recipe.epochs}  loss {np.mean(losses):.4f}  "
            f"held-out senders {100 * measured['validation_accuracy']:.1f} %  {seconds:.0f} s",
            file=sys.stderr,
            flush=True,
        )
    return checkpoint


def _first_checkpoint(recipe: PhotographRecipe, weights: Path | None) -> Checkpoint:
    """Return the checkpoint of a run that has not begun."""
    config = {"dataset": DATASET, "model": ARCHITECTURE, "recipe": "photographs", **asdict(recipe)}
    config |= {"start_from": weights.name} if weights else {}
    versions = {"python": platform.python_version(), "torch": str(torch.__version__), "device": "CPU"}
    return Checkpoint(config, {}, None, 0, torch.zeros(3), 0.0, [], {}, versions)


def _batches(
    recipe: PhotographRecipe, ours: list[Photograph], bank: list[Sample], nothing: list[Sample], epoch: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Draw the pictures of an epoch and yield them in batches, each changed at random."""
    rng = np.random.default_rng([recipe.seed, epoch])
    labels = np.array([each.label for each in ours])
    weights = 1 / np.sqrt(np.bincount(labels, minlength=NO_CLASS + 1)[labels])
    chosen = rng.choice(len(ours), recipe.photographs, p=weights / weights.sum())
    samples: list[Sample] = [(ours[index].gray, ours[index].label) for index in chosen]
    samples += [bank[index] for index in rng.choice(len(bank), recipe.pasted, replace=False)]
    samples += [nothing[index] for index in rng.choice(len(nothing), recipe.nothing, replace=False)]
    order = rng.permutation(len(samples))
    for start in range(0, len(order), recipe.batch_size):
        batch = [samples[index] for index in order[start : start + recipe.batch_size]]
        images = np.stack([changed(gray, recipe.size, rng) for gray, _ in batch])
        yield torch.from_numpy(to_input(images)), torch.tensor([label for _, label in batch])


def to_input(squares: Pixels) -> Floats:
    """Normalize squares: (N, S, S) uint8 -> (N, 1, S, S) float32."""
    return unsqueeze(normalize(squares, input_spec(squares.shape[-1])))


def logits_of(model: torch.nn.Module, pictures: list[Pixels], size: int) -> Tensor:
    """Run a network on whole pictures, unchanged, and return its logits (N, classes).

    Args:
        model: the network, whose mode stays.
        pictures: in gray, (H, W) uint8 each.
        size: pixels of a side of the square that it reads.
    """
    cv2.setNumThreads(1)
    was_training = model.training
    model.eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(pictures), 64):
            squares = np.stack([fit_whole(gray, size) for gray in pictures[start : start + 64]])
            found.append(model(torch.from_numpy(to_input(squares))))
    model.train(was_training)
    return torch.cat(found)


def accuracy(model: torch.nn.Module, photographs: list[Photograph], size: int) -> float:
    """Return the share of the photographs that are read right, of those that belong to a class.

    Args:
        model: the network.
        photographs: with their labels.
        size: pixels of a side of the square that it reads.
    """
    known = [each for each in photographs if each.label != NO_CLASS]
    answers = logits_of(model, [each.gray for each in known], size).argmax(dim=1).tolist()
    return float(np.mean([answer == each.label for answer, each in zip(answers, known, strict=True)]))
