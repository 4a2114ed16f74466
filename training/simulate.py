"""``python -m training.simulate``: simulated pictures, framed by the app's own preprocessing, to train on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from PIL import Image
from tqdm import tqdm

from inkwear.preprocess.spec import Pixels
from inkwear.preprocess.steps import frame, to_colors
from training.console import DEFAULT_DATA_DIR, DataDir, exit_codes_for_errors
from training.datasets import Dataset, find_dataset, load_pixels
from training.extra_images import ExtraImages, save_extra_images
from training.simulator import CONDITIONS, originals
from training.workers import process_pool

MIXTURE = {
    "mnist": {"drawings": 0.35, "photographs": 0.65},
    "fashion_mnist": {"plain": 0.35, "textured": 0.5, "hanger": 0.1, "pair": 0.05},
}
"""Shares of the simulator's conditions, by data set."""

PART = 500
"""Pictures that a process makes at a time."""

cli = typer.Typer(add_completion=False)


@cli.command()
def simulate(
    dataset: Annotated[str, typer.Option(help="mnist or fashion_mnist.")],
    output: Annotated[Path, typer.Option(help="A file for python -m training.train --extra-images.")],
    count: Annotated[int, typer.Option(min=1, help="How many pictures.")] = 60_000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Make pictures of training images as people send them, frame them as the app does, and keep the results."""
    with exit_codes_for_errors():
        images = _simulate_images(find_dataset(dataset), count, seed, data_dir)
        save_extra_images(images, output)
        typer.echo(f"{output}  {len(images.labels):,} images of {count:,}; the others came out blank")


def _simulate_images(dataset: Dataset, count: int, seed: int, data_dir: Path) -> ExtraImages:
    """Simulate and frame pictures of random training images on all cores, without those that come out blank."""
    pixels, labels = load_pixels(dataset, "train", data_dir)
    chosen = np.random.default_rng([seed, count]).integers(len(labels), size=count)
    images = originals(dataset.name, pixels[chosen], labels[chosen], seed)
    framed = np.concatenate(list(_framed(dataset.name, images, seed)))
    filled = framed.any(axis=(1, 2))
    return ExtraImages(dataset.name, framed[filled], labels[chosen][filled])


def _framed(dataset: str, pixels: Pixels, seed: int) -> Iterator[Pixels]:
    starts = range(0, len(pixels), PART)
    with process_pool() as pool:
        parts = pool.map(_frame_part, *zip(*((dataset, pixels[i : i + PART], seed, i) for i in starts), strict=True))
        yield from tqdm(parts, total=len(starts), unit_scale=PART, unit="img", disable=None)


def _frame_part(dataset: str, pixels: Pixels, seed: int, first: int) -> Pixels:
    """Simulate and frame pictures, (N, 28, 28) -> (N, 28, 28), of which the first has index ``first``."""
    cv2.setNumThreads(1)
    spec = find_dataset(dataset).input
    pictures = (mixed(dataset, image, seed, index) for index, image in enumerate(pixels, first))
    return np.stack([frame(to_colors(picture)[0], spec).pixels for picture in pictures])


def mixed(dataset: str, image: Pixels, seed: int, index: int) -> Image.Image:
    """Simulate a picture of an image in one of the conditions, as often as ``MIXTURE`` has it.

    Args:
        dataset: name of the data set.
        image: (28, 28) uint8, as stored.
        seed: with the index it decides the condition and the picture.
        index: of the picture.
    """
    rng, shares = np.random.default_rng([seed, index]), MIXTURE[dataset]
    condition = CONDITIONS[dataset][rng.choice(list(shares), p=list(shares.values()))]
    return condition(image, rng)


if __name__ == "__main__":
    cli()
