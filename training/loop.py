"""One pass over a data set that lies in memory: with learning, and without."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from training.datasets import Split

EVALUATION_BATCH = 1_000


@dataclass(frozen=True)
class Scores:
    """Means over the images of one pass: cross-entropy in nats, accuracy as a fraction."""

    loss: float
    accuracy: float


def train_one_epoch(
    model: nn.Module,
    train: Split,
    optimizer: Optimizer,
    scheduler: LRScheduler,
    *,
    batch_size: int,
    change: Callable[[Tensor], Tensor],
    on_batch: Callable[[int, Scores], None],
) -> Scores:
    """Show every image to the model once, in a new order from torch's global random generator.

    Args:
        model: in any mode; left in training mode.
        train: on the device of the model.
        optimizer: stepped after each batch.
        scheduler: likewise.
        batch_size: images a step; the last batch of an epoch is as small as what is left.
        change: the augmentation of a batch.
        on_batch: called after each step with its number of images and the scores so far.
    """
    model.train()
    total = _RunningMean()
    for chosen in torch.randperm(len(train.labels)).split(batch_size):
        chosen = chosen.to(train.labels.device)
        images, labels = change(train.images[chosen]), train.labels[chosen]
        logits = model(images)
        loss = cross_entropy(logits, labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        scheduler.step()
        total.add(loss.detach(), logits.detach(), labels)
        on_batch(len(labels), total.scores())
    return total.scores()


@torch.no_grad()
def evaluate(model: nn.Module, split: Split) -> Scores:
    """Score a model, in evaluation mode, on a whole split."""
    model.eval()
    total = _RunningMean()
    for images, labels in zip(split.images.split(EVALUATION_BATCH), split.labels.split(EVALUATION_BATCH), strict=True):
        logits = model(images)
        total.add(cross_entropy(logits, labels), logits, labels)
    return total.scores()


class _RunningMean:
    def __init__(self) -> None:
        self.images = 0
        self.loss = 0.0
        self.correct = 0

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        self.images += len(labels)
        self.loss += loss.item() * len(labels)
        self.correct += int((logits.argmax(dim=1) == labels).sum())

    def scores(self) -> Scores:
        return Scores(self.loss / self.images, self.correct / self.images)
