"""Peak memory of ``app.predict`` at 10,000 and at 1,000,000 inputs: ``python -m benchmarks.batch_memory``.

The inputs are hard links to a few pictures, in folders of at most 50,000. What is counted is the proportional set size
of the command and all its workers together, as Linux tells it, looked at every tenth of a second: what processes share
counts once.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from tests.app.batch.processes import children_of
from tests.conftest import ROOT
from tests.hand import DIGITS, render

IN_A_FOLDER = 50_000

LINKS = 500_000
"""To ten files."""

SECONDS_BETWEEN_LOOKS = 0.1


def write_links(folder: Path, count: int) -> None:
    """Hard links to small digits, as many of them as a file system's limit of 65,000 links asks for."""
    digits = []
    for index in range(count // LINKS + 1):
        for digit in DIGITS:
            digits.append(folder / f"{digit}-{index}.png")
            Image.fromarray(np.asarray(render(digit, canvas=28, side=20, pen=3, ink=0))).save(digits[-1])
    for index in range(count):
        here = folder / "pictures" / f"{index // IN_A_FOLDER:04}"
        if index % IN_A_FOLDER == 0:
            here.mkdir(parents=True)
        os.link(digits[index % len(digits)], here / f"{index:07}.png")


def pss(pid: int) -> int:
    """Proportional set size of a process in bytes; 0 where it is no more."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def peak_of(command: list[str]) -> tuple[int, str]:
    """Run a command; return the most that it and its children took, in bytes, and what it said."""
    peak = 0
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        ended = threading.Event()

        def watch() -> None:
            nonlocal peak
            while not ended.wait(SECONDS_BETWEEN_LOOKS):
                peak = max(peak, sum(map(pss, [process.pid, *children_of(process.pid)])))

        watcher = threading.Thread(target=watch)
        watcher.start()
        _, said = process.communicate()
        ended.set()
        watcher.join()
    if process.returncode:
        raise SystemExit(said)
    return peak, said


def main(
    counts: Annotated[list[int] | None, typer.Option("--count", help="Inputs; give it several times.")] = None,
    model: Annotated[str, typer.Option(help="An export for digits.")] = "mnist-lenet",
) -> None:
    """Print the peak for each count."""
    for count in counts or [10_000, 1_000_000]:
        with tempfile.TemporaryDirectory() as scratch:
            write_links(Path(scratch), count)
            started = time.perf_counter()
            command = [sys.executable, "-m", "app.predict", f"{scratch}/pictures", f"--model={model}"]
            peak, said = peak_of([*command, f"--output={scratch}/table.csv"])
            seconds = time.perf_counter() - started
            print(f"{count:9,} inputs: {peak / 1e6:6.1f} MB at most, {seconds:.1f} s; {said.split('.')[0]}")


if __name__ == "__main__":
    typer.run(main)
