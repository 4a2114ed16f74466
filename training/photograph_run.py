"""Training on photographs of clothing, beside pasted images; it goes on from its last checkpoint."""

import copy
import platform
import shutil
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

Weights = dict[str, Tensor]
"""The state of a network, by name."""

ARCHITECTURE, DATASET = "efficientnet_lite0", "fashion_mnist"

IMAGENET = (
    (610,),  # jersey
    (608,),  # jean
    (841, 474),  # sweatshirt, cardigan
    (578, 601, 689),  # gown, hoopskirt, overskirt
    (869, 568, 617),  # trench coat, fur coat, lab coat
    (774,),  # sandal
    (610, 697, 617),  # jersey, pajama, lab coat
    (770,),  # running shoe
    (636, 748, 414),  # mailbag, purse, backpack
    (514,),  # cowboy boot
)
"""Classes of ImageNet, as torchvision numbers them, that each class begins with; bags have no photographs here."""

WORTH_COMPILING = 500
"""Steps from which on a run is compiled, which takes 40 s and saves half of each step."""

RUNS_AVERAGED = 0.5
"""Share of the weights that a run begins with in those that it ends with, if an earlier run learned them."""

DROPOUT = 0.3
"""Share of the last layer's inputs that are left out."""


def train_on_photographs(
    recipe: PhotographRecipe,
    photographs: list[Photograph],
    data_dir: Path,
    folder: Path,
    weights: Path | None,
    start_from: Path | None = None,
) -> Checkpoint:
    """Train on photographs of senders that are not held out; return the run's last checkpoint.

    Args:
        recipe: decides the weights.
        photographs: of all senders.
        data_dir: torchvision's folder of data sets.
        folder: receives ``best.pt`` after each epoch, from which the run goes on if it is there.
        weights: published ones to begin with; None begins with random ones.
        start_from: the checkpoint of an earlier run, whose weights are taken in their place and, in the end,
            averaged with those of this run.

    Raises:
        RunError: the folder holds a run with other options.
        CheckpointError: ``start_from`` is no checkpoint.
        ValueError: ``weights`` are no published ones.
    """
    torch.manual_seed(recipe.seed)
    network, published, earlier = _begin(weights, start_from)
    ours = [each for each in photographs if not each.is_held_out]
    held_out = [each for each in photographs if each.is_held_out]
    bank = pasted(recipe.bank, recipe.seed, [each.gray for each in ours], data_dir)
    nothing = nothing_to_wear(recipe.bank // 5, recipe.seed, data_dir)
    steps = -(-(recipe.photographs + recipe.pasted + recipe.nothing) // recipe.batch_size)
    learner = Learner.of(network, recipe.learning(), steps * recipe.epochs, torch.device("cpu"), ALONE, contiguous=True)
    if steps * recipe.epochs >= WORTH_COMPILING and shutil.which("g++"):
        learner.parallel.compile()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "best.pt"
    checkpoint = _resumed(path, _first_checkpoint(recipe, weights, start_from))
    if checkpoint.learner:
        learner.load_state_dict(checkpoint.learner)
    used = copy.deepcopy(learner.model)
    while len(checkpoint.history) < recipe.epochs:
        epoch, started, losses = len(checkpoint.history), time.monotonic(), []
        torch.manual_seed(recipe.seed + epoch)  # of dropout, so that an epoch does not depend on those before
        learner.network.train()
        for images, labels in _batches(recipe, ours, bank, nothing, epoch):
            losses.append(float(learner.step(images, labels)[0]))
        used.load_state_dict(mixed(mixed(learner.model.state_dict(), published, recipe.kept), earlier, RUNS_AVERAGED))
        measured = {"epoch": epoch + 1, "validation_accuracy": accuracy(used, held_out, recipe.size)}
        seconds = time.monotonic() - started
        checkpoint.history.append({**measured, "train_loss": float(np.mean(losses)), "seconds": seconds})
        checkpoint.metrics, checkpoint.weights = measured, used.state_dict()
        checkpoint.learner = learner.state_dict()
        save_checkpoint(checkpoint, path)
        print(
            f"epoch {epoch + 1}/{recipe.epochs}  loss {np.mean(losses):.4f}  "
            f"held-out senders {100 * measured['validation_accuracy']:.1f} %  {seconds:.0f} s",
            file=sys.stderr,
            flush=True,
        )
    return checkpoint


def _begin(weights: Path | None, start_from: Path | None) -> tuple[EfficientNetLite0, Weights | None, Weights | None]:
    """Return the network, the published weights that it knows, and those of the earlier run that it begins with."""
    network = EfficientNetLite0(len(find_dataset(DATASET).class_names), DROPOUT)
    if weights:
        network.load_imagenet(load_published(weights), IMAGENET)
        network.freeze()
    published = copy.deepcopy(network.state_dict()) if weights else None
    earlier = load_checkpoint(start_from).weights if start_from else None
    if earlier:
        network.load_state_dict(earlier)
    return network, published, earlier


def mixed(learned: Weights, earlier: Weights | None, kept: float) -> Weights:
    """Move learned weights towards earlier ones, if there are any, by the share that is ``kept``.

    What the network learned of few people's photographs then costs it less of what it knew of everybody's (Wortsman et
    al., "Robust fine-tuning of zero-shot models", 2022, section 3).

    Args:
        learned: by name.
        earlier: by name, or None.
        kept: from 0 to 1.
    """
    if earlier is None:
        return learned
    return {name: (1 - kept) * value + kept * earlier[name] for name, value in learned.items()}


def _resumed(path: Path, first: Checkpoint) -> Checkpoint:
    """Return the last checkpoint of a run, or its first one."""
    if not path.exists():
        return first
    begun = load_checkpoint(path)
    if begun.config != first.config:
        raise RunError(f"{path} is a run with other options. Give the same ones, or another --checkpoints.")
    return begun


def _first_checkpoint(recipe: PhotographRecipe, weights: Path | None, start_from: Path | None) -> Checkpoint:
    """Return the checkpoint of a run that has not begun."""
    config = {"dataset": DATASET, "model": ARCHITECTURE, "recipe": "photographs", **asdict(recipe)}
    begun = [weights.name if weights else "", f"{start_from.parent.name}/{start_from.name}" if start_from else ""]
    config |= {"start_from": " and ".join(filter(None, begun))} if any(begun) else {}
    versions = {"python": platform.python_version(), "torch": str(torch.__version__), "device": "CPU"}
    return Checkpoint(config, {}, None, 0, torch.zeros(3), 0.0, [], {}, versions)


def _batches(
    recipe: PhotographRecipe, ours: list[Photograph], bank: list[Sample], nothing: list[Sample], epoch: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Draw the pictures of an epoch and yield them in batches, each changed at random."""
    rng = np.random.default_rng([recipe.seed, epoch])
    labels, senders = (np.array([getattr(each, name) for each in ours]) for name in ("label", "sender"))
    weights = 1 / np.sqrt(np.bincount(labels)[labels] * np.bincount(senders)[senders])
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
