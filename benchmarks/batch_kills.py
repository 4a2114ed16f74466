"""kill -9 in mid-run, resume, compare: ``python -m benchmarks.batch_kills``.

``python -m app.predict`` reads a folder of pictures, undisturbed once, and then two hundred times with a SIGKILL at a
random moment; one run in four is killed a second time when it is resumed. Each time the resumed run must end with the
undisturbed one's file, byte for byte; rows that are lost, doubled or torn are counted besides. The driver makes each
chunk take a moment longer, and three kills in four are timed from when the spool is there, so that most of them hit a
run that has some of its rows.
"""

import csv
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from tests.conftest import ROOT
from tests.hand import DIGITS, render

SCRIPT = """
import sys, time
from app.batch.output.table import SpooledTable
add = SpooledTable.add
def slowly(self, answered):
    add(self, answered)
    time.sleep({moment})
SpooledTable.add = slowly
from app.predict import main
main()
"""

FORMS = ("csv", "jsonl", "parquet")

EMPTY_WAL = 20_000
"""Bytes of a spool's write-ahead log before the first chunk, at most."""


def command(folder: Path, output: Path, *options: str, moment: float = 0.0) -> list[str]:
    asked = [str(folder), "--model=mnist-lenet", "--device=cpu", f"--output={output}", *options]
    return [sys.executable, "-c", SCRIPT.format(moment=moment), *asked]


def write_inputs(folder: Path, count: int, draw: random.Random) -> None:
    """Digits of 28×28 pixels, and among them damaged files."""
    folder.mkdir()
    pictures = [render(digit, 28) for digit in DIGITS]
    for number in range(count):
        path = folder / f"{number:05}.png"
        pictures[number % 10].save(path)
        if draw.random() < 0.05:
            path.write_bytes(path.read_bytes()[:40])


def paths_in(output: Path) -> list[str | None]:
    """Return the path of each row, None for one that is torn."""
    if output.suffix == ".parquet":
        from app.batch.output.parse import rows

        return [row.path for row in rows(str(output), "parquet")]
    if output.suffix == ".csv":
        with output.open(newline="") as file:
            lines = list(csv.reader(file))
        return [line[0] if len(line) == len(lines[0]) else None for line in lines[1:]]
    return [_path_of(line) for line in output.read_bytes().splitlines()]


def _path_of(line: bytes) -> str | None:
    try:
        return json.loads(line)["path"]
    except ValueError:
        return None


def wait_for(path: Path, process: subprocess.Popen) -> float:
    """Wait until a file is there or the process has ended; return the time."""
    while not path.exists() and process.poll() is None:
        time.sleep(0.002)
    return time.monotonic()


@dataclass(frozen=True)
class Span:
    """Seconds that an undisturbed run takes: all of it, and from its spool's beginning to its end."""

    whole: float
    writing: float

    @classmethod
    def of(cls, asked: list[str], partial: Path) -> "Span":
        started = time.monotonic()
        process = subprocess.Popen(asked, cwd=ROOT, stderr=subprocess.DEVNULL)
        begun = wait_for(partial, process)
        process.wait()
        return cls(time.monotonic() - started, time.monotonic() - begun)


def kill(asked: list[str], partial: Path, span: Span, draw: random.Random) -> bool:
    """Run for some seconds, then kill; whether it was still running."""
    process = subprocess.Popen(asked, cwd=ROOT, stderr=subprocess.DEVNULL)
    if draw.random() < 0.75:
        wait_for(partial, process)
        time.sleep(draw.uniform(0, span.writing))
    else:
        time.sleep(draw.uniform(0, span.whole))
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def main(
    kills: Annotated[int, typer.Option(min=1)] = 200, pictures: int = 640, seed: int = 0, moment: float = 0.02
) -> None:
    """Kill and resume, and count how often nothing was changed by it."""
    draw, counts = random.Random(seed), Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        folder, work = Path(name) / "pictures", Path(name)
        write_inputs(folder, pictures, draw)
        expected = {}
        for form in FORMS:
            span = Span.of(command(folder, work / f"whole.{form}", moment=moment), work / f"whole.{form}.partial")
            expected[form] = (work / f"whole.{form}").read_bytes()
        everything = paths_in(work / "whole.jsonl")
        assert len(everything) == pictures
        for number in tqdm(range(kills), disable=None):
            output = work / f"{number}.{FORMS[number % 3]}"
            partial, wal = Path(f"{output}.partial"), Path(f"{output}.partial-wal")
            hit = kill(command(folder, output, moment=moment), partial, span, draw)
            counts["killed before the end"] += hit
            counts["with some rows written"] += wal.exists() and wal.stat().st_size > EMPTY_WAL
            counts["killed while the table got its name"] += any(work.glob(f".{output.stem}-*"))
            counts["had its name before it was complete"] += (
                hit and output.exists() and (output.read_bytes() != expected[output.suffix[1:]])
            )
            if hit and draw.random() < 0.25:
                again = command(folder, output, "--resume", moment=moment)
                counts["killed a second time"] += kill(again, partial, span, draw)
            ended = subprocess.run(command(folder, output, "--resume"), cwd=ROOT, capture_output=True)
            counts["resumed runs that failed"] += ended.returncode not in (0, 1)
            found = Counter(paths_in(output)) if output.exists() else Counter()
            counts["rows lost"] += len(set(everything) - set(found))
            counts["rows doubled"] += sum(count - 1 for path, count in found.items() if path is not None)
            counts["rows torn"] += found[None]
            counts["identical bytes"] += output.exists() and output.read_bytes() == expected[output.suffix[1:]]
            counts["files left over"] += len([*work.glob(f"{output.name}.*"), *work.glob(f".{output.stem}-*")])
            output.unlink(missing_ok=True)
    print(f"{kills} runs of {pictures} pictures; undisturbed {span.whole:.1f} s, {span.writing:.1f} s of them writing")
    for what, count in counts.items():
        print(f"{count:6} {what}")
    raise typer.Exit(counts["identical bytes"] != kills or counts["files left over"] > 0)


if __name__ == "__main__":
    typer.run(main)
