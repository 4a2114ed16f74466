import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.conftest import ROOT
from tests.training.runs import metrics, weights
from training.checkpoint import load_checkpoint

pytestmark = pytest.mark.slow


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
