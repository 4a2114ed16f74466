"""How well, how surely and how fast numbers are read in many kinds of pictures: ``python -m benchmarks.number_peers``.

A picture is right if all its digits are read, in reading order. Its time is that of ``open_image`` and ``predict`` on
one core, after a picture that warms up.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated

import cv2
import typer

from benchmarks.number_pictures import KNOWN_KINDS, Kind, Picture, real_kinds, simulated_kinds
from inkwear.classifier import Classifier
from inkwear.images.decode import open_image
from inkwear.onnx.props import read_props
from training.console import DEFAULT_DATA_DIR, DataDir

MEGABYTE = 1_000_000

COLUMNS = ("kind", "pictures", "right", "wrong with `ok`", "`unsure`", "no answer", "ms", "ms, p90")


@dataclass(frozen=True)
class Answer:
    """What a reader made of a picture.

    Attributes:
        name: of the picture.
        right: the digits that it shows.
        read: the digits that were read; empty if there were none.
        status: of the prediction, or ``error``.
        confidence: of the prediction; 0 if nothing was read.
        milliseconds: it took.
    """

    name: str
    right: str
    read: str
    status: str
    confidence: float
    milliseconds: float

    @property
    def is_right(self) -> bool:
        return self.read == self.right

    @property
    def is_surely_wrong(self) -> bool:
        """Whether the answer is wrong and says ``ok``."""
        return self.status == "ok" and not self.is_right


def read(classifier: Classifier, picture: Picture) -> Answer:
    """Time the reading of one picture; what it raises is an answer too."""
    started = time.perf_counter()
    try:
        prediction = classifier.predict([open_image(picture.source)])[0]
    except Exception as error:  # a crash costs one picture, not the table
        print(f"{picture.name}: {type(error).__name__}: {error}", file=sys.stderr)
        return Answer(picture.name, picture.digits, "", "error", 0, _milliseconds_since(started))
    milliseconds = _milliseconds_since(started)
    label, confidence = prediction.label or "", prediction.confidence or 0
    return Answer(picture.name, picture.digits, label, prediction.status, confidence, milliseconds)


def _milliseconds_since(started: float) -> float:
    return 1000 * (time.perf_counter() - started)


def read_all(classifier: Classifier, pictures: Iterable[Picture]) -> list[Answer]:
    """Read pictures one after the other, the first once more beforehand."""
    pictures = iter(pictures)
    first = next(pictures, None)
    if first is None:
        return []
    read(classifier, first)
    return [read(classifier, first), *(read(classifier, picture) for picture in pictures)]


def percentile_90(times: Sequence[float]) -> float:
    """Return the 90th percentile, also of a single number."""
    return sorted(times)[min(len(times) - 1, int(0.9 * len(times)))]


def row(kind: str, answers: Sequence[Answer]) -> list[str]:
    """Return the cells of a kind, as ``COLUMNS`` names them."""
    times = [answer.milliseconds for answer in answers]
    tests: tuple[Callable[[Answer], bool], ...] = (
        lambda answer: answer.is_right,
        lambda answer: answer.is_surely_wrong,
        lambda answer: answer.status == "unsure",
        lambda answer: answer.status in ("blank", "error"),
    )
    shares = [f"{100 * sum(map(test, answers)) / len(answers):.1f}" for test in tests]
    return [kind, f"{len(answers):,}", *shares, f"{statistics.median(times):.1f}", f"{percentile_90(times):.1f}"]


def line(cells: Iterable[str]) -> str:
    """Return a line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def networks_beside(model: Path) -> list[Path]:
    """Return the files that reading numbers takes: the model, and those in its folder that are no models themselves."""
    return [model, *(path for path in sorted(model.parent.glob("*.onnx")) if "kind" in read_props(path))]


def main(
    folders: Annotated[
        list[Path] | None, typer.Argument(exists=True, file_okay=False, help="Of real pictures.")
    ] = None,
    model: Annotated[str, typer.Option(help="Name of an export for digits.")] = "mnist-inkwear_s",
    exports: Annotated[Path, typer.Option(help="The folder of the exports.")] = Path("exports"),
    limit: Annotated[int | None, typer.Option(min=1, help="Pictures of each kind, at most.")] = None,
    simulated: Annotated[int, typer.Option(min=0, help="Simulated pictures of each kind.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of the simulated pictures.")] = 0,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    only: Annotated[str, typer.Option(help="Part of the names of the kinds to read.")] = "",
    output: Annotated[Path | None, typer.Option("--json", help="A file for all answers.")] = None,
) -> None:
    """Print a table: kinds of pictures × accuracy, wrong with ``ok``, ``unsure``, milliseconds."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    path = exports / f"{model}.onnx"
    classifier = Classifier(path, "cpu")
    kinds = real_kinds(folders or [])
    missing = set(KNOWN_KINDS) - {kind.name for kind in kinds}
    for name in sorted(missing) if folders else ():
        print(f"{name}: left out, as no folder has such pictures.", file=sys.stderr)
    if simulated:
        print(f"Simulated from MNIST's test images, seed {seed}.\n")
        kinds += simulated_kinds(simulated, seed, data_dir)
    answers = measure(classifier, [kind for kind in kinds if only in kind.name], limit)
    used = networks_beside(path)
    megabytes = sum(file.stat().st_size for file in used) / MEGABYTE
    print(f"\nNetworks: {', '.join(file.name for file in used)}: {megabytes:.1f} MB")
    if output:
        found = {kind: [asdict(answer) for answer in of_kind] for kind, of_kind in answers.items()}
        output.write_text(json.dumps({"model": model, "megabytes": megabytes, "answers": found}, indent=1))


def measure(classifier: Classifier, kinds: list[Kind], limit: int | None) -> dict[str, list[Answer]]:
    """Read the pictures of every kind and print each kind's row as soon as it is known.

    Args:
        classifier: the export.
        kinds: of pictures.
        limit: pictures of each kind, at most.
    """
    print(line(COLUMNS), line(["---"] + ["---:"] * (len(COLUMNS) - 1)), sep="\n")
    answers = {}
    for kind in kinds:
        answers[kind.name] = read_all(classifier, islice(kind.make(), limit))
        print(line(row(kind.name, answers[kind.name])), flush=True)
    return answers


if __name__ == "__main__":
    typer.run(main)
