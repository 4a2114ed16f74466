"""Random changes to photographs of clothing, which keep what they show."""

import math

import cv2
import numpy as np

from inkwear.preprocess.spec import Pixels
from training.simulator.chance import around, between, happens

ZOOM = (0.8, 1.35)
"""Range of the size of a photograph in that which just fits into the square."""


def changed(gray: Pixels, size: int, rng: np.random.Generator) -> Pixels:
    """Mirror, turn, move, scale and relight a photograph (H, W), and cover a part of it: (size, size) uint8.

    Args:
        gray: the photograph, whose border continues outside.
        size: pixels of a side of the square.
        rng: draws everything.
    """
    picture = _relit(_moved(gray, size, rng), rng)
    if happens(rng, 0.35):  # as coarse as Fashion-MNIST's pasted images at most, which would be known by that
        small = max(24, round(between(rng, (0.17, 0.7)) * size))
        reduced = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
        picture = cv2.resize(reduced, (size, size), interpolation=cv2.INTER_CUBIC).clip(0, 255)
    if happens(rng, 0.3):
        picture = picture + rng.normal(0, between(rng, (1, 10)), picture.shape).astype(np.float32)
    if happens(rng, 0.25):  # Zhong et al., "Random erasing data augmentation", 2017
        area, aspect = between(rng, (0.02, 0.2)) * size**2, math.exp(around(rng, 1))
        height, width = (min(size - 1, max(1, round(math.sqrt(area * each)))) for each in (aspect, 1 / aspect))
        top, left = rng.integers(size - height), rng.integers(size - width)
        picture[top : top + height, left : left + width] = between(rng, (0, 255))
    return picture.clip(0, 255).astype(np.uint8)


def _moved(gray: Pixels, size: int, rng: np.random.Generator) -> np.ndarray:
    """Place a photograph in the square as ``fit_whole`` does, but turned, stretched, mirrored and off the middle."""
    height, width = gray.shape
    scale = size / max(height, width) * math.exp(between(rng, (math.log(ZOOM[0]), math.log(ZOOM[1]))))
    if scale < 0.7:  # averaged first, as single pixels would flicker
        gray = cv2.blur(gray, (max(1, round(0.8 / scale)),) * 2)
    stretch, angle = math.exp(around(rng, 0.12)), math.radians(around(rng, 20))
    if happens(rng, 0.12):
        angle += math.pi / 2 * rng.integers(1, 4)
    mirror = -1 if happens(rng, 0.5) else 1
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    shear = np.array([[1, around(rng, 0.1)], [0, 1]])
    linear = scale * turn @ shear @ np.diag([mirror * stretch, 1 / stretch])
    middle = np.array([size / 2, size / 2]) + rng.uniform(-0.1, 0.1, 2) * size
    view = np.column_stack([linear, middle - linear @ (np.array([width, height]) / 2)])
    return cv2.warpAffine(gray, view, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _relit(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change exposure, contrast and gamma."""
    levels = np.linspace(0, 1, 256) ** math.exp(around(rng, 0.6))
    levels = (levels - 0.5) * between(rng, (0.6, 1.3)) + 0.5 + around(rng, 0.12)
    return cv2.LUT(picture, (255 * levels).clip(0, 255).astype(np.float32))
