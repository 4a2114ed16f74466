"""One pass over a data set that lies in memory: with learning, and without."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from training.datasets import Split
from training.distributed import ALONE, Processes
from training.learner import Learner, run_model

EVALUATION_BATCH = 500


@dataclass(frozen=True)
class Scores:
    """Means over the images of one pass: cross-entropy in nats, accuracy as a fraction."""

    loss: float
    accuracy: float


class Totals:
    """Sums over the images seen so far in one pass, kept on the device so that adding waits for nothing.

    Attributes:
        sums: (3,) float64: images, loss, images that were classified right.
    """

    def __init__(self, sums: Tensor) -> None:
        self.sums = sums

    @classmethod
    def zero(cls, device: torch.device) -> "Totals":
        return cls(torch.zeros(3, dtype=torch.float64, device=device))

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Add a batch: its mean loss, its logits and its labels."""
        count = len(labels)
        right = (logits.argmax(dim=1) == labels).sum()
        self.sums += torch.stack([torch.full_like(right, count), loss.double() * count, right]).double()

    def images(self, processes: Processes = ALONE) -> float:
        """Return how many there were, over all processes."""
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
    """Show images, each at most once, in an order of the epoch's own; yield the number of steps done after each.

    Whatever is random is drawn anew for each step from (``seed``, ``epoch``, step, process), so that a pass can be
    left after any step and be taken up there, without any state of a random generator.

    Args:
        learner: learns a step with each batch.
        train: the images, on the learner's device.
        totals: receives each batch's loss and accuracy.
        seed: of the run.
        epoch: counted from 0.
        after: how many steps of this epoch are done already.
        until: how many there shall be in the end.
        change: the augmentation of a batch.
        processes: share each batch among them.
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
    """Score a model, put into evaluation mode, on a whole split; by default in float32, as an export runs."""
    model.eval()
    totals = Totals.zero(split.labels.device)
    for images, labels in _batches(split, processes):
        logits = run_model(model, images, bfloat16=bfloat16)
        totals.add(cross_entropy(logits, labels), logits, labels)
    return totals.scores(processes)


@torch.no_grad()
def predict_logits(model: nn.Module, images: Tensor, *, bfloat16: bool = False) -> Tensor:
    """Run a model, put into evaluation mode: (N, 1, 28, 28) -> (N, classes)."""
    model.eval()
    return torch.cat([run_model(model, part, bfloat16=bfloat16) for part in images.split(EVALUATION_BATCH)])


def _batches(split: Split, processes: Processes) -> Iterator[tuple[Tensor, Tensor]]:
    images, labels = split.images.split(EVALUATION_BATCH), split.labels.split(EVALUATION_BATCH)
    yield from list(zip(images, labels, strict=True))[processes.rank :: processes.count]


def _seed_generator(device: torch.device, seed: int) -> None:
    """Do what ``torch.manual_seed`` does, but only where it matters: that takes 0.1 ms, as it notes its call stack."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


def _seed(*numbers: int) -> int:
    """Mix numbers into one seed, so that neighbours have nothing in common (numpy's SeedSequence)."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
