"""``python -m training.photos``: photographs of clothing become images of 28×28 pixels to train on.

The photographs are those of ``training.photographs``; those of held-out senders stay out.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from tqdm import tqdm

from inkwear.images.decode import open_image
from inkwear.preprocess.spec import InputSpec, Pixels
from inkwear.preprocess.steps import frame
from training.console import exit_codes_for_errors
from training.datasets import find_dataset
from training.extra_images import ExtraImages, save_extra_images
from training.photographs import find_photographs

DATASET = "fashion_mnist"

cli = typer.Typer(add_completion=False)


@cli.command()
def photos(
    folder: Annotated[Path, typer.Argument(help="A copy of github.com/alexeygrigorev/clothing-dataset.")],
    output: Annotated[Path, typer.Option(help="A file for python -m training.train --extra-images.")],
    variants: Annotated[int, typer.Option(min=1, help="Of each photograph, all but the first changed at random.")] = 4,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Frame photographs of clothing as the app does, several times each, and keep the results."""
    with exit_codes_for_errors():
        found = [each for each in find_photographs(folder) if not each.is_held_out]
        pixels, labels = [], []
        for index, each in enumerate(tqdm(found, unit="img", disable=None)):
            rng = np.random.default_rng([seed, index])
            framed = [f for f in _variants(each.path, find_dataset(DATASET).input, variants, rng) if f.any()]
            pixels += framed
            labels += [each.label] * len(framed)
        save_extra_images(ExtraImages(DATASET, np.stack(pixels), np.array(labels, np.uint8)), output)
        typer.echo(f"{output}  {len(labels):,} images")


def _variants(path: Path, spec: InputSpec, count: int, rng: np.random.Generator) -> Iterator[Pixels]:
    """Frame a photograph as it is, then changed."""
    picture = np.asarray(open_image(path).convert("RGB"))
    for turn in range(count):
        yield frame(_changed(picture, rng) if turn else picture, spec).pixels


def _changed(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Mirror, turn, move and scale a photograph, and change its light and color: (H, W, 3) -> (H, W, 3)."""
    height, width = picture.shape[:2]
    if rng.random() < 0.5:
        picture = np.ascontiguousarray(picture[:, ::-1])
    move = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-12, 12), rng.uniform(0.8, 1.12))
    move[:, 2] += rng.uniform(-0.06, 0.06, 2) * (width, height)
    moved = cv2.warpAffine(picture, move, (width, height), borderMode=cv2.BORDER_REFLECT)
    light = 255 * np.linspace(0, 1, 256) ** rng.uniform(0.6, 1.6)
    colors = light[moved] * rng.uniform(0.85, 1.15, 3)
    return colors.clip(0, 255).astype(np.uint8)


if __name__ == "__main__":
    cli()
