"""Our trainer against the tutorials' loops, side by side in one run: ``python -m tests.benchmarks.training_speed``.

The loops of the tutorials are written out below as the tutorials have them: torchvision's data set, ToTensor for each
image in each epoch, a DataLoader. Three races:

- ``epoch``: LeNet on Fashion-MNIST, SGD with a rate of 0.9, batch 256, no augmentation: seconds for 60,000 images of
  the same mathematics. The two take turns; the medians are compared.
- ``to81``: seconds of training until 81 % of Fashion-MNIST's test images are read right, what the tutorial promises
  after its 10 epochs: its loop, and our LeNet with ``--recipe quick``.
- ``to99``: seconds of training until 99.0 % of MNIST's, by PyTorch's own MNIST example (two convolutions, dropout,
  Adadelta, batch 64), and by ``sprint`` with ``--recipe quick`` as the mean of five seeds. Also from the start of the
  process to its end.

Loops of the tutorials are scored after each epoch, outside of the clock. Nothing else may run meanwhile.
"""

import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD, Adadelta
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from models import create_model
from tests.conftest import ROOT
from training.checkpoint import load_checkpoint
from training.console import DEFAULT_DATA_DIR, DataDir
from training.run import Config, fit

SEEDS, ROUNDS = 5, 3
TUTORIAL_EPOCHS = 10
CPU = torch.device("cpu")


# ------------------------------------------------------------------------------------------- the tutorials' loops


def tutorial_lenet(data_dir: Path) -> Iterator[tuple[float, float]]:
    """ "Dive into Deep Learning": LeNet on Fashion-MNIST. Yields seconds of training and test accuracy per epoch."""
    torch.manual_seed(0)
    to_tensor = transforms.ToTensor()
    train = datasets.FashionMNIST(str(data_dir), train=True, transform=to_tensor)
    test = datasets.FashionMNIST(str(data_dir), train=False, transform=to_tensor)
    train_loader = DataLoader(train, batch_size=256, shuffle=True, num_workers=4)
    test_loader = DataLoader(test, batch_size=256, num_workers=4)
    model = create_model("lenet")  # with Xavier's weights, as the tutorial's
    optimizer = SGD(model.parameters(), lr=0.9)
    for _ in range(TUTORIAL_EPOCHS):
        started = time.perf_counter()
        model.train()
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
        yield time.perf_counter() - started, accuracy(model, test_loader)


class ExampleNet(nn.Module):
    """The network of pytorch/examples, mnist/main.py."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, images: Tensor) -> Tensor:
        maps = F.relu(self.conv2(F.relu(self.conv1(images))))
        features = torch.flatten(self.dropout1(F.max_pool2d(maps, 2)), 1)
        return F.log_softmax(self.fc2(self.dropout2(F.relu(self.fc1(features)))), dim=1)


def pytorch_example(data_dir: Path) -> Iterator[tuple[float, float]]:
    """pytorch/examples, mnist/main.py, with its defaults. Yields seconds of training and test accuracy per epoch."""
    torch.manual_seed(1)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    train = datasets.MNIST(str(data_dir), train=True, transform=transform)
    test = datasets.MNIST(str(data_dir), train=False, transform=transform)
    train_loader = DataLoader(train, batch_size=64)
    test_loader = DataLoader(test, batch_size=1000)
    model = ExampleNet()
    optimizer = Adadelta(model.parameters(), lr=1.0)
    scheduler = StepLR(optimizer, step_size=1, gamma=0.7)
    for _ in range(14):
        started = time.perf_counter()
        model.train()
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.nll_loss(model(images), labels).backward()
            optimizer.step()
        scheduler.step()
        yield time.perf_counter() - started, accuracy(model, test_loader)


@torch.no_grad()
def accuracy(model: nn.Module, loader: DataLoader) -> float:
    model.eval()
    right = sum(int((model(images).argmax(1) == labels).sum()) for images, labels in loader)
    return right / len(loader.dataset)


# -------------------------------------------------------------------------------------------------------- our side


def ours(config: Config, data_dir: Path) -> tuple[list[float], float]:
    """Train by a config; return the seconds of each epoch and the test accuracy."""
    with tempfile.TemporaryDirectory() as folder:
        best = fit(config, data_dir, Path(folder), CPU)
    return [epoch["seconds"] for epoch in best.history], best.metrics["test_accuracy"]


def our_whole_process(seed: int, data_dir: Path) -> tuple[float, float, float]:
    """Run the command as a person would; return its seconds from start to end, those of training, test accuracy."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "training.train", "--dataset=mnist", "--model=sprint", "--recipe=quick"]
        command += [
            f"--seed={seed}",
            "--device=cpu",
            f"--data-dir={data_dir}",
            f"--checkpoints={folder}",
            "--no-report",
        ]
        started = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        seconds = time.perf_counter() - started
        [best] = Path(folder).glob("*/best.pt")
        metrics = load_checkpoint(best).metrics
    return seconds, metrics["seconds"], metrics["test_accuracy"]


