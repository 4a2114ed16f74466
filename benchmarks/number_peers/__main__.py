"""How well, surely and fast kinds of pictures of digits are read, and by a peer: ``python -m benchmarks.number_peers``.

A picture is right if all its digits are read, in reading order. Its time is that of ``open_image`` and ``predict`` on
one core. RapidOCR (PP-OCRv6 small) reads the same pictures, on one core too, with and without its detector; its times
leave decoding out. Its Python is made by ``pip install -r benchmarks/number_peers/requirements-rapidocr.txt``.
"""

import json
import os
import sys
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Annotated

import cv2
import typer

from benchmarks.number_peers import table
from benchmarks.number_peers.answers import Answer, read_all
from benchmarks.number_peers.peer import NAMES, read_with_rapidocr
from benchmarks.number_peers.pictures import KNOWN_KINDS, Kind, real_kinds, simulated_kinds
from benchmarks.number_peers.sheet import save_sheet
from inkwear.classifier import Classifier
from inkwear.onnx.props import read_props
from inkwear.preprocess.finder import FILE as FINDER
from training.console import DEFAULT_DATA_DIR, DataDir

MEGABYTE = 1_000_000

SIMULATED = 100
"""Simulated pictures of each kind where no folder is named."""


def networks_beside(model: Path) -> list[Path]:
    """Return the files that reading numbers takes: the model, its helpers in the same folder, and the finder of ink."""
    return [model, *(path for path in sorted(model.parent.glob("*.onnx")) if "kind" in read_props(path)), FINDER]


class Comparison:
    """Answers of Inkwear and its peers, kind by kind.

    Args:
        model: an export for digits.
        peer: a Python that has rapidocr; None compares with nothing.
        limit: pictures of each kind, at most.

    Attributes:
        answers: by kind, then by reader.
        megabytes: of each reader's networks.
    """

    def __init__(self, model: Path, peer: Path | None, limit: int | None) -> None:
        self.classifier = Classifier(model, "cpu")
        self.peer, self.limit = peer, limit
        used = networks_beside(model)
        self.megabytes = {model.stem: sum(file.stat().st_size for file in used) / MEGABYTE}
        self.answers: dict[str, dict[str, list[Answer]]] = {}

    def run(self, kinds: list[Kind]) -> None:
        """Read the pictures of kinds, and print the row of each when it is known."""
        print(table.head(NAMES.values() if self.peer else ()))
        for kind in kinds:
            ours = read_all(self.classifier, islice(kind.make(), self.limit))
            peers = read_with_rapidocr(self.peer, islice(kind.make(), self.limit)) if self.peer else {}
            self.megabytes |= {name: peer.megabytes for name, peer in peers.items()}
            theirs = {name: peer.answers for name, peer in peers.items()}
            self.answers[kind.name] = {self.classifier.path.stem: ours, **theirs}
            print(table.row(kind.name, ours, theirs), flush=True)
        sizes = (f"{name} {megabytes:.1f} MB" for name, megabytes in self.megabytes.items())
        print(f"\nNetworks: {', '.join(sizes)}")

    def save(self, path: Path) -> None:
        """Write all answers as JSON."""
        answers = {
            kind: {reader: [asdict(answer) for answer in answers] for reader, answers in readers.items()}
            for kind, readers in self.answers.items()
        }
        path.write_text(json.dumps({"megabytes": self.megabytes, "answers": answers}, indent=1))


def main(
    folders: Annotated[
        list[Path] | None, typer.Argument(exists=True, file_okay=False, help="Of real pictures.")
    ] = None,
    model: Annotated[str, typer.Option(help="Name of an export for digits.")] = "mnist-inkwear_s",
    exports: Annotated[Path, typer.Option(help="The folder of the exports.")] = Path("exports"),
    peer: Annotated[Path | None, typer.Option(help="A Python that has rapidocr; without it, no peer.")] = None,
    simulated: Annotated[int | None, typer.Option(min=0, help="Simulated pictures of each kind.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the simulated pictures.")] = 0,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    limit: Annotated[int | None, typer.Option(min=1, help="Pictures of each kind, at most.")] = None,
    only: Annotated[str, typer.Option(help="Part of the names of the kinds to read.")] = "",
    sheet: Annotated[Path | None, typer.Option(help="A picture to draw of what Inkwear read wrong.")] = None,
    output: Annotated[Path | None, typer.Option("--json", help="A file for all answers.")] = None,
) -> None:
    """Print a table: kinds of pictures × accuracy, wrong with ``ok``, ``unsure``, milliseconds."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    kinds = real_kinds(folders or [])
    for name in sorted(set(KNOWN_KINDS) - {kind.name for kind in kinds}) if folders else ():
        print(f"{name}: left out, as no folder has such pictures.", file=sys.stderr)
    count = simulated if simulated is not None else 0 if folders else SIMULATED
    if count:
        print(f"{count:,} simulated pictures of each kind from MNIST's test images, seed {seed}.\n")
        kinds += simulated_kinds(count, seed, data_dir)
    kinds = [kind for kind in kinds if only in kind.name]
    comparison = Comparison(exports / f"{model}.onnx", peer, limit)
    comparison.run(kinds)
    if sheet:
        save_sheet(sheet, kinds, {kind: answers[model] for kind, answers in comparison.answers.items()})
    if output:
        comparison.save(output)


if __name__ == "__main__":
    typer.run(main)
