"""The ink of a picture: what is written or drawn, apart from the sheet it stands on."""

import cv2
import numpy as np
from numpy.typing import NDArray

from exports.grayscale import to_grayscale
from exports.notes import Note
from exports.scaling import shrink, tight_crop
from exports.spec import SIZE, Floats, InputSpec, Pixels

WORKING_SIDE = 512
"""Pictures are brought to at most this many pixels on their longer side before anything is measured."""

LEAST_CONTRAST = 16
"""Gray levels by which something must stand out from its background to be more than a blank sheet."""

NOISE_FACTOR = 5
"""The same in standard deviations of the background's noise."""

UNEVEN = 12
"""Gray levels by which the border's brightness may vary before its lighting is evened out."""

SPECK = 0.04
"""Detached parts smaller than this fraction of the largest part are dirt; the bar of a 5 is more."""

HALO = 0.1
"""What JPEG leaves around edges is fainter than this fraction of the ink; it is cut where it overflows the box."""


def find_ink(picture: Pixels, spec: InputSpec) -> tuple[Floats, list[Note]]:
    """Separate what is written from its background.

    Args:
        picture: (H, W) or (H, W, 3) uint8, either polarity.
        spec: how the data set frames.

    Returns:
        foreground: (h, w) float32, not larger than the picture, from 0, where there is background, to 255.
        notes: what was done.
    """
    gray = to_grayscale(shrink(picture, WORKING_SIDE))
    notes = []
    background: Floats | float = float(np.median(_border(gray)))
    darker = _object_is_darker(gray, background)
    if spec.even_lighting and _is_uneven(gray):
        darker = _object_is_darker(gray, _lighting(gray))
        background = _sheet(gray, darker)
        notes.append(Note("lighting"))
    if darker:
        notes.append(Note("inverted"))
    distance = _distance(gray, background, darker)
    noise_level, noise = _noise(distance)
    distance = distance.clip(0, 255)
    threshold = max(LEAST_CONTRAST, noise_level + NOISE_FACTOR * noise)
    if cv2.blur(distance, (3, 3)).max() < threshold:
        return np.zeros_like(distance), notes
    is_small = max(gray.shape) <= SIZE
    if noise == 0 and is_small and max(tight_crop(distance).shape) <= spec.box:
        return distance, notes  # it may be framed already, and would come back unchanged
    if noise > 0 or is_small:
        notes.append(Note("background"))
    if noise > 0 or not is_small:
        return _without_noise(distance, threshold, spec), notes
    return np.where(distance >= HALO * distance.max(), distance, 0), notes


def _border(gray: NDArray) -> NDArray:
    """The pixels of a frame 3 % wide along the edges: hardly ever the object."""
    width = max(1, round(0.03 * min(gray.shape)))
    top, bottom, left, right = gray[:width], gray[-width:], gray[width:-width, :width], gray[width:-width, -width:]
    return np.concatenate([part.ravel() for part in (top, bottom, left, right)])


def _object_is_darker(gray: Pixels, background: Floats | float) -> bool:
    """Whether what differs from the background differs to the dark side, weighed by how much it differs."""
    difference = gray - np.float32(background)
    return float(np.abs(difference[difference < 0]).sum()) > float(difference[difference > 0].sum())


def _is_uneven(gray: Pixels) -> bool:
    """Whether light falls on the picture unevenly, judged by its border in 16ths."""
    border = _border(gray)
    if np.mean(border == np.median(border)) >= 0.5:
        return False  # drawn by a program: no light falls on it
    return int(np.ptp(_border(cv2.resize(gray, (16, 16), interpolation=cv2.INTER_AREA)))) > UNEVEN


def _lighting(gray: Pixels) -> Floats:
    """Fit the brightness of the sheet by a quadratic surface, leaving out what stands off from it: (H, W)."""
    coarse = cv2.resize(gray, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    terms, kept = _quadratic_terms(32, 32), np.ones(coarse.size, bool)
    for _ in range(4):
        weights = np.linalg.lstsq(terms[kept], coarse[kept], rcond=None)[0]
        off = np.abs(coarse - terms @ weights)
        kept = off <= 2 * np.median(off) + 1
    return (_quadratic_terms(*gray.shape) @ weights).reshape(gray.shape).astype(np.float32)


def _quadratic_terms(height: int, width: int) -> NDArray:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return np.stack([term.ravel() for term in (np.ones_like(x), x, y, x * x, x * y, y * y)], axis=1)


def _sheet(gray: Pixels, ink_is_darker: bool) -> Floats:
    """The sheet without what is written on it: a grayscale closing wider than any stroke, smoothed (H, W).

    Serra, "Image Analysis and Mathematical Morphology", 1982, chapter XII ("rolling ball"); for light ink its dual.
    """
    coarse = cv2.medianBlur(shrink(gray, 128), 3)
    width = round(max(coarse.shape) / 4) | 1
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    operation = cv2.MORPH_CLOSE if ink_is_darker else cv2.MORPH_OPEN
    sheet = cv2.morphologyEx(coarse, operation, element, borderType=cv2.BORDER_REPLICATE).astype(np.float32)
    return cv2.resize(cv2.GaussianBlur(sheet, (0, 0), width / 4), gray.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _distance(gray: Pixels, background: Floats | float, darker: bool) -> Floats:
    """How far each pixel is from its background towards the object's side, or below 0 away from it.

    255 is as far as gray can go from that background.
    """
    values, ground = (255 - gray, 255 - background) if darker else (gray, background)
    room = np.maximum(255 - ground, 1)
    return ((values - ground) * (255 / room)).astype(np.float32)


def _noise(distance: Floats) -> tuple[float, float]:
    """Level of what is left of the background, and standard deviation of its noise, estimated on the border.

    The noise is what neighbours differ by (median |x - y| is 0.6745·√2 deviations), so that a shadow is not noise.
    """
    border = _border(distance)
    return float(np.median(border)), float(np.median(np.abs(np.diff(border))) / (0.6745 * np.sqrt(2)))


def _without_noise(distance: Floats, threshold: float, spec: InputSpec) -> Floats:
    """Set to exactly 0 what is not part of the object: noise, and detached specks."""
    part, core = distance, threshold
    if spec.stroke:  # ink is there or not: what is a quarter as dark as the ink is paper, three quarters are ink
        level = float(np.percentile(distance[distance >= threshold], 80))
        part, threshold, core = np.clip((distance / level - 0.25) * 2, 0, 1) * 255, 1, 128
    count, labels = cv2.connectedComponents((part >= threshold).astype(np.uint8))
    sizes = np.bincount(labels[part >= core], minlength=count)  # of what is ink for certain
    large = sizes >= SPECK * sizes[1:].max(initial=1)
    large[0] = False
    return np.where(large[labels], part, 0)
