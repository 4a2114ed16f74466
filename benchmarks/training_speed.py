"""Our trainer against the loops of tutorials, side by side in one run: ``python -m benchmarks.training_speed``.

The loops are written out below as the tutorials have them: torchvision's data set, ToTensor for each image in each
epoch, a DataLoader. Three races:

- ``epoch``: LeNet on Fashion-MNIST, SGD with a rate of 0.9, batch 256, no augmentation: seconds for 60,000 images.
  The two take turns; the medians are compared.
- ``to81``: seconds of training until 81 % of Fashion-MNIST's test images are classified right, which the tutorial
  promises after its 10 epochs: its loop, and ``--recipe quick`` on LeNet's topology, with sigmoids and with ReLU.
- ``to99``: seconds of training until 99.0 % of MNIST's, by PyTorch's own MNIST example (two convolutions, dropout,
  Adadelta, batch 64), and by ``sprint`` with ``--recipe quick`` as the mean of five seeds. Also from the start of the
  process to its end.

The two sides take turns, an epoch of theirs and a run of ours, so that a slow minute of the machine slows both. The
tutorials' loops are scored after each epoch, outside of the measured time. Nothing else may run at that time.
"""

import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
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

SEEDS, ROUNDS = 5, 3
TUTORIAL_EPOCHS = 10


# ------------------------------------------------------------------------------------------- the tutorials' loops


def tutorial_lenet(data_dir: Path) -> Iterator[tuple[float, float]]:
    """Yield seconds of training and test accuracy of each epoch of "Dive into Deep Learning"'s LeNet."""
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
    """The network of mnist/main.py in pytorch/examples."""

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
    """Train as mnist/main.py of pytorch/examples, with its defaults; yield seconds and test accuracy of each epoch."""
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


def ours(data_dir: Path, *options: str) -> tuple[float, float, float]:
    """Run our command in a process of its own, so that neither side affects the other.

    Returns:
        Seconds of training, test accuracy, seconds of the whole process.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "training.train", *options, "--device=cpu", "--no-report"]
        command += [f"--data-dir={data_dir}", f"--checkpoints={folder}"]
        started = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        seconds = time.perf_counter() - started
        [best] = Path(folder).glob("*/best.pt")
        metrics = load_checkpoint(best).metrics
    return metrics["seconds"], metrics["test_accuracy"], seconds


# ----------------------------------------------------------------------------------------------------------- races


def race_an_epoch(data_dir: Path) -> None:
    theirs, mine = [], []
    for (seconds, _), _ in zip(tutorial_lenet(data_dir), range(ROUNDS), strict=False):
        theirs.append(seconds)
        options = ("--dataset=fashion_mnist", "--model=lenet", "--recipe=tutorial", "--epochs=1")
        # the tutorial also learns from the 5,000 images that we hold out
        mine.append(ours(data_dir, *options)[0] * 60 / 55)
    say("LeNet, seconds for 60,000 images", theirs, mine)


def race_to_81(data_dir: Path) -> None:
    theirs, sigmoid, relu = Times(), Times(), Times()
    for seed, (seconds, score) in enumerate(tutorial_lenet(data_dir), start=1):
        theirs.add(seconds, score)
        options = ("--dataset=fashion_mnist", "--recipe=quick", f"--seed={seed}")
        sigmoid.add(*ours(data_dir, *options, "--model=lenet"))
        relu.add(*ours(data_dir, *options, "--model=lenet_relu", "--epochs=0.3"))
        if score >= 0.81:
            break
    print(f"the tutorial's loop: {max(theirs.scores):.2%} after {len(theirs.scores)} epochs")
    for name, mine in (("LeNet's topology with ReLU and max pooling", relu), ("LeNet with its sigmoids", sigmoid)):
        say(f"{name}, mean {statistics.mean(mine.scores):.2%} on Fashion-MNIST", [sum(theirs.seconds)], mine.seconds)


def race_to_99(data_dir: Path) -> None:
    theirs, mine = Times(), Times()
    started, ours_took = time.perf_counter(), 0.0
    for seconds, score in pytorch_example(data_dir):
        theirs.add(seconds, score)
        pause = time.perf_counter()
        while len(mine.seconds) < min(SEEDS, 2 * len(theirs.seconds)):
            options = ("--dataset=mnist", "--model=sprint", "--recipe=quick", "--epochs=0.75")
            mine.add(*ours(data_dir, *options, f"--seed={len(mine.seconds) + 1}"))
        ours_took += time.perf_counter() - pause
        if score >= 0.99:
            break
    their_process = time.perf_counter() - started - ours_took
    print(f"PyTorch's example: {', '.join(f'{score:.2%}' for score in theirs.scores)} after its epochs")
    say(f"mean {statistics.mean(mine.scores):.3%} on MNIST, training", [sum(theirs.seconds)], mine.seconds)
    say("the same, whole process (theirs without its imports)", [their_process], mine.processes)


@dataclass
class Times:
    """Seconds of training, the test accuracy after it, and seconds of whole processes."""

    seconds: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    processes: list[float] = field(default_factory=list)

    def add(self, seconds: float, score: float, process: float = 0.0) -> None:
        self.seconds.append(seconds)
        self.scores.append(score)
        self.processes.append(process)
        print(f"  {seconds:.1f} s: {score:.2%}", file=sys.stderr)


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
