"""Effects of light, lens, sensor and file on a photograph."""

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkwear.preprocess.grayscale import ORIENTATION, UPRIGHT
from inkwear.preprocess.spec import Floats, Pixels
from training.simulator.chance import Range, Shape, around, between, noise, pick

LIGHT_GRID = 160
"""Side of the grid on which light is computed, enough for the sharpest edge of a shadow."""

STORED = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
"""EXIF orientation of a turned camera -> the operation that stores its pixels."""


def gradient(shape: Shape, strength: float, rng: np.random.Generator) -> Floats:
    """Draw light that falls off to one side and to the corners: (H, W) from ``1 - strength`` to 1.

    Args:
        shape: of the picture.
        strength: fraction by which the light falls off.
        rng: draws its direction.
    """
    angle, bend = between(rng, (0, 2 * np.pi)), between(rng, (0, 0.6))
    y, x = _coordinates()
    fall = np.cos(angle) * x + np.sin(angle) * y + bend * (x * x + y * y)
    return _large(1 - strength * cv2.normalize(fall, None, 0, 1, cv2.NORM_MINMAX), shape)


def shadow(shape: Shape, softness: Range, rng: np.random.Generator) -> Floats:
    """Draw the shadow of a hand, a head or a phone across the picture: (H, W) up to 1.

    Args:
        shape: of the picture.
        softness: range of the width of its edge, as a fraction of the picture.
        rng: draws its place.
    """
    angle, off = between(rng, (0, 2 * np.pi)), around(rng, 0.7)
    y, x = _coordinates()
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    wave = around(rng, 0.4) * np.sin(across * between(rng, (1, 5)) + between(rng, (0, 6)))
    depth = between(rng, (0.2, 0.55))
    width = between(rng, softness)
    return _large(1 - depth / (1 + np.exp(-np.clip((along - off + wave) / (width / 2), -30, 30))), shape)


def glare(shape: Shape, rng: np.random.Generator) -> Floats:
    """Draw the reflection of a lamp in a board: (H, W) gray levels to add."""
    y, x = _coordinates()
    spot = (x - around(rng, 0.9)) ** 2 + (y - around(rng, 0.9)) ** 2
    level, size = between(rng, (20, 70)), between(rng, (0.05, 0.3))
    return _large(level * np.exp(-spot / size), shape)


def _coordinates() -> tuple[Floats, Floats]:
    y, x = np.meshgrid(*(np.linspace(-1, 1, LIGHT_GRID, dtype=np.float32),) * 2, indexing="ij")
    return y, x


def _large(field: NDArray, shape: Shape) -> Floats:
    return cv2.resize(field.astype(np.float32), shape[::-1], interpolation=cv2.INTER_LINEAR)


def defocus(picture: Pixels, blur: float) -> Pixels:
    """Blur with a deviation of ``blur`` pixels."""
    return cv2.GaussianBlur(picture, (0, 0), blur) if blur > 0.3 else picture


def shake(picture: Pixels, length: float, rng: np.random.Generator) -> Pixels:
    """Smear by ``length`` pixels in a random direction.

    Args:
        picture: (H, W, 3) uint8.
        length: of the movement in pixels.
        rng: draws its direction.
    """
    side = 2 * round(length / 2) + 1
    if side < 3:
        return picture
    angle, middle = between(rng, (0, np.pi)), side // 2
    end = round(middle + np.cos(angle) * middle), round(middle + np.sin(angle) * middle)
    path = np.zeros((side, side), np.float32)
    cv2.line(path, (2 * middle - end[0], 2 * middle - end[1]), end, 1, 1)
    return cv2.filter2D(picture, -1, path / path.sum(), borderType=cv2.BORDER_REPLICATE)


def sensor_noise(picture: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Add noise of ``strength`` gray levels to a picture (H, W, 3); strong noise has colors.

    Args:
        picture: (H, W, 3) uint8.
        strength: deviation in gray levels.
        rng: draws the noise.
    """
    shape, grain = (picture.shape[0], picture.shape[1]), pick(rng, (1, 1.4, 2))
    bright = np.float32(strength) * noise(shape, rng, grain)
    red = blue = bright
    if strength > 2:
        red, blue = (bright + np.float32(strength / 3) * noise(shape, rng, 2.5) for _ in range(2))
    return cv2.add(picture, cv2.merge([red, bright, blue]), dtype=cv2.CV_8U)


def develop(picture: Pixels, quality: int, turned: bool, rng: np.random.Generator) -> Image.Image:
    """Save as JPEG and open that file; a ``turned`` picture is stored on its side, with the EXIF tag for it.

    Args:
        picture: (H, W, 3) uint8.
        quality: of the JPEG.
        turned: whether the camera was turned.
        rng: draws the direction.
    """
    image, exif = Image.fromarray(picture), Image.Exif()
    if turned:
        orientation = pick(rng, tuple(STORED))
        image = image.transpose(STORED[orientation])
        assert orientation in UPRIGHT
        exif[ORIENTATION] = orientation
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, exif=exif)
    return Image.open(file)
