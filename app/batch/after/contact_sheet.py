"""A contact sheet: the least certain answers of a table with their pictures, as one self-contained HTML page."""

import heapq
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.batch.after.labels import Labels
from app.batch.after.score import Score
from app.batch.inputs.input import Failure, Input
from app.batch.output.formats import as_bytes
from app.batch.output.row import Row
from app.batch.run.reader import open_source
from inkwear.errors import ImageError
from inkwear.files import atomic_path
from inkwear.images.thumbnail import thumbnail

TEMPLATE = Path(__file__).with_suffix(".html.jinja")

MAX_PICTURES = 200
"""Pictures on a sheet."""

MAX_SIDE = 176
"""Pixels of the longer side of a picture on the sheet."""

MAX_TINY_SIDE = 64
"""Pixels of the longer side up to which a picture is enlarged without smoothing."""

MAX_CLASSES, MAX_DIGITS = 3, 6
"""Classes of one thing, and digits of a number, that are listed with their probabilities."""


class SheetError(ValueError):
    """A sheet that cannot be written; the message names it and says what to do."""


@dataclass(frozen=True)
class Shown:
    """A row that is shown, the index of its input, and what the picture really shows, where that is known."""

    index: int
    row: Row
    label: str | None = None

    @property
    def is_wrong(self) -> bool:
        return self.label is not None and self.label != self.row.label

    @property
    def kind(self) -> str:
        return "wrong" if self.is_wrong else self.row.status

    @property
    def badge(self) -> str:
        """The words on the picture; empty where there are none."""
        return {"wrong": f"labelled {self.label}", "unsure": "unsure"}.get(self.kind, "")

    @property
    def lines(self) -> Sequence[str]:
        """What was read, line by line; the word blank where that is nothing."""
        return (self.row.text or "blank").split("\n")

    @property
    def bars(self) -> Sequence[tuple[str, float]]:
        """The likeliest classes, or the least certain digits of a number as it reads, each with its probability."""
        weakest = sorted(digit[1] for digit in self.row.digits)[:MAX_DIGITS]
        digits = [(digit[0], digit[1]) for digit in self.row.digits if digit[1] <= weakest[-1]]
        return digits[:MAX_DIGITS] or self.row.top_k[:MAX_CLASSES]

    @property
    def rank(self) -> tuple[bool, bool, float, int]:
        """A sort key: wrong ones first, then unsure ones, then the least confident."""
        return not self.is_wrong, self.row.status == "ok", self.row.confidence or 0, self.index


@dataclass(frozen=True)
class Picture:
    """A WebP in base64, and whether it has so few pixels that each should be visible."""

    webp: str
    is_tiny: bool


def check_sheet(path: str, overwrite: bool) -> None:
    """Report before a long run that its sheet could not be written.

    Raises:
        SheetError: another ending than .html, a file that exists already, or a folder that does not.
    """
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise SheetError(f"--sheet {path}: the ending must be .html.")
    if os.path.lexists(path) and not (overwrite and os.path.isfile(path)):
        raise SheetError(f"--sheet {path} is already there: choose another name, or add --overwrite.")
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise SheetError(f"--sheet {path} cannot be written: there is no such folder.")


def least_confident(rows: Iterable[Row], labels: Labels | None = None, count: int = MAX_PICTURES) -> list[Shown]:
    """Choose the rows to show, in one pass, with only those in memory.

    Args:
        rows: the table; failures have no picture to show.
        labels: what the pictures really show, where that is known.
        count: how many rows to choose.
    """
    return heapq.nsmallest(count, _candidates(rows, labels), lambda shown: shown.rank)


def _candidates(rows: Iterable[Row], labels: Labels | None) -> Iterator[Shown]:
    for index, row in enumerate(rows):
        text = labels.of(row.path) if labels else None
        shown = Shown(index, row, labels.meant(text) if labels and text else None)
        if row.confidence is not None or (row.status == "blank" and shown.is_wrong):
            yield shown


def save_sheet(
    path: str, chosen: Sequence[Shown], inputs: Iterable[Input], about: str, total: int, score: Score | None = None
) -> None:
    """Read the chosen pictures again and write the page, all of it or none.

    Args:
        path: the page's file.
        chosen: the rows to show, in this order.
        inputs: all inputs of the run, in their order.
        about: the table, the model and its device, in one line.
        total: how many rows the table has.
        score: how right the table is, where that is known.

    Raises:
        SheetError: it cannot be written.
    """
    page = _page(chosen, _pictures(chosen, inputs), about, total, score)
    try:
        with atomic_path(Path(path)) as unfinished, unfinished.open("w", encoding="utf-8") as file:
            file.writelines(page)
    except OSError as error:
        raise SheetError(f"--sheet {path} cannot be written: {error.strerror}. The table is complete.") from error


def _pictures(chosen: Sequence[Shown], inputs: Iterable[Input]) -> dict[int, Picture]:
    """Return index -> picture; a picture that can no longer be read is left out."""
    wanted = {shown.index: shown.row.path for shown in chosen}
    pictures: dict[int, Picture] = {}
    last = max(wanted, default=-1)
    for index, item in enumerate(inputs if wanted else ()):
        if item.path == wanted.get(index) and not isinstance(item.source, Failure):
            with suppress(ImageError, ValueError):
                image = open_source(item.path, item.source)
                pictures[index] = Picture(thumbnail(image, MAX_SIDE), max(image.size) <= MAX_TINY_SIDE)
        if index == last:
            break
    return pictures


# ----------------------------------------------------------------------------------------------------------- the page


def _page(
    chosen: Sequence[Shown], pictures: Mapping[int, Picture], about: str, total: int, score: Score | None
) -> Iterator[str]:
    """Render the template, piece by piece."""
    environment = Environment(
        autoescape=True,
        finalize=_visible,
        loader=FileSystemLoader(TEMPLATE.parent),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["percent"] = _percent
    wrong, unsure = sum(shown.is_wrong for shown in chosen), sum(shown.row.status == "unsure" for shown in chosen)
    known = [f"{wrong:,} of them wrong"] if score else []
    return environment.get_template(TEMPLATE.name).generate(
        about=about,
        cards=[(shown, pictures.get(shown.index)) for shown in chosen],
        counts=", ".join([f"{len(chosen):,} of {total:,} answers", *known, f"{unsure:,} unsure"]),
        score=score if score and score.labelled else None,
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _visible(value: Any) -> Any:
    """Write out what cannot be seen, before Jinja escapes what is markup."""
    if not isinstance(value, str) or value.isprintable():
        return value
    return "".join(char if char.isprintable() else _written_out(char) for char in value)


def _written_out(char: str) -> str:
    """Name a character that is invisible or reverses the others, or a byte that is not UTF-8."""
    data = as_bytes(char)
    return data.decode("utf-8", "backslashreplace") if len(data) == 1 and data > b"\x7f" else ascii(char)[1:-1]
