"""Whole pictures in a square, for networks that find what they look for themselves."""

import cv2
import numpy as np

from inkwear.preprocess.grayscale import to_grayscale
from inkwear.preprocess.scaling import shrink
from inkwear.preprocess.spec import Floats, Pixels

MIN_CONTRAST = 16
"""Range of gray levels from which a picture shows anything."""


def show_whole(picture: Pixels, size: int) -> Floats:
    """Show a picture, (H, W) or (H, W, 3), in a square (size, size) from 0 to 255; all 0 if it is blank."""
    square = fit_whole(to_grayscale(shrink(picture, size)), size)
    return square.astype(np.float32) * (np.ptp(square) >= MIN_CONTRAST)


def fit_whole(gray: Pixels, size: int) -> Pixels:
    """Scale a picture, (H, W), to a square (size, size), whose two free sides continue the picture's border."""
    gray = shrink(gray, size)
    scale = size / max(gray.shape)
    if scale > 1:
        width, height = (max(1, round(side * scale)) for side in gray.shape[::-1])
        gray = cv2.resize(gray, (width, height), interpolation=cv2.INTER_CUBIC)
    height, width = gray.shape
    top, left = (size - height) // 2, (size - width) // 2
    return cv2.copyMakeBorder(gray, top, size - height - top, left, size - width - left, cv2.BORDER_REPLICATE)
