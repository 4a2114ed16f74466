import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.conftest import ROOT
from tests.training.runs import interrupt_after, invoke, metrics, weights
from training.checkpoint import load_checkpoint
from training.train import cli

pytestmark = pytest.mark.slow


def run(folder: Path, *options: object, code: int = 0) -> str:
    output = invoke(
        cli, "--dataset=mnist", "--epochs=1", "--device=cpu", f"--checkpoints={folder}", *options, code=code
    )
    return " ".join(output.split())


def test_ctrl_c_says_how_to_go_on(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_after(3, monkeypatch)
    output = run(tmp_path, "--model=mlp", f"--data-dir={data_dir}", code=130)
    assert "last.pt holds every step; the same command with --resume goes on from there" in output


def test_the_command_trains_and_says_what_comes_next(data_dir: Path, tmp_path: Path) -> None:
    output = run(tmp_path, "--model=convnet", f"--data-dir={data_dir}")
    assert "mnist-convnet: test accuracy" in output
    assert f"Next: python -m training.export {tmp_path}/mnist-convnet/best.pt" in output
    assert "exports/mnist-convnet.onnx is there already and was made by another run" in output
    assert re.search(r"[\d,]+ images/s on CPU, threads: \d", output)
    assert (tmp_path / "mnist-convnet" / "report.html").exists()


NO_CUDA = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        ("--model=lenett", 2, "Did you mean 'lenet'? Known: alexnet, convnet"),
        ("--model=lenet --dataset=cifar", 2, "There is no data set 'cifar'. Known: mnist, fashion_mnist"),
        ("--model=sprint --recipe=tutorial", 2, "'sprint' is in no tutorial: there are recipes for lenet, alexnet"),
        ("--model=lenet --epochs=0", 2, "Invalid value for '--epochs'"),
        ("--model=lenet --extra-images=no.npz", 2, "no.npz is missing"),
        ("--model=lenet --extra-data=none", 2, "no corrections here"),
        pytest.param("--model=lenet --device=cuda", 3, "torch finds no CUDA device", marks=NO_CUDA),
    ],
)
def test_a_mistake_ends_in_a_sentence_and_its_exit_code(
    data_dir: Path, tmp_path: Path, options: str, code: int, reason: str
) -> None:
    assert reason in run(tmp_path, f"--data-dir={data_dir}", *options.split(), code=code)


def test_options_are_understood_by_their_earlier_names(data_dir: Path, tmp_path: Path) -> None:
    earlier = ["--recipe", "ours", "--held-out=100", "--mixing", "0.5"]
    options = ["--dataset=mnist", "--model=mlp_small", "--epochs=0.1", "--device=cpu", "--no-report"]
    command = [sys.executable, "-m", "training.train", *options, f"--data-dir={data_dir}", f"--checkpoints={tmp_path}"]
    done = subprocess.run([*command, *earlier], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    config = load_checkpoint(tmp_path / "mnist-mlp_small-held100" / "best.pt").config
    assert (config["recipe"], config["validation_size"], config["cutmix"]) == ("default", 100, 0.5)


COMMANDS = (
    *("train", "export", "evaluate.__main__", "compare", "summary", "run_report"),
    *("train_line_reader", "train_ink_finder", "simulate", "photos", "outliers", "split_samples"),
    *("publish.readme", "publish.triton", "publish.export_report"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_needs_no_torch(command: str) -> None:
    script = f"import training.{command}, sys; print({{'torch', 'matplotlib', 'sklearn'}} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert printed.stdout.strip() == "set()", printed.stderr


def test_two_processes_learn_what_one_learns(data_dir: Path, tmp_path: Path) -> None:
    """The tutorial's perceptron has nothing random but the order of images: two halves of a batch add up to it."""
    options = ["--dataset=mnist", "--model=mlp", "--recipe=tutorial", "--epochs=2", "--device=cpu", "--no-report"]
    command = ["-m", "training.train", *options, f"--data-dir={data_dir}"]
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    for name, started in (("one", command), ("two", launcher + command)):
        arguments = [sys.executable, *started, f"--checkpoints={tmp_path / name}"]
        done = subprocess.run(arguments, cwd=ROOT, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    one, two = (tmp_path / name / "mnist-mlp-tutorial" for name in ("one", "two"))
    torch.testing.assert_close(weights(one / "last.pt"), weights(two / "last.pt"), atol=1e-5, rtol=1e-4)
    assert done.stdout.count("test accuracy") == 1, "one process speaks"
    assert load_checkpoint(two / "best.pt").versions["device"] == "2 × CPU, threads: 1"
    assert [line["validation_accuracy"] for line in metrics(one)] == [
        pytest.approx(line["validation_accuracy"], abs=0.011) for line in metrics(two)
    ]
