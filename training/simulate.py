"""``python -m training.simulate``: what the app's preprocessing leaves of simulated pictures, to train on."""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.console import DEFAULT_DATA_DIR, DataDir, exit_codes_for_errors

if TYPE_CHECKING:
    from inkwear.preprocess.steps import Pixels
    from training.datasets import Dataset
    from training.extra_images import Corpus

MIXTURE = {
    "mnist": {"drawings": 0.35, "photographs": 0.65},
    "fashion_mnist": {"plain": 0.35, "textured": 0.5, "hanger": 0.1, "pair": 0.05},
}
"""Which of the simulator's conditions the pictures are made in, as shares."""

PART = 500
"""Pictures that a process makes at a time."""

cli = typer.Typer(add_completion=False)


@cli.command()
def simulate(
    dataset: Annotated[str, typer.Option(help="mnist or fashion_mnist.")],
    output: Annotated[Path, typer.Option(help="A file for python -m training.train --also.")],
    count: Annotated[int, typer.Option(min=1, help="How many pictures.")] = 60_000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Make pictures of training images as people send them, frame them as the app does, and keep what comes out."""
    with exit_codes_for_errors():
        from training.datasets import find_dataset
        from training.extra_images import save_corpus

        corpus = make_corpus(find_dataset(dataset), count, seed, data_dir)
        save_corpus(corpus, output)
        typer.echo(f"{output}  {len(corpus.labels):,} images of {count:,}; the others came out blank")


def make_corpus(dataset: "Dataset", count: int, seed: int, data_dir: Path) -> "Corpus":
    """Simulate ``count`` pictures of random training images on all cores; those that frame to nothing are left out.

    Raises:
        DataError: the training set is missing or damaged.
    """
    import numpy as np

    from training.datasets import load_pixels
    from training.extra_images import Corpus
    from training.simulator import originals

    pixels, labels = load_pixels(dataset, "train", data_dir)
    chosen = np.random.default_rng([seed, count]).integers(len(labels), size=count)
    images = originals(dataset.name, pixels[chosen], labels[chosen], seed)
    framed = np.concatenate(list(_framed(dataset.name, images, seed)))
    seen = framed.any(axis=(1, 2))
    return Corpus(dataset.name, framed[seen], labels[chosen][seen])


def _framed(dataset: str, pixels: "Pixels", seed: int) -> "Iterator[Pixels]":
    from tqdm import tqdm

    starts = range(0, len(pixels), PART)
    fresh = get_context("spawn")  # a fork of a process with torch's threads may never wake up
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), fresh) as pool:
        parts = pool.map(_frame_part, *zip(*((dataset, pixels[i : i + PART], seed, i) for i in starts), strict=True))
        yield from tqdm(parts, total=len(starts), unit_scale=PART, unit="img", disable=None)


def _frame_part(dataset: str, pixels: "Pixels", seed: int, first: int) -> "Pixels":
    """Simulate and frame some pictures, (N, 28, 28) -> (N, 28, 28); ``first`` is the index of the first of them."""
    import cv2
    import numpy as np

    from inkwear.preprocess.steps import frame, to_colors
    from training.datasets import find_dataset
    from training.simulator import CONDITIONS

    cv2.setNumThreads(1)
    spec, shares = find_dataset(dataset).input, MIXTURE[dataset]
    framed = []
    for index, image in enumerate(pixels, first):
        rng = np.random.default_rng([seed, index])
        condition = CONDITIONS[dataset][rng.choice(list(shares), p=list(shares.values()))]
        framed.append(frame(to_colors(condition(image, rng))[0], spec).pixels)
    return np.stack(framed)


def main() -> None:
    """Run the command with the arguments of the process."""
    cli()


if __name__ == "__main__":
    main()
