"""The learning rate range test: one short run whose rate grows from step to step.

Smith, "Cyclical learning rates for training neural networks", 2017, section 3.3. The suggestion is a tenth of the rate
with the lowest smoothed loss, one of the two rules of fastai's ``lr_find``. The other, the steepest fall, was tried
on six networks and recipes here and is led astray by sigmoids, whose loss lies on a plateau at first.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from models import create_model
from training import charts
from training.datasets import Split, find_dataset, load_split
from training.distributed import ALONE
from training.learner import Learner
from training.run import Config

LOWEST, HIGHEST, STEPS = 1e-5, 10.0, 400
SMOOTHING = 0.9
"""Of the losses' moving average; single batches are too noisy to compare."""

LOST = 2.0
"""A loss this many times the best one will not come back, and the sweep ends."""


@dataclass(frozen=True)
class Sweep:
    """What each learning rate did to the smoothed training loss.

    Attributes:
        rates, losses: one each a step.
    """

    rates: list[float]
    losses: list[float]

    @property
    def lowest_loss(self) -> float:
        """The rate with the lowest loss; beyond it learning breaks down."""
        return self.rates[int(np.argmin(self.losses))]

    @property
    def suggestion(self) -> float:
        """The rate to try."""
        return self.lowest_loss / 10


def sweep_learning_rates(config: Config, data_dir: Path, device: torch.device) -> Sweep:
    """Train a fresh network for at most 400 steps, from a rate of 1e-5 up to 10; nothing of it is kept.

    Raises:
        ValueError: no such model or data set, or a network that gives no numbers.
        DataError: a data file is missing or damaged.
    """
    dataset = find_dataset(config.dataset, config.held_out)
    torch.manual_seed(config.seed)
    recipe = replace(config.learning, one_cycle=False, averaging=0.0)
    learner = Learner.of(create_model(config.model, len(dataset.class_names)), recipe, STEPS, device, ALONE)
    train = load_split(dataset, "train", data_dir).to(device)
    rates = np.geomspace(LOWEST, HIGHEST, STEPS).tolist()
    losses: list[float] = []
    for loss in tqdm(_losses(learner, train, rates, config.seed), total=STEPS, desc="sweep", disable=None):
        if not math.isfinite(loss) or loss > LOST * min([*losses, loss]):
            break
        losses.append(loss)
    if not losses:
        raise ValueError(f"{config.name}: the very first loss is not a number, so there is no rate to suggest.")
    return Sweep(rates[: len(losses)], losses)


def save_sweep(sweep: Sweep, path: Path) -> None:
    """Draw a sweep."""
    charts.save(charts.learning_rates(sweep.rates, sweep.losses, sweep.suggestion), path)


def _losses(learner: Learner, train: Split, rates: list[float], seed: int) -> Iterator[float]:
    """Learn a batch at each rate; yield the moving average of the losses, corrected for its start at zero."""
    generator = torch.Generator().manual_seed(seed)
    learner.network.train()
    average = 0.0
    for step, rate in enumerate(rates, start=1):
        for group in learner.optimizer.param_groups:
            group["lr"] = rate
        chosen = torch.randint(len(train.labels), (learner.recipe.batch_size,), generator=generator)
        loss, _ = learner.step(train.images[chosen], train.labels[chosen])
        average = SMOOTHING * average + (1 - SMOOTHING) * loss.item()
        yield average / (1 - SMOOTHING**step)
