import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import training.run
from tests.conftest import ROOT
from tests.training.runs import (
    CONFIG,
    CPU,
    OPTIONS,
    STEPS,
    interrupt_after,
    metrics,
    noted_parts,
    small_config,
    weights,
)
from training.checkpoint import Checkpoint, load_checkpoint
from training.config import Config
from training.errors import CheckpointError, RunError
from training.loop import Scores
from training.run import fit

pytestmark = pytest.mark.slow


def test_a_run_learns_and_leaves_its_files(checkpoint: Path) -> None:
    folder = checkpoint.parent
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert lines[-1]["train_loss"] < lines[0]["train_loss"]
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    metrics = load_checkpoint(checkpoint).metrics
    assert metrics["test_accuracy"] > 0.9
    highest = max(line["validation_accuracy"] for line in lines)
    assert metrics["validation_accuracy"] >= highest - 0.05


def test_the_same_command_gives_identical_weights_and_reads_the_test_set_once(
    finished: Path, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It does so with ``--resume`` too, where there is nothing to go on from."""
    read = noted_parts(training.run, monkeypatch, "load_split")
    fit(CONFIG, data_dir, tmp_path, CPU, resume=True)
    assert "is not there, so the run begins at its beginning" in capsys.readouterr().err
    assert read == ["train", "validation", "test"]
    assert weights(tmp_path / "last.pt").equal(weights(finished / "last.pt"))


@pytest.mark.parametrize("steps", [1, STEPS, STEPS + 10, 3 * STEPS - 1])
def test_a_run_stopped_after_any_step_goes_on_to_identical_weights(
    finished: Path, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    interrupt_after(steps, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        fit(CONFIG, data_dir, tmp_path, CPU)
    monkeypatch.undo()
    stopped = load_checkpoint(tmp_path / "last.pt")
    assert len(stopped.history) * STEPS + stopped.steps == steps
    fit(CONFIG, data_dir, tmp_path, CPU, resume=True)
    for name in ("last.pt", "best.pt"):
        assert weights(tmp_path / name).equal(weights(finished / name))
    assert metrics(tmp_path) == metrics(finished)


def test_kill_9_and_resume_end_in_identical_weights(finished: Path, data_dir: Path, tmp_path: Path) -> None:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in OPTIONS.items()]
    command = [sys.executable, "-m", "training.train", "--dataset=mnist", "--model=lenet", "--seed=5", "--device=cpu"]
    command += [*options, f"--data-dir={data_dir}", f"--checkpoints={tmp_path}", "--no-report"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
    last = tmp_path / CONFIG.name / "last.pt"
    deadline = time.monotonic() + 60
    while not last.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    subprocess.run([*command, "--resume"], cwd=ROOT, check=True, capture_output=True)
    assert weights(last).equal(weights(finished / "last.pt"))


def test_a_long_epoch_is_saved_on_the_way(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[tuple[int, int]] = []
    real = training.run.save_checkpoint

    def save(checkpoint: Checkpoint, path: Path) -> None:
        saved.append((len(checkpoint.history), checkpoint.steps))
        real(checkpoint, path)

    monkeypatch.setattr(training.run, "SECONDS_BETWEEN_CHECKPOINTS", 0)
    monkeypatch.setattr(training.run, "save_checkpoint", save)
    fit(small_config(batch_size=500), data_dir, tmp_path, CPU)
    assert saved[:3] == [(0, 1), (0, 2), (0, 3)]


def test_a_run_that_no_longer_improves_ends_early(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The validation set has 100 images: at 60 % the standard error is 4.9 points."""
    accuracies = iter([0.4, 0.6, 0.56, 0.56, 0.5, 0.5, 0.9, 0.9])
    monkeypatch.setattr(training.run, "evaluate", lambda *_, **__: Scores(1.0, next(accuracies)))
    config = small_config(epochs=8)
    best = fit(replace(config, learning=replace(config.learning, patience=0.25)), data_dir, tmp_path, CPU)
    assert [line["validation_accuracy"] for line in metrics(tmp_path)] == [0.4, 0.6, 0.56, 0.56, 0.5, 0.5]
    assert best.metrics["epoch"] == 4, "the latest that is as good as the best"


def test_a_run_may_end_within_an_epoch(data_dir: Path, tmp_path: Path) -> None:
    fit(small_config(epochs=1.4, batch_size=110), data_dir, tmp_path, CPU)
    first, second = metrics(tmp_path)
    assert (first["epoch"], second["epoch"]) == (1, 2)
    assert second["lr"] < first["lr"], "the cycle is at its end"
    seen = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [round(line["images_per_second"] * line["seconds"]) for line in seen] == [1100, 440]


class Enlarging(torch.nn.Module):
    """Sees its images at ``image_size``, notes it, and is best at half of it."""

    def __init__(self) -> None:
        super().__init__()
        self.image_size, self.sizes = 8, []
        self.linear = torch.nn.Linear(1, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.sizes.append(self.image_size)
        return self.linear(images.mean(dim=(2, 3)))


def test_images_grow_on_the_way_and_only_the_large_ones_are_judged(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Enlarging()
    monkeypatch.setattr(training.run, "create_model", lambda name, classes: network)
    config = small_config(epochs=4, batch_size=600)
    best = fit(replace(config, learning=replace(config.learning, small_images=0.5)), data_dir, tmp_path, CPU)
    assert network.sizes == [4] * 4 + [8] * 4, "two batches an epoch"
    assert best.metrics["epoch"] in (3, 4)


def test_a_run_with_other_options_or_a_damaged_checkpoint_is_not_resumed(
    finished: Path, data_dir: Path, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match=r"lr was 0.02, now 0.1"):
        fit(Config.of("mnist", "lenet", seed=5, **OPTIONS | {"lr": 0.1}), data_dir, finished, CPU, resume=True)
    (tmp_path / "last.pt").write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match=r"last.pt: not a checkpoint of Inkwear, or damaged"):
        fit(CONFIG, data_dir, tmp_path, CPU, resume=True)
