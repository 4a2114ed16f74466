"""One pass over a data set in memory, with learning or without."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from training.distributed import ALONE, Processes
from training.learner import Learner, run_model
from training.splits import Split

EVALUATION_BATCH = 500
"""Images that are evaluated at a time."""


@dataclass(frozen=True)
class Scores:
    """Means over the images of a pass: cross-entropy in nats, accuracy from 0 to 1."""

    loss: float
    accuracy: float


class Totals:
    """Sums over the images of a pass so far, kept on the device so that adding to them waits for nothing.

    Attributes:
        sums: (3,) float64: number of images, total loss, number of images classified right.
    """

    def __init__(self, sums: Tensor) -> None:
        self.sums = sums

    @classmethod
    def zero(cls, device: torch.device) -> "Totals":
        return cls(torch.zeros(3, dtype=torch.float64, device=device))

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Add a batch: its mean loss, its logits and its labels.

        Args:
            loss: the batch's mean loss.
            logits: (N, classes).
            labels: (N,).
        """
        count = len(labels)
        right = (logits.argmax(dim=1) == labels).sum()
        self.sums += torch.stack([torch.full_like(right, count), loss.double() * count, right]).double()

    def images(self, processes: Processes = ALONE) -> float:
        """Return the number of images, over all processes."""
        return float(processes.add_up(self.sums)[0])

    def scores(self, processes: Processes = ALONE) -> Scores:
        """Return the means, over all processes."""
        images, loss, right = processes.add_up(self.sums).tolist()
        return Scores(loss / images, right / images)


def train_steps(
    learner: Learner,
    train: Split,
    totals: Totals,
    *,
    seed: int,
    epoch: int,
    after: int,
    until: int,
    change: Callable[[Tensor], Tensor],
    processes: Processes,
) -> Iterator[int]:
    """Learn from every image once, in a random order; yield the number of steps done after each step.

    All random numbers of a step depend on (``seed``, ``epoch``, step, process) alone, so that a pass can be stopped
    after any step and resumed there without the state of a random generator.

    Args:
        learner: learns a step with each batch.
        train: the images, on the learner's device.
        totals: receives the loss and accuracy of each batch.
        seed: of the run.
        epoch: counted from 0.
        after: steps of this epoch that are done already.
        until: steps of this epoch in the end.
        change: the augmentation of a batch.
        processes: those that share each batch.
    """
    order = torch.randperm(len(train.labels), generator=torch.Generator().manual_seed(_seed(seed, epoch)))
    learner.parallel.train()
    for step, batch in enumerate(order.split(learner.recipe.batch_size)[:until]):
        if step < after or len(batch) < processes.count:
            continue
        _seed_generator(train.labels.device, _seed(seed, epoch, step, processes.rank))
        chosen = processes.part(batch).to(train.labels.device)
        images, labels = change(train.images[chosen]), train.labels[chosen]
        loss, logits = learner.step(images, labels, share=len(chosen) * processes.count / len(batch))
        totals.add(loss, logits, labels)
        yield step + 1


@torch.no_grad()
def evaluate(model: nn.Module, split: Split, processes: Processes = ALONE, *, bfloat16: bool = False) -> Scores:
    """Score a model, put into evaluation mode, on a whole split.

    Args:
        model: the network.
        split: its images and labels, on the network's device.
        processes: those that share the batches.
        bfloat16: whether matrices are multiplied in bfloat16; exports run in float32.
    """
    model.eval()
    totals = Totals.zero(split.labels.device)
    for images, labels in _batches(split, processes):
        logits = run_model(model, images, bfloat16=bfloat16)
        totals.add(cross_entropy(logits, labels), logits, labels)
    return totals.scores(processes)


@torch.no_grad()
def predict_logits(model: nn.Module, images: Tensor, *, bfloat16: bool = False) -> Tensor:
    """Run a model, put into evaluation mode: (N, 1, 28, 28) -> (N, classes).

    Args:
        model: the network.
        images: normalized, on the network's device.
        bfloat16: whether matrices are multiplied in bfloat16.
    """
    model.eval()
    return torch.cat([run_model(model, part, bfloat16=bfloat16) for part in images.split(EVALUATION_BATCH)])


def _batches(split: Split, processes: Processes) -> Iterator[tuple[Tensor, Tensor]]:
    images, labels = split.images.split(EVALUATION_BATCH), split.labels.split(EVALUATION_BATCH)
    yield from list(zip(images, labels, strict=True))[processes.rank :: processes.count]


def _seed_generator(device: torch.device, seed: int) -> None:
    """Seed the generators in use; ``torch.manual_seed`` seeds all and takes 0.1 ms, as it records its call stack."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


def _seed(*numbers: int) -> int:
    """Mix numbers into one seed, so that similar numbers give unrelated seeds (numpy's SeedSequence)."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
