from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from training import simulated
from training.simulated import MEASURED_ROUNDS, PART, ROUND, Task, train_on_simulated
from training.simulated_recipe import SimulatedRecipe

Sum = tuple[list[float], float]
"""Three numbers and their sum."""


@pytest.fixture(autouse=True)
def _small_rounds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make examples in a thread, in rounds that take no time."""
    monkeypatch.setattr(simulated, "process_pool", lambda spare: ThreadPoolExecutor(1))
    monkeypatch.setattr(simulated, "PART", 8)
    monkeypatch.setattr(simulated, "ROUND", 32)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


class Sums:
    """A task that is learned at once, and notes which examples were made."""

    def __init__(self, ends_at: int = 10_000) -> None:
        self.made: list[tuple[int, int]] = []
        self.ends_at = ends_at

    def make(self, first: int, count: int) -> list[Sum]:
        if first >= self.ends_at:
            raise InterruptedError
        self.made.append((first, count))
        numbers = [np.random.default_rng(index).random(3).tolist() for index in range(first, first + count)]
        return [(each, sum(each)) for each in numbers]

    def batches(self, examples: list[Sum], rng: np.random.Generator) -> Iterator[list[Sum]]:
        order = rng.permutation(len(examples))
        for first in range(0, len(order), 4):
            yield [examples[index] for index in order[first : first + 4]]

    def loss(self, model: nn.Module, batch: list[Sum]) -> Tensor:
        answers = model(torch.tensor([numbers for numbers, _ in batch]))[:, 0].float()
        return ((answers - torch.tensor([total for _, total in batch])) ** 2).mean()

    def measure(self, model: nn.Module) -> str:
        assert not model.training
        return "measured"

    def train(self, checkpoint: Path, count: int = 100) -> tuple[nn.Linear, float]:
        torch.manual_seed(1)
        model = nn.Linear(3, 1)
        recipe = SimulatedRecipe(count, batch_size=4, lr=0.05, warmup=8, decay=40)
        return model, train_on_simulated(
            model, recipe, Task(self.make, self.batches, self.loss, self.measure), checkpoint
        )


def test_parts_and_rounds_fit_together() -> None:
    assert ROUND % PART == 0


def test_each_example_is_made_once_and_learned(tmp_path: Path) -> None:
    sums = Sums()
    model, loss = sums.train(tmp_path / "sums.pt", count=400)
    assert sums.made == [(first, 8) for first in range(0, 400, 8)]
    assert loss < 0.5 * Sums().train(tmp_path / "short.pt", count=8)[1]
    assert not model.training


def test_the_last_part_is_as_short_as_it_must_be(tmp_path: Path) -> None:
    sums = Sums()
    sums.train(tmp_path / "sums.pt", count=45)
    assert sums.made[-1] == (40, 5)


def test_training_goes_on_from_a_checkpoint_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    whole, _ = Sums().train(tmp_path / "whole.pt")
    checkpoint = tmp_path / "interrupted.pt"
    with pytest.raises(InterruptedError):
        Sums(ends_at=64).train(checkpoint)
    assert torch.load(checkpoint, weights_only=True)["seen"] == 64
    rest = Sums()
    model, _ = rest.train(checkpoint)
    assert rest.made[0] == (64, 8)
    assert torch.equal(model.weight, whole.weight)
    assert torch.load(checkpoint, weights_only=True)["seen"] == 100


def test_a_finished_training_is_not_repeated(tmp_path: Path) -> None:
    model, loss = Sums().train(tmp_path / "sums.pt")
    again = Sums()
    same, same_loss = again.train(tmp_path / "sums.pt")
    assert again.made == []
    assert torch.equal(model.weight, same.weight)
    assert same_loss == loss


def test_progress_is_said_after_each_round_and_measured_now_and_then(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Sums().train(tmp_path / "sums.pt", count=32 * (MEASURED_ROUNDS + 1))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("/")[0] for line in lines] == [str(32 * number) for number in range(1, MEASURED_ROUNDS + 2)]
    assert [number for number, line in enumerate(lines, 1) if "measured" in line] == [MEASURED_ROUNDS]
