"""The pictures of ``docs/preprocessing.md``: ``python -m tests.illustrate``, or ``make illustrate``.

No picture of a data set is among them: the digit is written by ``tests.hand`` and photographed by the simulator, the
dress is drawn here.
"""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from exports.framing import find, frame
from exports.grayscale import to_colours, to_grayscale
from tests.conftest import ROOT
from tests.hand import render
from training.datasets import DATASETS
from training.simulator import CONDITIONS, textures

FOLDER = ROOT / "docs" / "preprocessing"
HEIGHT = 220
"""Of every picture in a row, in pixels."""

ROWS = {
    "drawing": "drawings/astray",
    "paper": "photographs/squared",
    "shadow": "photographs/hard_shadow",
    "table": "photographs/table",
}
"""A row of pictures and the condition of the simulator that it begins with."""


def main() -> None:
    """Write a row of steps for each kind of picture."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    five = frame(np.asarray(render("5")), DATASETS["mnist"].input).pixels
    for seed, (name, condition) in enumerate(ROWS.items()):
        picture = CONDITIONS["mnist"][condition](five, np.random.default_rng([7, seed]))
        save(name, steps(picture, "mnist"))
    for name, background in (("shop", textures.white), ("floor", textures.wood), ("bedspread", textures.cloth)):
        save(name, steps(dress_on(background((300, 260), np.random.default_rng(3))), "fashion_mnist"))


def steps(picture: Image.Image, dataset: str) -> list[np.ndarray]:
    """A picture, its gray, what was found in it, and what the network sees."""
    colours, _ = to_colours(picture)
    foreground, _ = find(colours, DATASETS[dataset].input)
    framed = frame(colours, DATASETS[dataset].input).pixels
    return [colours, to_grayscale(colours), foreground.astype(np.uint8), framed]


def dress_on(background: np.ndarray) -> Image.Image:
    """Lay a red dress on a background, (H, W, 3) from 0 to 255."""
    image = Image.fromarray(background.astype(np.uint8))
    outline = [(100, 40), (118, 40), (130, 62), (142, 40), (160, 40), (166, 110), (200, 262), (60, 262), (94, 110)]
    ImageDraw.Draw(image).polygon(outline, fill=(150, 30, 50))
    ImageDraw.Draw(image).line([(94, 122), (166, 122)], fill=(90, 15, 30), width=7)
    return image


def save(name: str, pictures: list[np.ndarray]) -> Path:
    """Put pictures side by side, pixels of small ones visible, and write them."""
    path, gap = FOLDER / f"{name}.png", np.full((HEIGHT, 12, 3), 255, np.uint8)
    row = [part for picture in pictures for part in (at_height(picture), gap)]
    Image.fromarray(np.hstack(row[:-1])).quantize(64).save(path, optimize=True)
    return path


def at_height(picture: np.ndarray) -> np.ndarray:
    """Scale to ``HEIGHT``, in colour."""
    width = round(picture.shape[1] * HEIGHT / picture.shape[0])
    enlarges = picture.shape[0] < HEIGHT / 2
    scaled = cv2.resize(picture, (width, HEIGHT), interpolation=cv2.INTER_NEAREST if enlarges else cv2.INTER_AREA)
    return scaled if scaled.ndim == 3 else cv2.cvtColor(scaled, cv2.COLOR_GRAY2RGB)


if __name__ == "__main__":
    main()
