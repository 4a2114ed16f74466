"""Pictures made smaller, and cut to what stands in them."""

import cv2
import numpy as np

from inkwear.preprocess.spec import Floats, Pixels


def shrink(picture: Pixels, longest: int) -> Pixels:
    """Average areas until the longer side is at most ``longest`` pixels: (H, W) or (H, W, 3) alike."""
    scale = longest / max(picture.shape[:2])
    if scale >= 1:
        return picture
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def scale_down(ink: Floats, scale: float) -> Floats:
    """Average areas so that both sides become ``scale`` of what they are, below 1; of a thin stroke one pixel stays."""
    across, down = (scale if round(side * scale) else 1 / side for side in reversed(ink.shape))
    return cv2.resize(ink, None, fx=across, fy=down, interpolation=cv2.INTER_AREA)


def tight_crop(foreground: Floats) -> Floats:
    """Cut to the box around all that is not 0.

    Raises:
        IndexError: all is.
    """
    left, top, width, height = cv2.boundingRect((foreground != 0).view(np.uint8))
    if not width:
        raise IndexError("there is nothing but background to crop to")
    return foreground[top : top + height, left : left + width]
