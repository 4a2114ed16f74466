"""Draws the pictures of ``docs/preprocessing.md`` and the page's examples: ``python -m docs.illustrate``.

No picture of a data set is among them: digits are written by ``tests.hand`` and photographed by the simulator, clothes
are drawn here.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageOps

from inkwear.classifier import Classifier
from inkwear.preprocess.framing import find, frame
from inkwear.preprocess.grayscale import to_colors, to_grayscale
from tests.conftest import ROOT
from tests.hand import render, write_number
from training.datasets import DATASETS
from training.simulator import CONDITIONS, grounds, textures

FOLDER = ROOT / "docs" / "preprocessing"
EXAMPLES = ROOT / "app" / "page" / "examples"
HEIGHT = 220
"""Pixels of every picture in a row."""

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
    amount = check()
    save("check", steps(amount, "mnist")[:3])
    save("line", [np.asarray(amount), strip(amount)])
    for name, background in (("shop", textures.white), ("floor", textures.wood), ("bedspread", textures.cloth)):
        ground = background((300, 260), np.random.default_rng(3))
        save(name, steps(lay(DRESS, ground), "fashion_mnist"))
    for name, picture in examples().items():
        picture.convert("RGB").quantize(128).save(EXAMPLES / f"{name}.png", optimize=True)


def examples() -> dict[str, Image.Image]:
    """The page's: what people bring, square."""
    rng = np.random.default_rng(11)
    five, eight = (frame(np.asarray(render(digit)), DATASETS["mnist"].input).pixels for digit in "58")
    squared, chalk = CONDITIONS["mnist"]["photographs/squared"], CONDITIONS["mnist"]["photographs/blackboard"]
    number = Image.new("L", (600, 600), 255)
    number.paste(write_number("4711"), (28, 190))
    return {
        "five": ImageOps.fit(squared(five, rng), (256, 256)),
        "eight": ImageOps.fit(chalk(eight, rng), (256, 256)),
        "number": number.resize((320, 320)),
        "tshirt": photographed(TSHIRT, textures.wood((300, 260), rng), rng).resize((256, 256)),
        "trouser": lay(TROUSER, textures.white((300, 260), rng)).resize((256, 256)),
        "pullover": photographed(PULLOVER, textures.cloth((300, 260), rng), rng).resize((256, 256)),
    }


