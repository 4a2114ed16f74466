"""Training on pictures that other processes simulate meanwhile, each seen once; it goes on from its last checkpoint."""

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from inkwear.files import atomic_path
from training.learner import multiplies_bfloat16
from training.simulated_recipe import SimulatedRecipe
from training.workers import process_pool

PART = 256
"""Examples that a process makes at a time."""

ROUND = 2048
"""Examples that are put together into batches, and after which a checkpoint is written."""

MEASURED_ROUNDS = 8
"""Rounds from one measurement on validation examples to the next."""

Example = TypeVar("Example")


@dataclass(frozen=True)
class Task(Generic[Example]):
    """What a network learns from simulated examples.

    Attributes:
        make: makes examples in another process, from the number of the first and their number.
        batches: sorts a round of examples into batches.
        loss: runs the network on a batch.
        measure: describes the network's quality on validation examples.
    """

    make: Callable[[int, int], list[Example]]
    batches: Callable[[list[Example], np.random.Generator], Iterator[list[Example]]]
    loss: Callable[[nn.Module, list[Example]], Tensor]
    measure: Callable[[nn.Module], str]


def train_on_simulated(model: nn.Module, recipe: SimulatedRecipe, task: Task[Example], checkpoint: Path) -> float:
    """Train a network and return its recent loss.

    Args:
        model: changed in place, and in evaluation mode afterwards.
        recipe: decides the weights.
        task: what the network learns.
        checkpoint: a file that is written after each round, and gone on from if it is there.
    """
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(1)  # the other cores simulate
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.lr, weight_decay=0.01, fused=True)
    seen, recent = 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        seen, recent = state["seen"], state["recent"]
        torch.manual_seed(recipe.seed + seen)
    started, before = time.monotonic(), seen
    for number, examples in enumerate(_rounds(task.make, recipe.count, seen), 1):
        for batch in task.batches(examples, np.random.default_rng([recipe.seed, seen])):
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate(seen)
            loss = _step(model, optimizer, task, batch)
            seen += len(batch)
            recent = loss if not recent else 0.98 * recent + 0.02 * loss
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "seen": seen, "recent": recent}
        with atomic_path(checkpoint) as temporary:
            torch.save(state, temporary)
        measured = f"  {_measured(model, task)}" if number % MEASURED_ROUNDS == 0 else ""
        speed = (seen - before) / (time.monotonic() - started)
        line = f"{seen}/{recipe.count}  loss {recent:.4f}  {speed:.0f} examples/s{measured}"
        print(line, file=sys.stderr, flush=True)
    model.eval()
    return recent


def _step(model: nn.Module, optimizer: torch.optim.Optimizer, task: Task[Example], batch: list[Example]) -> float:
    """Learn from a batch and return its loss."""
    with torch.autocast("cpu", torch.bfloat16, enabled=multiplies_bfloat16(torch.device("cpu"))):
        loss = task.loss(model, batch)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 2.0)
    optimizer.step()
    return float(loss.detach())


def _measured(model: nn.Module, task: Task[Example]) -> str:
    model.eval()
    with torch.inference_mode():
        measured = task.measure(model)
    model.train()
    return measured


def _rounds(make: Callable[[int, int], list[Example]], count: int, seen: int) -> Iterator[list[Example]]:
    """Yield examples in rounds, which other processes make while the round before is being learned."""
    with process_pool(spare=1) as pool:

        def submit(first: int) -> list[Future[list[Example]]]:
            starts = range(first, min(first + ROUND, count), PART)
            return [pool.submit(make, start, min(PART, count - start)) for start in starts]

        coming = submit(seen)
        for first in range(seen, count, ROUND):
            futures, coming = coming, submit(first + ROUND)
            yield [example for future in futures for example in future.result()]