# ----------------------------------------------------------------------------------------------------------- races


def race_an_epoch(data_dir: Path) -> None:
    theirs, mine = [], []
    epochs = tutorial_lenet(data_dir)
    for _ in range(ROUNDS):
        theirs.append(next(epochs)[0])
        seconds, _ = ours(Config.of("fashion_mnist", "lenet", "tutorial", epochs=1), data_dir)
        mine.append(seconds[0] * 60 / 55)  # the tutorial also learns from the 5,000 images that we hold out
    say("LeNet, seconds for 60,000 images", theirs, mine)


def race_to_81(data_dir: Path) -> None:
    theirs, reached = until(tutorial_lenet(data_dir), 0.81)
    mine = [ours(Config.of("fashion_mnist", "lenet", "quick", seed), data_dir) for seed in range(1, SEEDS + 1)]
    print(f"the tutorial's loop: {reached:.2%}; ours: {', '.join(f'{score:.2%}' for _, score in mine)}")
    say("LeNet to 81 % on Fashion-MNIST, seconds", [theirs], [sum(seconds) for seconds, _ in mine])


def race_to_99(data_dir: Path) -> None:
    runs = [our_whole_process(seed, data_dir) for seed in range(1, SEEDS + 1)]
    started = time.perf_counter()
    theirs, reached = until(pytorch_example(data_dir), 0.99)
    their_process = time.perf_counter() - started
    mean = statistics.mean(score for *_, score in runs)
    print(f"PyTorch's example: {reached:.2%}; ours: mean {mean:.3%} of {', '.join(f'{run[2]:.2%}' for run in runs)}")
    say("to 99.0 % on MNIST, seconds of training", [theirs], [training for _, training, _ in runs])
    say("the same, whole process (theirs without its imports)", [their_process], [whole for whole, *_ in runs])


def until(epochs: Iterator[tuple[float, float]], goal: float) -> tuple[float, float]:
    """Return seconds of training until a test accuracy is reached, and that accuracy; or all of them, and the best."""
    total, best = 0.0, 0.0
    for seconds, score in epochs:
        total, best = total + seconds, max(best, score)
        print(f"  {total:.1f} s: {score:.2%}", file=sys.stderr)
        if score >= goal:
            break
    return total, best


def say(what: str, theirs: list[float], mine: list[float]) -> None:
    first, second = statistics.median(theirs), statistics.median(mine)
    spread = ", ".join(f"{seconds:.2f}" for seconds in mine)
    print(f"{what}: theirs {first:.1f}, ours {second:.2f} (of {spread}), ratio {first / second:.1f}", flush=True)


RACES = {"epoch": race_an_epoch, "to81": race_to_81, "to99": race_to_99}


def main(
    races: Annotated[list[str] | None, typer.Argument(metavar="[epoch|to81|to99]…", help="All if none.")] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Run the races and print their ratios."""
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.platform()}")
    for name in races or RACES:
        RACES[name](data_dir)


if __name__ == "__main__":
    typer.run(main)
