"""What several tests of training share: a config, what is compared of its runs, and calling a command."""

import json
import os
import signal
from pathlib import Path
from types import ModuleType

import pytest
import torch
import typer
from typer.testing import CliRunner

import training.run
from training.checkpoint import load_checkpoint
from training.config import Config

CPU = torch.device("cpu")
OPTIONS = {"epochs": 3, "lr": 0.02, "batch_size": 32}
CONFIG = Config.of("mnist", "lenet", seed=5, **OPTIONS)
STEPS = 35
"""Steps of an epoch: 1,100 images in batches of 32."""


def invoke(cli: typer.Typer, *arguments: object, code: int = 0) -> str:
    """Run a command, hold its exit code against the one expected, and return what it printed."""
    result = CliRunner().invoke(cli, [*map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


def weights(path: Path) -> torch.Tensor:
    return torch.cat([tensor.flatten() for tensor in load_checkpoint(path).weights.values()])


def interrupt_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C in the middle of a step."""
    batches, real = 0, training.run.augment

    def augment(*arguments: object, **options: object) -> torch.Tensor:
        nonlocal batches
        batches += 1
        if batches == steps:
            os.kill(os.getpid(), signal.SIGINT)
        return real(*arguments, **options)

    monkeypatch.setattr(training.run, "augment", augment)


def metrics(folder: Path) -> list[dict[str, float]]:
    """The history without what depends on the clock."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in ("seconds", "images_per_second")} for line in lines]


def small_config(**options: object) -> Config:
    """The quickest network to train, for an epoch."""
    return Config.of("mnist", "mlp_small", **{"epochs": 1, "batch_size": 32} | options)


def noted_parts(module: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str) -> list[str]:
    """The parts of a data set that a module loads by a function of this name from now on."""
    read, real = [], getattr(module, name)
    monkeypatch.setattr(module, name, lambda dataset, part, folder: (read.append(part), real(dataset, part, folder))[1])
    return read


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
