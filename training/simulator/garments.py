"""Photographs of clothing, made from the images of Fashion-MNIST: garments laid on floors, beds and tables.

The images of the data set were cut from their white background and negated (Xiao et al. 2017, section 2). Here that is
undone: the garment gets back its outline, light, a color and some fabric, and a background to lie on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from PIL import Image

from inkwear.preprocess.steps import Floats, Pixels
from training.simulator import textures
from training.simulator.camera import develop, gradient, sensor_noise

SIDES = (160, 420)
"""Range of a picture's sides in pixels: the size that preprocessing works at, and somewhat more."""


@dataclass(frozen=True)
class Scene:
    """How a garment is photographed.

    Attributes:
        background: draws (H, W, 3) float32 from 0 to 255.
        shadow: the largest darkness of the garment's own shadow, as a fraction.
        lighter: the chance that the garment keeps the lightness of the data set's negative.
        size: range of the garment's length, as a fraction of the picture's shorter side.
        drift: its largest distance from the middle, as a fraction of the free room.
        hanger: whether it hangs on a hanger.
        pair: whether there are two of it, one mirrored.
    """

    background: Callable[[tuple[int, int], np.random.Generator], Floats]
    shadow: float = 0.0
    lighter: float = 0.0
    size: tuple[float, float] = (0.6, 0.92)
    drift: float = 0.5
    hanger: bool = False
    pair: bool = False


SCENES = {
    "white": Scene(textures.white),
    "off_white": Scene(textures.off_white),
    "colored": Scene(textures.plain),
    "gradient": Scene(textures.gradient),
    "shadow": Scene(textures.off_white, shadow=0.5),
    "lighter": Scene(textures.dark, lighter=1.0),
    "small": Scene(textures.plain, size=(0.25, 0.5), drift=1.0),
    "hanger": Scene(textures.off_white, shadow=0.3, hanger=True),
    "pair": Scene(textures.plain, shadow=0.3, pair=True),
    "wood": Scene(textures.wood, shadow=0.4, lighter=0.3),
    "carpet": Scene(textures.carpet, shadow=0.3, lighter=0.3),
    "cloth": Scene(textures.cloth, shadow=0.4, lighter=0.3),
    "tiles": Scene(textures.tiles, shadow=0.4, lighter=0.3),
    "pattern": Scene(textures.pattern, shadow=0.3, lighter=0.3),
}

PLAIN = ("white", "off_white", "colored", "gradient", "shadow", "lighter", "small")
TEXTURED = ("wood", "carpet", "cloth", "tiles", "pattern")

HALO = 12
"""Gray level up to which a pixel may be a trace of sharpening outside the garment."""

LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in lightness (ITU-R BT.601)."""

SHOES_ASPECT = 1.15
"""Ratio of width to height from which an image is doubled to a pair: a shoe or a sandal from its side."""


def photograph(pixels: Pixels, rng: np.random.Generator, *, scene: str) -> Image.Image:
    """Take a picture of a garment, (28, 28) uint8 as stored in the data set, in one of ``SCENES``.

    Args:
        pixels: the image.
        rng: draws everything that is left to chance.
        scene: name of the scene.
    """
    return photograph_scene(pixels, rng, SCENES[scene])


def photograph_scene(pixels: Pixels, rng: np.random.Generator, setting: Scene) -> Image.Image:
    """Take a picture of a garment, (28, 28) uint8 as stored in the data set, in a scene.

    Args:
        pixels: the image.
        rng: draws everything that is left to chance.
        setting: the scene.
    """
    height, width = (int(rng.integers(*SIDES, endpoint=True)) for _ in range(2))
    garment, coverage = _garment(pixels, round(float(rng.uniform(*setting.size)) * min(height, width)), setting, rng)
    height, width = max(height, coverage.shape[0]), max(width, coverage.shape[1])  # two shoes may need more room
    top, left = _place(coverage.shape, (height, width), setting.drift, rng)
    picture = setting.background((height, width), rng)
    if setting.shadow:
        _cast_shadow(picture, coverage, top, left, float(rng.uniform(0.3, 1)) * setting.shadow, rng)
    if setting.hanger:
        _hang(picture, coverage, top, left, rng)
    room = picture[top : top + coverage.shape[0], left : left + coverage.shape[1]]
    room += (garment - room) * coverage[..., None]
    picture *= gradient((height, width), float(rng.uniform(0, 0.15)), rng)[..., None]
    pixels = sensor_noise(np.rint(picture.clip(0, 255)).astype(np.uint8), float(rng.uniform(0, 6)), rng)
    return develop(pixels, int(rng.integers(50, 96)), turned=False, rng=rng)


def mixed(pixels: Pixels, rng: np.random.Generator, *, scenes: tuple[str, ...]) -> Image.Image:
    """Take a picture of a garment in a scene drawn from ``scenes``.

    Args:
        pixels: the image.
        rng: draws everything that is left to chance.
        scenes: names of scenes.
    """
    return photograph(pixels, rng, scene=scenes[rng.integers(len(scenes))])


CONDITIONS: dict[str, Callable[[Pixels, np.random.Generator], Image.Image]] = {
    "plain": partial(mixed, scenes=PLAIN),
    **{f"plain/{name}": partial(photograph, scene=name) for name in PLAIN},
    "textured": partial(mixed, scenes=TEXTURED),
    **{f"textured/{name}": partial(photograph, scene=name) for name in TEXTURED},
    **{name: partial(photograph, scene=name) for name in SCENES if name not in PLAIN + TEXTURED},
}


# ------------------------------------------------------------------------------------------------------- the garment


def _garment(pixels: Pixels, length: int, setting: Scene, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Give an image size, light, color and fabric: (H, W, 3) from 0 to 255, and its coverage (H, W) from 0 to 1."""
    inside = _filled(pixels)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    cut = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = length / max(inside[cut].shape)
    coverage = _enlarged(inside[cut].astype(np.float32), scale, cv2.BORDER_CONSTANT)
    coverage = np.clip((coverage - 0.5) * 4 + 0.5, 0, 1)
    darkness = _enlarged(_spread(pixels, inside)[cut].astype(np.float32), scale, cv2.BORDER_REPLICATE).clip(0, 255)
    light = darkness if rng.random() < setting.lighter else 255 - darkness
    fabric = rng.normal(0, float(rng.uniform(0, 5)), coverage.shape).astype(np.float32)
    if setting.pair and coverage.shape[1] > SHOES_ASPECT * coverage.shape[0]:
        light, coverage, fabric = (_doubled(part) for part in (light, coverage, fabric))
    return _dyed(light + fabric, rng), coverage


