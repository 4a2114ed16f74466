"""Compares ``app.predict`` with its peers and with the least it could take: ``python -m benchmarks.batch``.

All contenders take turns in every round, each in its own process, on the same files in the page cache; the results are
medians. A contender's rate is that of its loop; for ours, that of the whole process is printed too.
"""

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from benchmarks.batch_contenders import BATCH
from tests.conftest import EXPORTS, ROOT
from training.datasets import DATASETS, load_pixels
from training.simulator.photographs import MIXED, photograph

DISTINCT_PHOTOS = 200
"""Photographs that are made; the others are hard links to them."""

STARTS = 11
"""Calls of the command for one picture, whose median is taken."""

BARE = """
import argparse
import numpy as np
import onnxruntime as ort
from PIL import Image
parser = argparse.ArgumentParser()
parser.add_argument("image")
parser.add_argument("model")
asked = parser.parse_args()
session = ort.InferenceSession(asked.model, providers=["CPUExecutionProvider"])
pixels = np.asarray(Image.open(asked.image).convert("L").resize((28, 28)), np.float32)
print(session.run(None, {"images": ((pixels / 255 - 0.1306) / 0.3082)[None, None]})[0].argmax())
"""

Seconds = dict[str, list[float]]


def write_digits(folder: Path, count: int, data_dir: Path) -> None:
    """Write the first test images of MNIST as PNG files."""
    folder.mkdir()
    for index, pixels in enumerate(test_images(data_dir)[:count]):
        Image.fromarray(pixels).save(folder / f"{index:05}.png")


def write_photos(folder: Path, count: int, data_dir: Path) -> None:
    """Write photographs of 1024×768 by the project's simulator."""
    folder.mkdir()
    scene = replace(MIXED, side=(1024, 1024), aspect=(4 / 3, 4 / 3), turned=0)
    made = []
    for index, pixels in enumerate(test_images(data_dir)[: min(DISTINCT_PHOTOS, count)]):
        picture = photograph(pixels, np.random.default_rng([6, index]), scene)
        made.append(folder / f"{index:05}.jpg")
        picture.fp.seek(0)
        made[-1].write_bytes(picture.fp.read())
    for index, path in islice(enumerate(cycle(made)), len(made), count):
        os.link(path, folder / f"{index:05}.jpg")


def test_images(data_dir: Path) -> np.ndarray:
    """Return MNIST's test images: (10000, 28, 28) uint8."""
    return load_pixels(DATASETS["mnist"], "test", data_dir)[0]


def contend(name: str, folder: Path, model: Path, python: str = sys.executable) -> float:
    """Return the seconds of a contender's loop."""
    script = ROOT / "benchmarks" / "batch_contenders.py"
    command = [python, str(script), name, str(folder), str(model)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed: {done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["count"] == len(list(folder.iterdir())), f"{name} read {found['count']} images"
    return found["seconds"]


def ours(folder: Path, model: Path) -> tuple[float, float]:
    """Return the seconds of the real command's loop, and of its whole process."""
    started = time.perf_counter()
    stderr = predict(folder, model)
    whole = time.perf_counter() - started
    count, rate = (
        float(number.replace(",", ""))
        for number in re.findall(r"^([\d,]+) inputs.* ([\d,]+) images/s", stderr, re.M)[0]
    )
    assert count == len(list(folder.iterdir()))
    return count / rate, whole


def predict(path: Path, model: Path) -> str:
    """Run the command; return its stderr."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "app.predict", str(path), "--model", model.stem, "--exports", model.parent]
        command += ["--output", f"{scratch}/table.csv"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stderr


def compare(folder: Path, model: Path, rounds: int, peers: str | None) -> Seconds:
    """Let all contenders run in turn; return the seconds of each."""
    seconds: Seconds = defaultdict(list)
    names = ["naive", "decoding", "network", "decoding_on_one_core", "torchvision"]
    for number in range(rounds):
        loop, whole = ours(folder, model)
        seconds["ours"].append(loop)
        seconds["ours, start included"].append(whole)
        for name in names:
            seconds[name].append(contend(name, folder, model))
        for name in ("timm", "ultralytics") if peers else ():
            seconds[name].append(contend(name, folder, model, str(peers)))
        print(f"  round {number + 1} of {rounds}", file=sys.stderr)
    seconds["floor"] = [a + b for a, b in zip(seconds["decoding"], seconds["network"], strict=True)]
    return seconds


def print_rates(what: str, count: int, seconds: Seconds) -> None:
    """Print rates and ratios; a ratio is the median of the ratios of the rounds."""
    print(f"\n{what}, {count:,} images")
    for name, times in seconds.items():
        ratio = statistics.median(other / own for other, own in zip(times, seconds["ours"], strict=True))
        rate = count / statistics.median(times)
        print(f"  {name:24} {rate:10,.0f} images/s   ours ÷ it {ratio:6.2f}   ({1e6 / rate:,.0f} µs an image)")


def print_start(picture: Path, model: Path) -> None:
    """Print the seconds of a call for one picture, and of a bare script that does the least."""
    calls: dict[str, Callable[[], object]] = {
        "bare": lambda: subprocess.run(
            [sys.executable, "-c", BARE, str(picture), str(model)], check=True, capture_output=True
        ),
        "ours": lambda: predict(picture, model),
    }
    seconds: Seconds = defaultdict(list)
    for _ in range(STARTS):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - started)
    bare, own = (statistics.median(seconds[name]) for name in ("bare", "ours"))
    print(f"\nOne image, {picture.name}: {own:.3f} s, a bare script {bare:.3f} s, ratio {own / bare:.2f}")


def main(
    model: Annotated[Path, typer.Option(help="An export for digits.")] = EXPORTS / "mnist-lenet.onnx",
    digits: Annotated[int, typer.Option(help="How many 28×28 PNG files; 0 leaves them out.")] = 10_000,
    photos: Annotated[int, typer.Option(help="How many JPEG files of 1024×768; 0 leaves them out.")] = 2_000,
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    peers: Annotated[str | None, typer.Option(help="A Python that has timm and ultralytics; without it, none.")] = None,
    data_dir: Annotated[Path, typer.Option(envvar="INKWEAR_DATA")] = Path("data"),
    keep: Annotated[Path | None, typer.Option(help="Make the pictures here once, and find them the next time.")] = None,
) -> None:
    """Print the rate of each contender."""
    print(f"{platform.processor() or platform.machine()}, {len(os.sched_getaffinity(0))} cores, batches of {BATCH}")
    with tempfile.TemporaryDirectory() as scratch:
        for what, write, count in (("digits", write_digits, digits), ("photos", write_photos, photos)):
            folder = (keep or Path(scratch)) / f"{what}{count}"
            if not count:
                continue
            with suppress(FileExistsError):
                write(folder, count, data_dir)
            print_rates(what, count, compare(folder, model, rounds, peers))
            print_start(min(folder.iterdir()), model)


if __name__ == "__main__":
    typer.run(main)
