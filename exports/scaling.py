"""Pictures made smaller, and cut to what stands in them."""

import cv2
import numpy as np

from exports.spec import Floats, Pixels


def shrink(picture: Pixels, longest: int) -> Pixels:
    """Average areas until the longer side is at most ``longest`` pixels: (H, W) or (H, W, 3) alike."""
    scale = longest / max(picture.shape[:2])
    if scale >= 1:
        return picture
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def tight_crop(foreground: Floats) -> Floats:
    """Cut to the box around all that is not 0."""
    rows, columns = np.flatnonzero(foreground.any(axis=1)), np.flatnonzero(foreground.any(axis=0))
    return foreground[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
