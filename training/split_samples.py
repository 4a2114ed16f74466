"""``python -m training.split_samples``: good and bad cuts through digits that touch, to learn from.

A network that has seen only whole digits reads the arc of a 0 confidently as a 7, and a digit that lost a corner to its
neighbor as anything. So it is shown the very candidates that ``inkwear.numbers.segment`` will ask it about: those that
look like the digit at their place with its label, those that look like none with no class as the answer.
"""

from collections.abc import Sequence
from itertools import repeat
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from tqdm import tqdm

from inkwear.numbers.segment import split
from inkwear.preprocess.framing import frame_foreground
from inkwear.preprocess.spec import Floats, InputSpec, Pixels
from training.console import DEFAULT_DATA_DIR, DataDir, exit_codes_for_errors
from training.datasets import Dataset, find_dataset, load_pixels
from training.extra_images import NO_CLASS, ExtraImages, save_extra_images
from training.outliers import MAX_BREADTH_OF_ONE, breadth
from training.workers import process_pool

DIGITS = (2, 4)
"""Minimum and maximum number of digits in a row."""

OVERLAP = (-1, 5)
"""Range of the pixels of the data set by which neighbors overlap, without its end."""

SCALE = 4
"""Pixels of the canvas per pixel of the data set."""

MIN_ALIKE, MAX_UNLIKE = 0.9, 0.7
"""Correlation with the digit alone, from which a candidate is that digit, and below which it is none."""

MAX_PER_ROW = 3
"""Good candidates and bad ones that are kept of each row; there are more, but they are much alike."""

PART = 50
"""Rows that a process cuts at a time."""

cli = typer.Typer(add_completion=False)


@cli.command()
def split_samples(
    output: Annotated[Path, typer.Option(help="A file for python -m training.train --extra-images.")],
    dataset: Annotated[str, typer.Option(help="One of written characters: mnist.")] = "mnist",
    count: Annotated[int, typer.Option(min=1, help="How many rows of digits.")] = 5_000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Write digits that touch, cut them apart as the app does, and keep the candidates."""
    with exit_codes_for_errors():
        facts = find_dataset(dataset)
        if facts.input.stroke is None:
            raise ValueError(f"{dataset} has no strokes that could touch; mnist has.")
        images = _make_split_samples(facts, count, seed, data_dir)
        save_extra_images(images, output)
        good = int((images.labels != NO_CLASS).sum())
        typer.echo(f"{output}  {good:,} digits cut well, {len(images.labels) - good:,} cut badly")


def _make_split_samples(dataset: Dataset, count: int, seed: int, data_dir: Path) -> ExtraImages:
    """Join training images to rows of digits on all cores, and take candidates of each row."""
    pixels, labels = load_pixels(dataset, "train", data_dir)
    lengths = np.random.default_rng(seed).integers(DIGITS[0], DIGITS[1] + 1, size=count)
    rows = [np.random.default_rng([seed, index]).integers(len(pixels), size=k) for index, k in enumerate(lengths)]
    with process_pool() as pool:
        made = pool.map(
            _cut_row,
            [pixels[row] for row in rows],
            [labels[row] for row in rows],
            repeat(dataset.input),
            [[seed, index, 1] for index in range(count)],
            chunksize=PART,
        )
        images, answers = zip(
            *(each for row in tqdm(made, total=count, unit="row", disable=None) for each in row), strict=True
        )
    return ExtraImages(dataset.name, np.stack(images), np.array(answers, np.uint8))


def _cut_row(digits: Pixels, labels: Pixels, spec: InputSpec, seed: Sequence[int]) -> list[tuple[Pixels, int]]:
    """Write digits in a row and cut it; return some candidates that look like a digit, and some that look like none."""
    rng = np.random.default_rng(seed)
    kept: list[tuple[Pixels, int]] = []
    alone = row_of_digits(digits, rng)
    wanted = [frame_foreground(one, spec)[0] for one in alone]
    made = [candidate.pixels for line in split(alone.max(axis=0), spec) for candidate in line.candidates]
    left = {True: MAX_PER_ROW, False: MAX_PER_ROW}
    for image in (made[index] for index in rng.permutation(len(made))):
        likeness = [float(np.corrcoef(image.ravel(), one.ravel())[0, 1]) for one in wanted]
        best = int(np.argmax(likeness))
        is_good = likeness[best] >= MIN_ALIKE
        if not left[is_good] or (not is_good and (likeness[best] >= MAX_UNLIKE or breadth(image) < MAX_BREADTH_OF_ONE)):
            continue
        left[is_good] -= 1
        kept.append((image, int(labels[best]) if is_good else NO_CLASS))
    return kept


def row_of_digits(digits: Pixels, rng: np.random.Generator) -> Floats:
    """Write images (k, 28, 28) in a row so that neighbors touch: (k, h, w), each digit alone at its place."""
    cut = [image[:, image.any(axis=0)] for image in digits]
    starts = [0]
    for image in cut[:-1]:
        starts.append(max(starts[-1] + 1, starts[-1] + image.shape[1] - int(rng.integers(*OVERLAP))))
    width = max(start + image.shape[1] for start, image in zip(starts, cut, strict=True))
    alone = np.zeros((len(cut), 28, width), np.uint8)
    for canvas, start, image in zip(alone, starts, cut, strict=True):
        canvas[:, start : start + image.shape[1]] = image
    large = [cv2.resize(canvas, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC) for canvas in alone]
    return np.stack([np.pad(canvas, 2 * SCALE) for canvas in large]).astype(np.float32)


if __name__ == "__main__":
    cli()
