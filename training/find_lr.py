"""The learning rate range test: one short run whose rate grows from step to step.

Smith, "Cyclical learning rates for training neural networks", 2017, section 3.3. The suggestion is a tenth of the rate
with the lowest smoothed loss, one of the two rules of fastai's ``lr_find``. The other, the steepest fall, was tried
on six networks and recipes here and is misled by sigmoids, whose loss lies on a plateau at first.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from models import create_model
from training.config import Config
from training.datasets import find_dataset
from training.distributed import ALONE
from training.learner import Learner
from training.splits import Split, load_split

MIN_LR, MAX_LR, STEPS = 1e-5, 10.0, 400
"""Range of the sweep and the number of rates in it."""

SMOOTHING = 0.9
"""Weight of the past in the moving average of the losses; single batches are too noisy to compare."""

DIVERGED = 2.0
"""Ratio to the best loss from which a loss will not recover; the sweep ends there."""


@dataclass(frozen=True)
class Sweep:
    """The ``rates`` of a sweep, and the smoothed training loss at each."""

    rates: list[float]
    losses: list[float]

    @property
    def lowest_loss(self) -> float:
        """The rate with the lowest loss; beyond it training diverges."""
        return self.rates[int(np.argmin(self.losses))]

    @property
    def suggestion(self) -> float:
        """The rate to try."""
        return self.lowest_loss / 10


def sweep_learning_rates(config: Config, data_dir: Path, device: torch.device) -> Sweep:
    """Train a fresh network for at most 400 steps, at rates from 1e-5 to 10; nothing of it is kept.

    Args:
        config: of the run that needs a rate.
        data_dir: torchvision's folder of data sets.
        device: where to train.

    Raises:
        ValueError: there is no such model or data set, or the first loss is not a number.
    """
    dataset = find_dataset(config.dataset, config.validation_size)
    torch.manual_seed(config.seed)
    recipe = replace(config.learning, one_cycle=False, ema_epochs=0.0)
    learner = Learner.of(create_model(config.model, len(dataset.class_names)), recipe, STEPS, device, ALONE)
    train = load_split(dataset, "train", data_dir).to(device)
    rates = np.geomspace(MIN_LR, MAX_LR, STEPS).tolist()
    losses: list[float] = []
    for loss in tqdm(_losses(learner, train, rates, config.seed), total=STEPS, desc="sweep", disable=None):
        if not math.isfinite(loss) or loss > DIVERGED * min([*losses, loss]):
            break
        losses.append(loss)
    if not losses:
        raise ValueError(f"{config.name}: the first loss is not a number, so there is no rate to suggest.")
    return Sweep(rates[: len(losses)], losses)


def _losses(learner: Learner, train: Split, rates: list[float], seed: int) -> Iterator[float]:
    """Learn a batch at each rate; yield the moving average of the losses, without the bias of its start at zero."""
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
