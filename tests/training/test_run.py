import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import training.run
from tests.conftest import ROOT
from training.checkpoint import CheckpointError, load_checkpoint
from training.run import Config, RunError, fit
from training.train import cli

CPU = torch.device("cpu")
CONFIG = Config("mnist", "lenet", epochs=3, lr=0.02, batch_size=32, seed=5)


@pytest.fixture(scope="module")
def finished(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    fit(CONFIG, data_dir, folder, CPU)
    return folder


def weights(path: Path) -> torch.Tensor:
    return torch.cat([tensor.flatten() for tensor in load_checkpoint(path).weights.values()])


def test_a_run_learns_and_leaves_its_files(checkpoint: Path) -> None:
    folder = checkpoint.parent
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert lines[-1]["train_loss"] < lines[0]["train_loss"]
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    metrics = load_checkpoint(checkpoint).metrics
    assert metrics["test_accuracy"] > 0.9
    assert metrics["validation_accuracy"] == max(line["validation_accuracy"] for line in lines)


def test_the_same_command_gives_identical_weights(finished: Path, data_dir: Path, tmp_path: Path) -> None:
    fit(CONFIG, data_dir, tmp_path, CPU)
    assert weights(tmp_path / "last.pt").equal(weights(finished / "last.pt"))


@pytest.mark.parametrize("epochs_done", [1, 2])
def test_a_run_stopped_in_mid_epoch_goes_on_to_identical_weights(
    finished: Path, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epochs_done: int
) -> None:
    batches = 0
    real = training.run.augment

    def stop_after_a_while(*arguments: object) -> torch.Tensor:
        nonlocal batches
        batches += 1
        if batches > 35 * epochs_done + 10:  # an epoch of 1,100 images has 35 batches
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(training.run, "augment", stop_after_a_while)
    with pytest.raises(KeyboardInterrupt):
        fit(CONFIG, data_dir, tmp_path, CPU)
    monkeypatch.undo()
    assert len(load_checkpoint(tmp_path / "last.pt").history) == epochs_done
    fit(CONFIG, data_dir, tmp_path, CPU, resume=True)
    for name in ("last.pt", "best.pt"):
        assert weights(tmp_path / name).equal(weights(finished / name))


def test_kill_9_and_resume_end_in_identical_weights(finished: Path, data_dir: Path, tmp_path: Path) -> None:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in vars(CONFIG).items()]
    command = [sys.executable, "-m", "training.train", *options, f"--data-dir={data_dir}", f"--checkpoints={tmp_path}"]
    process = subprocess.Popen([*command, "--device=cpu"], cwd=ROOT, stderr=subprocess.PIPE)
    last = tmp_path / CONFIG.name / "last.pt"
    deadline = time.monotonic() + 60
    while not last.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    subprocess.run([*command, "--device=cpu", "--resume"], cwd=ROOT, check=True, capture_output=True)
    assert weights(last).equal(weights(finished / "last.pt"))


def test_the_test_set_is_read_once_a_run(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = training.run.load_split
    monkeypatch.setattr(training.run, "load_split", lambda d, part, f: (read.append(part), real(d, part, f))[1])
    fit(CONFIG, data_dir, tmp_path, CPU)
    assert read == ["train", "validation", "test"]


def test_an_earlier_run_is_not_overwritten_unasked(finished: Path, data_dir: Path) -> None:
    before = (finished / "last.pt").read_bytes()
    with pytest.raises(RunError, match=r"already there: add --resume .* or --overwrite"):
        fit(CONFIG, data_dir, finished, CPU)
    assert (finished / "last.pt").read_bytes() == before


def test_a_run_with_other_options_is_not_resumed(finished: Path, data_dir: Path) -> None:
    with pytest.raises(RunError, match=r"lr was 0.02, now 0.1"):
        fit(Config(**vars(CONFIG) | {"lr": 0.1}), data_dir, finished, CPU, resume=True)


def test_a_run_stopped_in_its_first_epoch_begins_again(
    finished: Path, data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(CONFIG, data_dir, tmp_path, CPU, resume=True)
    assert "no epoch was finished, so the run begins at its beginning" in capsys.readouterr().err
    assert weights(tmp_path / "last.pt").equal(weights(finished / "last.pt"))


def test_a_damaged_checkpoint_is_not_resumed(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "last.pt").write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match=r"last.pt: not a checkpoint of Inkwear, or damaged"):
        fit(CONFIG, data_dir, tmp_path, CPU, resume=True)


# --------------------------------------------------------------------------------------------------------- command


def run_command(*options: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["--dataset=mnist", "--epochs=1", *options])
    return result.exit_code, result.output


def test_the_command_trains_and_says_what_comes_next(data_dir: Path, tmp_path: Path) -> None:
    code, output = run_command("--model=convnet", f"--data-dir={data_dir}", f"--checkpoints={tmp_path}")
    assert code == 0
    assert "mnist-convnet: test accuracy" in output
    assert f"Next: python -m training.export {tmp_path}/mnist-convnet/best.pt" in output


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (("--model=lenett",), 2, "Did you mean 'lenet'? Known: convnet, lenet"),
        (("--model=lenet", "--dataset=cifar"), 2, "There is no data set 'cifar'. Known: mnist, fashion_mnist"),
        (("--model=lenet", "--epochs=0"), 2, "Invalid value for '--epochs'"),
    ],
)
def test_a_mistake_ends_in_a_sentence_and_its_exit_code(
    data_dir: Path, tmp_path: Path, options: tuple[str, ...], code: int, reason: str
) -> None:
    result = run_command(f"--data-dir={data_dir}", f"--checkpoints={tmp_path}", *options)
    assert result[0] == code
    assert reason in " ".join(result[1].split())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_cuda_without_cuda_is_exit_code_3(data_dir: Path, tmp_path: Path) -> None:
    code, output = run_command("--model=lenet", "--device=cuda", f"--data-dir={data_dir}", f"--checkpoints={tmp_path}")
    assert code == 3
    assert "torch finds no CUDA device" in output


def test_help_needs_no_torch() -> None:
    script = "import training.train, training.export, training.evaluate, sys; print('torch' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert printed.stdout.strip() == "False"
