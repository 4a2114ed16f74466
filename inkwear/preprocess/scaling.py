"""Reducing pictures, and cropping them to their content."""

import cv2
import numpy as np

from inkwear.preprocess.spec import Floats, Pixels


def shrink(picture: Pixels, longest: int) -> Pixels:
    """Reduce a picture, (H, W) or (H, W, 3), by averaging areas until its longer side is at most ``longest`` pixels."""
    scale = longest / max(picture.shape[:2])
    if scale >= 1:
        return picture
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def tight_crop(foreground: Floats) -> Floats:
    """Crop to the bounding box of all that is not 0.

    Raises:
        IndexError: everything is 0.
    """
    left, top, width, height = cv2.boundingRect((foreground != 0).view(np.uint8))
    if not width:
        raise IndexError("there is nothing but background to crop to")
    return foreground[top : top + height, left : left + width]
