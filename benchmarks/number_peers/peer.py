"""Lets RapidOCR read the pictures that Inkwear reads, in a process of a Python that has it."""

import io
import json
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from benchmarks.number_peers.answers import Answer
from benchmarks.number_peers.pictures import Picture
from benchmarks.number_peers.rapidocr_reader import READERS
from inkwear.preprocess.steps import to_colors

SCRIPT = Path(__file__).with_name("rapidocr_reader.py")

NAMES = {reader: f"RapidOCR, {reader}" for reader in READERS}
"""Names of the peers in the table."""


@dataclass(frozen=True)
class Peer:
    """A peer's answers, and the megabytes of its networks."""

    answers: list[Answer]
    megabytes: float


def read_with_rapidocr(python: Path, pictures: Iterable[Picture]) -> dict[str, Peer]:
    """Return what RapidOCR reads in pictures, of which there must be one at least, by each of ``NAMES``.

    Raises:
        SystemExit: it fails.
    """
    pictures = list(pictures)
    with tempfile.TemporaryDirectory() as folder:
        for index, picture in enumerate(pictures):
            write_upright(picture, Path(folder) / f"{index:06}.png")
        done = subprocess.run([python, SCRIPT, folder], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"RapidOCR failed: {done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return {
        name: Peer(_answers(pictures, found[reader]["read"]), found[reader]["megabytes"])
        for reader, name in NAMES.items()
    }


def _answers(pictures: list[Picture], read: list[tuple[str, float]]) -> list[Answer]:
    return [
        Answer(picture.name, picture.digits, digits, milliseconds)
        for picture, (digits, milliseconds) in zip(pictures, read, strict=True)
    ]


def write_upright(picture: Picture, path: Path) -> None:
    """Write a picture as a PNG that every program shows alike: turned upright, transparency laid on a ground."""
    with Image.open(io.BytesIO(picture.source) if isinstance(picture.source, bytes) else picture.source) as image:
        Image.fromarray(to_colors(image)[0]).save(path, compress_level=1)
