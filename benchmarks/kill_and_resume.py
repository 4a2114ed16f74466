"""kill -9 in mid-epoch, resume, compare: ``python -m benchmarks.kill_and_resume``.

LeNet learns Fashion-MNIST for two epochs, once undisturbed and then twenty times with a SIGKILL at a random moment.
Each time the resumed run must end with the weights of the undisturbed one, last and best, bit for bit. A checkpoint is
written every half second, so that most kills hit an epoch that is partly saved.
"""

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import torch
import typer
from tqdm import tqdm

from tests.conftest import ROOT
from training.checkpoint import load_checkpoint
from training.console import DEFAULT_DATA_DIR, DataDir

SCRIPT = """
import sys, training.run
training.run.SECONDS_BETWEEN_CHECKPOINTS = 0.5
from training.train import main
main()
"""


def command(folder: Path, data_dir: Path) -> list[str]:
    options = ["--dataset=fashion_mnist", "--model=lenet", "--epochs=2", "--device=cpu", "--no-report"]
    return [sys.executable, "-c", SCRIPT, *options, f"--data-dir={data_dir}", f"--checkpoints={folder}"]


def outcome(folder: Path) -> list[torch.Tensor]:
    """Return the weights of the last and the best epoch."""
    files = [load_checkpoint(folder / "fashion_mnist-lenet" / name) for name in ("last.pt", "best.pt")]
    return [tensor for checkpoint in files for tensor in checkpoint.weights.values()]


def main(kills: Annotated[int, typer.Option(min=1)] = 20, seed: int = 0, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Kill and resume, and count how often that changed nothing."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.perf_counter()
        subprocess.run(command(folder / "whole", data_dir), cwd=ROOT, check=True, capture_output=True)
        seconds, expected = time.perf_counter() - started, outcome(folder / "whole")
        identical, in_mid_epoch = 0, 0
        for number in tqdm(range(kills), disable=None):
            run = folder / str(number)
            process = subprocess.Popen(command(run, data_dir), cwd=ROOT, stderr=subprocess.DEVNULL)
            time.sleep(draw.uniform(0.3, 0.9) * seconds)
            process.send_signal(signal.SIGKILL)
            process.wait()
            last = run / "fashion_mnist-lenet" / "last.pt"
            in_mid_epoch += last.exists() and load_checkpoint(last).steps > 0
            subprocess.run([*command(run, data_dir), "--resume"], cwd=ROOT, check=True, capture_output=True)
            identical += all(a.equal(b) for a, b in zip(outcome(run), expected, strict=True))
    print(f"{identical} of {kills} ended with identical weights; {in_mid_epoch} were taken up within an epoch")
    raise typer.Exit(identical != kills)


if __name__ == "__main__":
    typer.run(main)
