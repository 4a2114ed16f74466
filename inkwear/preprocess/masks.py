"""What is garment and what is background, as (H, W) bool: frames, parts, holes."""

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def border(shape: tuple[int, ...], share: float = 0.04) -> Mask:
    """Mark a frame along the edges, so many shorter sides wide."""
    width = max(1, round(share * min(shape)))
    mask = np.ones(shape, bool)
    mask[width:-width, width:-width] = False
    return mask


def without_small_parts(mask: Mask, least: float) -> Mask:
    """Drop parts smaller than ``least`` of the largest."""
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    areas = stats[:, cv2.CC_STAT_AREA]
    large = areas >= least * areas[1:].max(initial=1)
    large[0] = False
    return large[parts]


def holes(mask: Mask) -> tuple[int, NDArray[np.int32]]:
    """Number what a mask encloses: how many holes, and (H, W) of the number of each, from 1; 0 elsewhere."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(filled, outlines, -1, 1, cv2.FILLED)
    count, numbers = cv2.connectedComponents(filled * ~mask)
    return count - 1, np.asarray(numbers, np.int32)
