"""Fashion-MNIST's images pasted on backgrounds, and pictures of nothing to wear, beside photographs of clothing."""

from functools import partial
from itertools import repeat
from pathlib import Path

import cv2
import numpy as np

from inkwear.preprocess.grayscale import to_colors, to_grayscale
from inkwear.preprocess.scaling import shrink
from inkwear.preprocess.spec import Floats, Pixels
from training.datasets import DATASETS, load_pixels
from training.extra_images import NO_CLASS
from training.simulator import CONDITIONS, garments, textures
from training.simulator.chance import between, happens, pick
from training.simulator.characters import load_characters
from training.simulator.scenes import line_scene, page_scene
from training.workers import process_pool

SIDE = 160
"""Pixels of the longer side of the pictures."""

SHARES = np.array([2, 1, 1.5, 1.5, 2, 5, 2, 5, 8, 5])
"""Relative frequency of the classes: there are few photographs of shoes, and none of bags."""

ON_PHOTOGRAPHS = 0.6
"""Share of the pictures whose background is that of a photograph."""

MIRRORED = 0.4
"""Share of these backgrounds that mirror images continue; all of them would be known by that."""

PART = 100
"""Pictures that a process makes at a time."""

FLOORS = (textures.wood, textures.carpet, textures.cloth, textures.tiles, textures.pattern, textures.plain)
"""Backgrounds without anything on them."""

WRITTEN = 2_000
"""Images of digits that lines are written with."""

WITHOUT_HALO = 0.7
"""Share of the garments whose outermost pixels are evened out."""

AS_STORED = 0.06
"""Share of the images that stay as the data set has them, bright on black."""

Sample = tuple[Pixels, int]
"""A gray picture (H, W) and its label, ``NO_CLASS`` for none."""


def pasted(count: int, seed: int, backgrounds: list[Pixels], data_dir: Path) -> list[Sample]:
    """Paste training images of Fashion-MNIST on backgrounds, on all cores.

    Args:
        count: of pictures.
        seed: with the index of a picture it decides everything.
        backgrounds: photographs (H, W), whose corners become backgrounds.
        data_dir: torchvision's folder of data sets.
    """
    pixels, labels = load_pixels(DATASETS["fashion_mnist"], "train", data_dir)
    weights = (SHARES / np.bincount(labels))[labels]
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(labels), count, p=weights / weights.sum())
    behind = [backgrounds[index] for index in rng.integers(len(backgrounds), size=count)]
    with process_pool() as pool:
        made = pool.map(_paste, pixels[chosen], behind, zip(repeat(seed), range(count)), chunksize=PART)
        return list(zip(made, labels[chosen].tolist(), strict=True))


def nothing_to_wear(count: int, seed: int, data_dir: Path) -> list[Sample]:
    """Make pictures of digits, of lines and pages of them, and of empty floors.

    Args:
        count: of pictures.
        seed: with the index of a picture it decides everything.
        data_dir: torchvision's folder of data sets.
    """
    digits, _ = load_pixels(DATASETS["mnist"], "train", data_dir)
    chosen = np.random.default_rng(seed).choice(len(digits), count)
    with process_pool() as pool:
        made = pool.map(
            _digits_or_floor, digits[chosen], repeat(data_dir), zip(repeat(seed), range(count)), chunksize=PART
        )
        return [(picture, NO_CLASS) for picture in made]


def _paste(garment: Pixels, photograph: Pixels, seed: tuple[int, int]) -> Pixels:
    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    if happens(rng, AS_STORED):
        return garment
    if happens(rng, WITHOUT_HALO):
        garment = without_halo(garment)
    scene = garments.SCENES[pick(rng, list(garments.SCENES))]
    if happens(rng, ON_PHOTOGRAPHS):
        background = partial(_corner, photograph=photograph)
        scene = garments.Scene(background, shadow=0.4, lighter=0.3, size=(0.45, 0.95), pair=happens(rng, 0.5))
    return _as_gray(garments.photograph_scene(garment, rng, scene))


def without_halo(garment: Pixels) -> Pixels:
    """Give the outermost pixels of a garment, (28, 28), the level of those beside them.

    The data set's own shrinking and sharpening left them brighter or darker, which no photograph shows.
    """
    inside = (garment > 0).astype(np.uint8)
    core = cv2.erode(inside, np.ones((3, 3), np.uint8)).astype(np.float32)
    weight = cv2.blur(core, (5, 5))
    level = cv2.blur(core * garment, (5, 5)) / np.maximum(weight, 1e-6)
    is_edge = (inside > core) & (weight > 0)
    return np.where(is_edge, np.maximum(level, 1), garment).astype(np.uint8)


def _corner(shape: tuple[int, int], rng: np.random.Generator, photograph: Pixels) -> Floats:
    """Enlarge a corner of a photograph, or continue it by mirror images of itself: (H, W, 3)."""
    share = between(rng, (0.15, 0.3))
    height, width = (max(8, round(share * side)) for side in photograph.shape)
    turned = np.rot90(photograph, int(rng.integers(4)))
    corner = np.ascontiguousarray(turned[:height, :width])
    if happens(rng, MIRRORED):
        both = cv2.hconcat([corner, corner[:, ::-1]])
        corner = cv2.vconcat([both, both[::-1]])
        across = int(np.ceil(shape[1] / corner.shape[1])) if happens(rng, 0.5) else 1
        corner = np.tile(corner, (across, across))
    filled = cv2.resize(corner, shape[::-1], interpolation=cv2.INTER_LINEAR)
    return cv2.cvtColor(filled, cv2.COLOR_GRAY2RGB).astype(np.float32)


def _digits_or_floor(digit: Pixels, data_dir: Path, seed: tuple[int, int]) -> Pixels:
    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    if happens(rng, 0.25):
        return to_grayscale(pick(rng, FLOORS)((SIDE, SIDE), rng).clip(0, 255).astype(np.uint8))
    if happens(rng, 0.4):
        return _as_gray(CONDITIONS["mnist"][pick(rng, ("drawings", "photographs"))](digit, rng))
    characters = load_characters("mnist", WRITTEN, seed[0], data_dir)
    return shrink(pick(rng, (line_scene, line_scene, page_scene))(characters, rng).gray, SIDE)


def _as_gray(picture: object) -> Pixels:
    colors, _ = to_colors(picture)  # type: ignore[arg-type]
    return shrink(to_grayscale(colors), SIDE)
