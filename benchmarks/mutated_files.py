"""Damaged files, counted: ``python -m benchmarks.mutated_files``.

2,000 mutants of the shipped exports (all but AlexNet's), each beside the list of digests and alone; 500 of a checkpoint
with one bit flipped, and as many of one of an earlier version, which carries no digest; 300 of the two data sets. What
is opened is counted, and what is refused without the name of the file or what to do. A bit of an earlier version's
archive may matter to nobody (a date, padding): such a file is opened, and harmless if it holds the same.
"""

import random
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import torch
import typer
from tqdm import tqdm

from inkwear.classifier import Classifier
from inkwear.errors import ModelFileError
from inkwear.numbers.line_reader import LineReader
from inkwear.onnx.checksums import SUMS
from tests.conftest import EXPORTS
from tests.mutations import flip_a_bit, mutants
from training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from training.console import DEFAULT_DATA_DIR, DataDir
from training.datasets import DATASETS, load_pixels
from training.errors import CheckpointError, DataError

HARMLESS = object()

Case = tuple[Path, bytes, Callable[[Path], object]]
"""Where a mutant is put, the mutant, and what opens it."""


def exports(folder: Path, count: int, seed: int, listed: bool) -> Iterator[Case]:
    paths = [path for path in sorted(EXPORTS.glob("*.onnx")) if "alexnet" not in path.name]
    if listed:
        shutil.copy(EXPORTS / SUMS, folder)
    for number in range(count):
        source = paths[number % len(paths)]
        [mutant] = mutants(source.read_bytes(), 1, seed + number)
        yield folder / source.name, mutant, open_reader if source.stem == "lines" else open_classifier


def open_classifier(path: Path) -> None:
    Classifier(path, "cpu").self_test()


def open_reader(path: Path) -> None:
    LineReader(path, "cpu")


def checkpoints(folder: Path, source: Path, count: int, seed: int) -> Iterator[Case]:
    content, whole = source.read_bytes(), load_checkpoint(source)
    for number in range(count):
        [mutant] = mutants(content, 1, seed + number, (flip_a_bit,))
        yield folder / "best.pt", mutant, lambda path: HARMLESS if same(load_checkpoint(path), whole) else None


def same(one: Checkpoint, other: Checkpoint) -> bool:
    """Whether two checkpoints hold the same, bit for bit; those of a ``best.pt``, which has no learner."""
    values = [
        (vars(each) | {"weights": None, "totals": each.totals.tolist()}, [*each.weights]) for each in (one, other)
    ]
    return values[0] == values[1] and all(one.weights[name].equal(other.weights[name]) for name in one.weights)


def data_sets(folder: Path, data_dir: Path, count: int, seed: int) -> Iterator[Case]:
    """Of each, all files are links to the whole ones but for one."""
    draw = random.Random(seed)
    for number in range(count):
        dataset = draw.choice([*DATASETS.values()])
        name = draw.choice([*dataset.published])
        raw = folder / dataset.folder / "raw"
        raw.mkdir(parents=True, exist_ok=True)
        for other in dataset.published:
            (raw / other).unlink(missing_ok=True)
            (raw / other).symlink_to((data_dir / dataset.folder / "raw" / other).resolve())
        content = (raw / name).read_bytes()
        (raw / name).unlink()
        [mutant] = mutants(content, 1, seed + number)
        part = "test" if name.startswith("t10k") else "train"
        yield raw / name, mutant, lambda _, d=dataset, p=part: load_pixels(d, p, folder)


def count(title: str, cases: Iterator[Case], total: int, cure: str) -> None:
    """Open every case, and print how many were accepted, and refused without a name or a cure."""
    found: Counter[str] = Counter()
    started = time.monotonic()
    for path, mutant, open_it in tqdm(cases, total=total, desc=title, disable=None):
        path.write_bytes(mutant)
        try:
            harmless = open_it(path) is HARMLESS
        except (ModelFileError, CheckpointError, DataError) as error:
            clear = str(path) in str(error) and re.search(cure, str(error))
            found["refused" if clear else "unclear"] += 1
            if not clear:
                typer.echo(f"unclear: {error}", err=True)
        except Exception as error:
            found["crashed"] += 1
            typer.echo(f"crashed: {error!r}", err=True)
        else:
            found["harmless" if harmless else "accepted"] += 1
            if not harmless:
                typer.echo(f"accepted: {path}", err=True)
    counted = " | ".join(f"{found[kind]} {kind}" for kind in ("accepted", "harmless", "unclear", "crashed"))
    typer.echo(f"| {title} | {total:,} | {counted} | {time.monotonic() - started:.0f} s |")


def of_an_earlier_version(source: Path, target: Path) -> Path:
    fields = torch.load(source, weights_only=True)
    fields.pop("sealed", None)
    torch.save(fields, target)
    return target


def main(
    checkpoint: Annotated[Path, typer.Option(help="A best.pt of training.train.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    seed: int = 0,
    share: Annotated[float, typer.Option(help="Of the numbers above, to be quick.")] = 1.0,
) -> None:
    """Count what is accepted of damaged files."""
    again = "Put an intact copy in its place, or export it again|Remove it, or export it again"
    many, some, few = (round(share * number) for number in (2000, 500, 300))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("listed", "alone", "new", "old", "data"):
            (folder / part).mkdir()
        new = folder / "whole.pt"
        save_checkpoint(load_checkpoint(checkpoint), new)
        old = of_an_earlier_version(new, folder / "old.pt")
        count("exports, listed", exports(folder / "listed", many, seed, listed=True), many, again)
        count("exports, alone", exports(folder / "alone", many, seed, listed=False), many, again)
        count("checkpoints", checkpoints(folder / "new", new, some, seed), some, "Train again")
        count("checkpoints without a digest", checkpoints(folder / "old", old, some, seed), some, "Train again")
        count("data sets", data_sets(folder / "data", data_dir, few, seed), few, "Delete the file and run again")


if __name__ == "__main__":
    typer.run(main)
