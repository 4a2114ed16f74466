"""A contact sheet of the pictures that were read wrong, so that their kinds can be seen."""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from benchmarks.number_peers.answers import Answer
from benchmarks.number_peers.pictures import Kind, Picture
from inkwear.images.decode import open_image
from inkwear.preprocess.steps import to_colors

MAX_FAILURES = 200
"""Pictures on a sheet."""

SIDE, CAPTION, COLUMNS = 176, 50, 8
"""Pixels of a picture's longer side, and of the height of its caption; pictures in a row."""

SURELY_WRONG, WRONG = "#c00020", "#404040"
"""Colors of the captions: wrong with ``ok``, and the others."""

Failure = tuple[str, Picture, Answer]
"""The kind of a picture that was read wrong, the picture, and the answer."""


def save_sheet(path: Path, kinds: Sequence[Kind], answers: Mapping[str, Sequence[Answer]]) -> None:
    """Draw the failures, the wrong answers that say ``ok`` first, then by falling confidence.

    Args:
        path: the sheet's file.
        kinds: of pictures.
        answers: to the first pictures of each kind.
    """
    chosen = heapq.nsmallest(MAX_FAILURES, failures(kinds, answers), key=rank)
    rows = -(-len(chosen) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * SIDE, max(1, rows) * (SIDE + CAPTION)), "white")
    for index, failure in enumerate(chosen):
        row, column = divmod(index, COLUMNS)
        sheet.paste(tile(*failure), (column * SIDE, row * (SIDE + CAPTION)))
    sheet.save(path)


def failures(kinds: Iterable[Kind], answers: Mapping[str, Sequence[Answer]]) -> Iterator[Failure]:
    for kind in kinds:
        wrong = (not answer.is_right for answer in answers[kind.name])
        for picture, answer in compress(zip(kind.make(), answers[kind.name], strict=False), wrong):
            yield kind.name, picture, answer


def rank(failure: Failure) -> tuple[bool, float]:
    _, _, answer = failure
    return not answer.is_surely_wrong, -answer.confidence


def tile(kind: str, picture: Picture, answer: Answer) -> Image.Image:
    """Draw one failure: the picture above its kind, its digits and what was read."""
    image = Image.fromarray(to_colors(open_image(picture.source))[0]).convert("RGB")
    drawn = Image.new("RGB", (SIDE, SIDE + CAPTION), "white")
    drawn.paste(ImageOps.pad(image, (SIDE - 4, SIDE - 4), color="#d0d0e0"), (2, 2))
    caption = f"{kind}\n{answer.right}\n{answer.read or 'nothing'} {answer.status} {answer.confidence:.2f}"
    color = SURELY_WRONG if answer.is_surely_wrong else WRONG
    ImageDraw.Draw(drawn).multiline_text((4, SIDE), caption, fill=color, font_size=12, spacing=2)
    return drawn
