"""Masks, (H, W) bool, of a garment or a background: their borders, parts and holes."""

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def border(shape: tuple[int, ...], share: float = 0.04) -> Mask:
    """Mark a frame along the edges, as wide as ``share`` of the shorter side."""
    width = max(1, round(share * min(shape)))
    mask = np.ones(shape, bool)
    mask[width:-width, width:-width] = False
    return mask


def without_small_parts(mask: Mask, min_share: float) -> Mask:
    """Drop parts whose area is below ``min_share`` of the largest part's."""
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    areas = stats[:, cv2.CC_STAT_AREA]
    large = areas >= min_share * areas[1:].max(initial=1)
    large[0] = False
    return large[parts]


def holes(mask: Mask) -> tuple[int, NDArray[np.int32]]:
    """Count the holes of a mask, and number their pixels from 1 in an (H, W) array that is 0 elsewhere."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(filled, outlines, -1, 1, cv2.FILLED)
    count, numbers = cv2.connectedComponents(filled * ~mask)
    return count - 1, np.asarray(numbers, np.int32)