def check() -> Image.Image:
    """An amount on paper with waves and a line, as checks have it."""
    rng = np.random.default_rng(5)
    written = np.asarray(write_number("4711"), np.float32)
    written = cv2.resize(written, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    ground = np.full(written.shape, 205, np.float32)
    grounds.security_print(ground, 0.5 * written.shape[0], 100, rng)
    cv2.line(ground, (0, ground.shape[0] - 22), (ground.shape[1], ground.shape[0] - 26), 110, 2, cv2.LINE_AA)
    return Image.fromarray(np.minimum(ground, 60 + written * (195 / 255)).clip(0, 255).astype(np.uint8))


def strip(picture: Image.Image) -> np.ndarray:
    """A line as the reader sees it."""
    classifier = Classifier(ROOT / "exports" / "mnist-inkwear_s.onnx", "cpu")
    return classifier.prepare(picture).read[0].strip


def steps(picture: Image.Image, dataset: str) -> list[np.ndarray]:
    """A picture, its gray, what was found in it, and what the network sees."""
    colors, _ = to_colors(picture)
    foreground, _ = find(colors, DATASETS[dataset].input)
    framed = frame(colors, DATASETS[dataset].input).pixels
    return [colors, to_grayscale(colors), foreground.astype(np.uint8), framed]


@dataclass(frozen=True)
class Garment:
    """An outline and a seam, in points (x, y) of a ground of 260×300 pixels, and the color of the cloth."""

    color: tuple[int, int, int]
    outline: list[tuple[int, int]]
    seam: list[tuple[int, int]]


DRESS = Garment(
    color=(150, 30, 50),
    outline=[(100, 40), (118, 40), (130, 62), (142, 40), (160, 40), (166, 110), (200, 262), (60, 262), (94, 110)],
    seam=[(94, 122), (166, 122)],
)
TROUSER = Garment(
    color=(42, 60, 110),
    outline=[(96, 30), (164, 30), (172, 120), (176, 274), (142, 274), (131, 110), (118, 274), (84, 274), (88, 120)],
    seam=[(96, 44), (164, 44)],
)
BOOT = Garment(
    color=(70, 45, 30),
    outline=[
        *((80, 70), (156, 70), (158, 160), (210, 186), (224, 216)),
        *((224, 232), (144, 232), (132, 220), (112, 232), (78, 232)),
    ],
    seam=[(82, 216), (222, 216)],
)


TSHIRT = Garment(
    color=(60, 90, 150),
    outline=[
        *((95, 50), (115, 56), (145, 56), (165, 50), (215, 85), (198, 120), (172, 106)),
        *((174, 240), (86, 240), (88, 106), (62, 120), (45, 85)),
    ],
    seam=[(112, 60), (148, 60)],
)
PULLOVER = Garment(
    color=(140, 60, 60),
    outline=[
        *((95, 50), (115, 57), (145, 57), (165, 50), (200, 75), (226, 220), (202, 226), (176, 120)),
        *((176, 245), (84, 245), (84, 120), (58, 226), (34, 220), (60, 75)),
    ],
    seam=[(84, 236), (176, 236)],
)


def photographed(garment: Garment, ground: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Lay a garment with soft edges, folds and a shadow on a ground, (H, W, 3) from 0 to 255."""
    shape = ground.shape[:2]
    flat = np.asarray(lay(garment, ground), np.float32)
    mask = np.asarray(lay(replace(garment, color=(255,) * 3, seam=[]), 0 * ground), np.float32)[..., 0] / 255
    cover = cv2.GaussianBlur(mask, (0, 0), 1.2)
    shadow = cv2.GaussianBlur(np.roll(mask, (5, 6), (0, 1)), (0, 0), 6)
    folds = 1 + 0.9 * cv2.GaussianBlur(rng.normal(0, 1, shape).astype(np.float32), (0, 0), 9)
    rim = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 5).clip(0, 14) / 14
    cloth = flat * (folds * (0.72 + 0.28 * rim))[..., None]
    picture = ground * (1 - 0.45 * shadow)[..., None]
    picture += (cloth - picture) * cover[..., None] + rng.normal(0, 3, ground.shape)
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


def lay(garment: Garment, ground: np.ndarray) -> Image.Image:
    """Lay a garment on a ground, (H, W, 3) from 0 to 255."""
    image = Image.fromarray(ground.astype(np.uint8))
    pencil = ImageDraw.Draw(image)
    pencil.polygon(garment.outline, fill=garment.color)
    red, green, blue = garment.color
    pencil.line(garment.seam, fill=(red * 3 // 5, green * 3 // 5, blue * 3 // 5), width=7)
    return image


def save(name: str, pictures: list[np.ndarray]) -> Path:
    """Put pictures side by side, pixels of small ones visible, and write them."""
    path, gap = FOLDER / f"{name}.png", np.full((HEIGHT, 12, 3), 255, np.uint8)
    row = [part for picture in pictures for part in (at_height(picture), gap)]
    Image.fromarray(np.hstack(row[:-1])).quantize(64).save(path, optimize=True)
    return path


def at_height(picture: np.ndarray) -> np.ndarray:
    """Scale to ``HEIGHT``, in color."""
    width = round(picture.shape[1] * HEIGHT / picture.shape[0])
    enlarges = picture.shape[0] < HEIGHT / 2
    scaled = cv2.resize(picture, (width, HEIGHT), interpolation=cv2.INTER_NEAREST if enlarges else cv2.INTER_AREA)
    return scaled if scaled.ndim == 3 else cv2.cvtColor(scaled, cv2.COLOR_GRAY2RGB)


if __name__ == "__main__":
    main()