def _filled(pixels: Pixels) -> np.ndarray:
    """Return the area of the garment, with its white stripes and buttons, as (28, 28) bool.

    Sharpening left a faint halo beside dark garments, which is left out unless the whole garment is as faint.
    """
    everything, certain = (_within_outlines(pixels > least) for least in (0, HALO))
    return certain if certain.sum() > 0.6 * everything.sum() else everything


def _within_outlines(mask: np.ndarray) -> np.ndarray:
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    inside = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(inside, outlines, -1, 1, cv2.FILLED)
    return inside.astype(bool)


def _spread(pixels: Pixels, inside: np.ndarray) -> Pixels:
    """Extend the garment beyond its edge, so that enlarging does not mix the background into it."""
    return np.where(inside, pixels, cv2.dilate(pixels, np.ones((5, 5), np.uint8)))


def _enlarged(image: Floats, scale: float, beyond: int) -> Floats:
    """Enlarge smoothly, with a margin of one of the image's pixels, filled as OpenCV's border type ``beyond`` is."""
    room = cv2.copyMakeBorder(image, 1, 1, 1, 1, beyond)
    size = [max(4, round(side * scale)) for side in room.shape[::-1]]
    return cv2.GaussianBlur(cv2.resize(room, size, interpolation=cv2.INTER_CUBIC), (0, 0), 0.2 * scale)


def _dyed(light: Floats, rng: np.random.Generator) -> Floats:
    """Give gray fabric a color of the same lightness: (H, W) -> (H, W, 3)."""
    color = rng.uniform(0.55, 1.45, 3)
    color /= color @ LUMA
    tint = 1 + (color - 1) * rng.random() ** 1.5
    return (light.clip(0, 255)[..., None] * tint.astype(np.float32)).clip(0, 255)


def _doubled(part: Floats) -> Floats:
    """Put the other shoe above, a mirror image."""
    return np.concatenate([part[:, ::-1], np.zeros((max(1, len(part) // 12), part.shape[1]), part.dtype), part])


# ------------------------------------------------------------------------------------------------------- the picture


def _place(garment: tuple[int, ...], picture: tuple[int, int], drift: float, rng: np.random.Generator) -> list[int]:
    """Draw the place of the garment's upper left corner."""
    room = [max(0, whole - part) for whole, part in zip(picture, garment, strict=True)]
    return [round(free * (0.5 + drift * float(rng.uniform(-0.5, 0.5)))) for free in room]


def _cast_shadow(
    picture: Floats, coverage: Floats, top: int, left: int, strength: float, rng: np.random.Generator
) -> None:
    """Darken the background softly to one side of the garment."""
    length = max(coverage.shape)
    shadow = np.zeros(picture.shape[:2], np.float32)
    shadow[top : top + coverage.shape[0], left : left + coverage.shape[1]] = coverage
    shift = rng.uniform(-0.05, 0.05, 2) * length
    move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    moved = cv2.warpAffine(shadow, move, shadow.shape[::-1])
    picture *= 1 - strength * cv2.GaussianBlur(moved, (0, 0), max(1.0, 0.03 * length))[..., None]


def _hang(picture: Floats, coverage: Floats, top: int, left: int, rng: np.random.Generator) -> None:
    """Draw a wire hanger whose shoulders disappear in the garment."""
    height, width = coverage.shape
    middle, thickness = left + width // 2, max(1, width // 50)
    color = [float(value) for value in rng.uniform(20, 120) + np.zeros(3)]
    neck = (middle, top + height // 12)
    for side in (-1, 1):
        cv2.line(picture, neck, (middle + side * width // 3, top + height // 5), color, thickness, cv2.LINE_AA)
    hook = (middle, max(thickness, top - height // 12))
    cv2.line(picture, neck, hook, color, thickness, cv2.LINE_AA)
    cv2.ellipse(picture, hook, (width // 25 + 1, width // 25 + 1), 0, 180, 400, color, thickness, cv2.LINE_AA)
