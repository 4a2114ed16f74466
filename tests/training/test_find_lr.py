from pathlib import Path

import pytest

from tests.training.runs import CPU, invoke, small_config
from training import find_lr
from training.config import Config
from training.find_lr import Sweep, sweep_learning_rates
from training.train import cli

pytestmark = pytest.mark.slow


def test_a_rate_from_the_sweep_is_one_that_learns(data_dir: Path) -> None:
    sweep = sweep_learning_rates(Config.of("mnist", "convnet"), data_dir, CPU)
    assert len(sweep.rates) == len(sweep.losses)
    assert 1e-4 < sweep.suggestion < 0.1
    assert min(sweep.losses) < 0.7 * sweep.losses[0], "it learned on the way"
    assert sweep.rates == sorted(sweep.rates)


def test_a_sweep_can_be_repeated_and_ends_where_the_loss_is_lost(data_dir: Path) -> None:
    first, second = (sweep_learning_rates(small_config(seed=3), data_dir, CPU) for _ in range(2))
    assert first == second
    assert first.rates[-1] < find_lr.MAX_LR


def test_the_suggestion_is_a_tenth_of_the_rate_with_the_lowest_loss() -> None:
    sweep = Sweep(rates=[0.001, 0.01, 0.1, 1.0], losses=[2.3, 1.0, 0.5, 3.0])
    assert (sweep.lowest_loss, sweep.suggestion) == (0.1, pytest.approx(0.01))


def test_the_command_draws_it_and_trains_nothing(data_dir: Path, tmp_path: Path) -> None:
    options = ["--dataset=mnist", "--model=mlp_small", "--find-lr", f"--data-dir={data_dir}"]
    output = invoke(cli, *options, f"--checkpoints={tmp_path}")
    assert "Next: train with --lr" in output
    assert [path.name for path in (tmp_path / "mnist-mlp_small").iterdir()] == ["lr.png"]
