"""The pictures of ``benchmarks.number_peers``: real ones in folders, variants of them with margins, simulated ones."""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from benchmarks.number_peers.no_digits import MARKS, marks
from benchmarks.number_peers.pages import pages
from inkwear.images.decode import open_image
from training.datasets import DATASETS, load_pixels
from training.simulator import CONDITIONS, originals, simulate
from training.simulator.numbers import numbers

ENDINGS = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}

LABEL_IN_NAME = re.compile(r"[^_]+__(?P<label>\d+)__\w+")
"""A file name ``SOURCE__LABEL__n`` without its ending."""

SHORT_NAMES = {
    "sudoku cell, handwritten": "sudoku handwritten",
    "sudoku cell, printed": "sudoku printed",
    "row of 3 boxes (comb field)": "comb of 3",
    "row of 9 boxes (comb field)": "comb of 9",
}
"""Names of kinds that share a folder, by the ``kind`` of the CSV file."""

KNOWN_KINDS = (
    "cheques",
    "numbers",
    "digits",
    *("tight/m00", "tight/m02", "tight/m06"),
    *SHORT_NAMES.values(),
    "meter",
)
"""The kinds of real pictures, in the order of the table; others that a folder has come after them."""

MARGINS = ("white", "black", "gray", "blurred")

PHOTOS = "juliorod__"
"""Beginning of the file names in ``digits`` that are photographs, which get margins."""

LETTERBOX = 1.5
"""Side of the square with margins, in longer sides of the photograph."""

BLUR = 0.05
"""Deviation of the blur of a margin that is made of the photograph, in sides of the square."""


@dataclass(frozen=True)
class Picture:
    """A picture's name, the digits that it shows, and its file: a path or the bytes."""

    name: str
    digits: str
    source: Path | bytes


@dataclass(frozen=True)
class Kind:
    """A kind of pictures: ``make`` yields the same pictures whenever it is called."""

    name: str
    make: Callable[[], Iterator[Picture]]


Maker = Callable[[], Iterator[tuple[str, Image.Image]]]
"""Simulates pictures, each with its digits."""


def real_kinds(folders: list[Path]) -> list[Kind]:
    """Return the kinds of pictures in folders, each kind with the pictures of all folders, and those with margins."""
    found: dict[str, list[Picture]] = defaultdict(list)
    for folder in folders:
        for kind, picture in labeled_pictures(folder):
            found[kind].append(picture)
    order = [*(name for name in KNOWN_KINDS if name in found), *sorted(found.keys() - set(KNOWN_KINDS))]
    kinds = [Kind(name, partial(iter, found[name])) for name in order]
    photos = [picture for picture in found.get("digits", ()) if picture.name.startswith(PHOTOS)]
    return kinds + [_with_margins(photos, margin) for margin in MARGINS if photos]


def labeled_pictures(folder: Path) -> Iterator[tuple[str, Picture]]:
    """Yield the pictures below a folder whose digits are known, in the order of their paths, each with its kind.

    A kind is named after its subfolder, or as in ``SHORT_NAMES``. Digits are in the file's name or in a CSV file with
    the columns ``file`` and ``label`` at the top of the folder.
    """
    rows = _rows(folder)
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in ENDINGS:
            continue
        inside = path.relative_to(folder)
        row = rows.get(inside.as_posix(), {})
        digits = row.get("label") or digits_in_name(path)
        if digits:
            subfolder = inside.parent.as_posix() if inside.parent.name else folder.resolve().name
            yield SHORT_NAMES.get(row.get("kind", ""), subfolder), Picture(path.name, digits, path)


def _rows(folder: Path) -> dict[str, dict[str, str]]:
    """Return the rows of the folder's CSV files by ``file``."""
    rows: dict[str, dict[str, str]] = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if {"file", "label"} <= set(reader.fieldnames or ()):
                rows |= {row["file"]: row for row in reader}
    return rows


def digits_in_name(path: Path) -> str | None:
    """Return the label of a file named ``SOURCE__LABEL__n``; None for another name or a label that is no number."""
    match = LABEL_IN_NAME.fullmatch(path.stem)
    return match["label"] if match else None


def _with_margins(photos: list[Picture], margin: str) -> Kind:
    def make() -> Iterator[Picture]:
        for photo in photos:
            picture = ImageOps.exif_transpose(open_image(photo.source)).convert("RGB")
            yield Picture(photo.name, photo.digits, as_file(letterboxed(picture, margin)))

    return Kind(f"digits, {margin} margins", make)


def letterboxed(photo: Image.Image, margin: str) -> Image.Image:
    """Paste a photograph in the middle of a square half as large again, whose margins are one of ``MARGINS``."""
    side = round(LETTERBOX * max(photo.size))
    if margin == "blurred":
        square = ImageOps.fit(photo, (side, side)).filter(ImageFilter.GaussianBlur(BLUR * side))
    else:
        square = Image.new("RGB", (side, side), margin)
    square.paste(photo, ((side - photo.width) // 2, (side - photo.height) // 2))
    return square


def simulated_kinds(count: int, seed: int, data_dir: Path) -> list[Kind]:
    """Return kinds of pictures made of MNIST's test images: as ``training.evaluate --real`` has them, pages, and marks.

    Args:
        count: pictures of each kind.
        seed: decides everything.
        data_dir: torchvision's folder of data sets.
    """
    pixels, labels = load_pixels(DATASETS["mnist"], "test", data_dir)
    chosen = np.random.default_rng(seed).permutation(len(labels))[:count]
    images = originals("mnist", pixels[chosen], labels[chosen], seed)

    def one_digit(condition: str) -> Iterator[tuple[str, Image.Image]]:
        return zip(map(str, labels[chosen]), simulate(images, CONDITIONS["mnist"][condition], seed), strict=True)

    makers: dict[str, Maker] = {
        "numbers apart": lambda: numbers(pixels, labels, count, seed, touching=False),
        "numbers touching": lambda: numbers(pixels, labels, count, seed, touching=True),
        "drawings": lambda: one_digit("drawings"),
        "photographs": lambda: one_digit("photographs"),
        "pages": lambda: pages(pixels, labels, count, seed),
        **{kind: partial(marks, kind, pixels, labels, count, seed) for kind in MARKS},
    }
    return [Kind(f"simulated {name}", partial(_as_pictures, name, make)) for name, make in makers.items()]


def _as_pictures(kind: str, make: Maker) -> Iterator[Picture]:
    for index, (digits, picture) in enumerate(make()):
        yield Picture(f"{kind} {index}", digits, as_file(picture))


def as_file(picture: Image.Image) -> bytes:
    """Return a picture's own file, if it was opened from one in memory, or a PNG of it."""
    file = getattr(picture, "fp", None)
    if file:
        file.seek(0)
        return bytes(file.read())
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
