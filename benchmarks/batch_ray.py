"""Compares one machine with a cluster of two, one of which is killed: ``python -m benchmarks.batch_ray``.

The cluster is made of processes on this machine, one core for each of its two machines, so that engines compare by
core; what a network would add is not measured. Joining Ray and opening the model count, starting Ray does not.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image

from app.batch.command import CHUNK
from app.batch.inputs.arguments import Inputs, in_chunks
from app.batch.inputs.input import Input
from app.batch.ray import engine as ray_engine
from app.batch.run import local
from app.batch.run.reader import Answered, Job
from tests.conftest import EXPORTS
from training.console import DEFAULT_DATA_DIR, DataDir
from training.datasets import DATASETS, load_pixels
from training.simulator import CONDITIONS

BILLION = 1e9

DISTINCT_PHOTOS = 100
"""Photographs that are made; the others are hard links to them."""

SAME_WINDOW = 0.1
"""Seconds within which the answers of one window arrive; the first window has waited for processes to start."""


@dataclass(frozen=True)
class Run:
    """A run: the table's bytes, its seconds, and the images/s after the first window's answers."""

    table: bytes
    seconds: float
    steady: float


def write_digits(folder: Path, count: int, data_dir: Path) -> None:
    """Write MNIST's test images as 28×28 PNG files, with hard links for as many as are needed."""
    pixels = load_pixels(DATASETS["mnist"], "test", data_dir)[0]
    for index in range(count):
        path = folder / f"{index:06}.png"
        if index < len(pixels):
            Image.fromarray(np.asarray(pixels[index])).save(path)
        else:
            os.link(folder / f"{index % len(pixels):06}.png", path)


def write_photos(folder: Path, count: int, data_dir: Path) -> None:
    """Write photographs of digits on paper, as 1024×768 JPEG."""
    pixels = load_pixels(DATASETS["mnist"], "test", data_dir)[0]
    for index in range(count):
        path = folder / f"{index:06}.jpg"
        if index < DISTINCT_PHOTOS:
            photo = CONDITIONS["mnist"]["photographs/plain"](np.asarray(pixels[index]), np.random.default_rng(index))
            photo.convert("RGB").resize((1024, 768), Image.Resampling.BICUBIC).save(path, quality=90)
        else:
            os.link(folder / f"{index % DISTINCT_PHOTOS:06}.jpg", path)


def chunks(folder: Path) -> Iterator[list[Input]]:
    return in_chunks(Inputs([str(folder)]), CHUNK)


def timed(answers: Iterator[Answered], halfway: Callable[[], None] | None = None, count: int = 0) -> Run:
    """Take all answers, and call ``halfway`` when half of them are there."""
    parts, moments, done = [], [], [0]
    started = time.perf_counter()
    for answered in answers:
        parts.append(answered.text)
        moments.append(time.perf_counter())
        done.append(done[-1] + answered.counts.total())
        if halfway and done[-1] >= count / 2:
            halfway()
            halfway = None
    later = [index for index, moment in enumerate(moments) if moment > moments[0] + SAME_WINDOW] or [0]
    first, since = (later[0], moments[0]) if later[0] else (0, started)
    return Run(b"".join(parts), moments[-1] - started, (done[-1] - done[first]) / (moments[-1] - since))


def two_machines() -> Any:
    from ray.cluster_utils import Cluster

    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    Path("/tmp/ray").mkdir(exist_ok=True)  # the head writes its address there
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    return cluster


def kill_one(cluster: Any) -> None:
    """Kill a machine that is not the head: its scheduler, its object store and its workers."""
    cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)


def main(
    count: Annotated[int, typer.Option(min=100)] = 20_000,
    photos: Annotated[
        bool, typer.Option("--photos", help="Photographs of 1024×768 instead of 28×28 PNG files.")
    ] = False,
    model: str = "mnist-convnet",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Compare the rows, and print images/s and the cost of a billion images."""
    job = Job((EXPORTS / f"{model}.onnx",), "cpu", 3, "csv")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (write_photos if photos else write_digits)(folder, count, data_dir)
        size = sum(path.stat().st_size for path in folder.iterdir()) / count
        one = timed(local.answer_all(chunks(folder), job))
        print(f"{count:,} files of {size:,.0f} bytes on average, {model}, this machine's cores: {os.cpu_count()}")
        report("--engine local", one, one)
        cluster = two_machines()
        two = timed(ray_engine.answer_all(chunks(folder), job, cluster.address))
        report("--engine ray, two machines of a core", two, one)
        died = timed(ray_engine.answer_all(chunks(folder), job, cluster.address), lambda: kill_one(cluster), count)
        report("the same, one killed halfway", died, one)
        cluster.shutdown()
    per_core = two.steady / 2
    print(f"images/s per core on the cluster: {per_core:,.0f}, reading {per_core * size / 1e6:.2f} MB/s")
    print(f"a billion: {BILLION / per_core / 3600:,.0f} core hours, {BILLION * size / 1e12:,.2f} TB")
    raise typer.Exit(not one.table == two.table == died.table)


def report(name: str, run: Run, expected: Run) -> None:
    same = "the same bytes" if run.table == expected.table else "OTHER BYTES"
    print(f"{name:38} {run.seconds:6.1f} s, {run.steady:7,.0f} images/s after the first window, {same}")


if __name__ == "__main__":
    typer.run(main)
