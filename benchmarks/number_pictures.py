"""The pictures of ``benchmarks.number_peers``: real ones in folders, and variants of them with margins."""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageFilter, ImageOps

from inkwear.images.decode import open_image

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


def real_kinds(folders: list[Path]) -> list[Kind]:
    """Return the kinds of pictures in folders, each kind with the pictures of all folders, and those with margins."""
    found: dict[str, list[Picture]] = defaultdict(list)
    for folder in folders:
        for kind, picture in labeled_pictures(folder):
            found[kind].append(picture)
    order = [*(name for name in KNOWN_KINDS if name in found), *sorted(found.keys() - set(KNOWN_KINDS))]
    kinds = [Kind(name, lambda name=name: iter(found[name])) for name in order]
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
    rows = {}
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


def as_file(picture: Image.Image) -> bytes:
    """Return a picture's own file, if it was opened from one in memory, or a PNG of it."""
    file = getattr(picture, "fp", None)
    if file:
        file.seek(0)
        return file.read()
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
