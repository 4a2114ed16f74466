"""The sheet or board of a photograph: whether it is lighter than its ink, how bright it is, how far ink stands off."""

import cv2
import numpy as np

from inkwear.preprocess.scaling import shrink
from inkwear.preprocess.spec import Floats, Pixels

COARSE = 128
"""Side at which the polarity is judged, in pixels: wider than any noise, still finer than a stroke."""

WIDEST_STROKE = 1 / 4
"""Of the longer side; what is wider is no stroke but a shadow, a table, or the sheet itself."""

TAIL = 0.2
"""Percent of the pixels at either end whose deviation decides: a small digit in thin pencil covers no more."""

USUAL_BRIGHTNESS = 75
"""The brightest tenth of a picture of a sheet is lighter than this gray level, of a board darker."""

LEAST_CONTRAST = 16
"""255ths of the sheet's brightness by which something must stand out to be more than noise."""

NOISE_FACTOR = 5
"""The same in standard deviations of the noise."""

SOME = 3
"""Of so many rows, and of so many columns, noise is estimated on one: medians of thousands of pixels are enough."""

SHADE = 0.35
"""Below this fraction of the sheet's usual brightness, contrast is not raised any further: it would raise noise."""


def is_darker(gray: Pixels) -> bool:
    """Whether the ink is darker than what it stands on, in any light.

    Ink covers less than half of any neighbourhood, so a wide median is the sheet; the extreme deviations from it are
    the ink's. A loop's inside deviates to the other side, but less; and so does a sheet that reaches into a dark table,
    which is why only what a stroke's width has room for counts. That sheets are light and boards are dark is weighed
    in.
    """
    coarse = shrink(cv2.GaussianBlur(gray, (3, 3), 0), COARSE)
    sheet = cv2.medianBlur(coarse, max(coarse.shape) // 3 | 1)
    widest = max(coarse.shape) * WIDEST_STROKE
    lines = [_without_lines(seen, widest) for seen in (coarse, 255 - coarse)]
    below = np.minimum(cv2.subtract(sheet, coarse), cv2.subtract(lines[0], coarse))
    above = np.minimum(cv2.subtract(coarse, sheet), cv2.subtract(lines[1], 255 - coarse))
    below, above = (1 + float(np.percentile(deviation, 100 - TAIL)) for deviation in (below, above))
    return below / above * (float(np.percentile(coarse, 90)) + 1) / USUAL_BRIGHTNESS > 1


def brightness(gray: Pixels, widest: float) -> Pixels:
    """The sheet without the dark ink on it, (H, W) uint8; ``widest`` is the width of strokes in pixels, at most."""
    return cv2.blur(_without_lines(cv2.medianBlur(gray, 3), widest), (5, 5))


def _without_lines(gray: Pixels, widest: float) -> Pixels:
    """Fill what is dark and narrow by a grayscale closing: (H, W) uint8.

    Serra, "Image Analysis and Mathematical Morphology", 1982, chapter XII. A closing keeps whatever edge is straight
    over the width of its element, so that a hard shadow and the edge of a table leave nothing behind. What lies at
    the picture's border is taken to go on beyond it.
    """
    reach = max(1, round(widest / 2))
    room = cv2.copyMakeBorder(gray, *(reach,) * 4, cv2.BORDER_REPLICATE)  # what lies further out changes nothing
    element = np.ones((2 * reach + 1,) * 2, np.uint8)
    return cv2.morphologyEx(room, cv2.MORPH_CLOSE, element)[reach:-reach, reach:-reach]


def contrast(gray: Pixels, widest: float) -> tuple[Floats, Floats]:
    """By what fraction of the sheet's brightness each pixel is darker than the sheet.

    A fraction, because ink in the shade differs from its sheet by fewer gray levels than ink in the light.

    Args:
        gray: (H, W) uint8, the ink dark.
        widest: width of the strokes in pixels, at most.

    Returns:
        contrast: (H, W) from 0 to 255.
        noise: (H, W), what noise reaches of it, ``LEAST_CONTRAST`` at least.
    """
    ground = brightness(gray, widest)
    usual = float(np.percentile(ground[::4, ::4], 95))
    scale = (255 / np.maximum(np.arange(256), max(SHADE * usual, 1))).astype(np.float32)  # of each brightness
    darker = cv2.GaussianBlur(cv2.subtract(ground, gray) * cv2.LUT(ground, scale), (3, 3), 0)
    return darker, _noise(darker, ground)


def _noise(darker: Floats, ground: Pixels) -> Floats:
    """What noise reaches: (H, W), one level where the ground is bright and another where it is dark.

    In the shade, and on the table beside the sheet, everything varies more.
    """
    _, is_bright = cv2.threshold(ground, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    some, bright = darker[::SOME, ::SOME], is_bright[::SOME, ::SOME].astype(bool)
    levels = [_reach(some[part]) if part.any() else 0.0 for part in (~bright, bright)]
    return cv2.LUT(is_bright, np.resize(np.array(levels, np.float32), 256))


def _reach(values: Floats) -> float:
    """What almost no noise exceeds, or ``LEAST_CONTRAST``."""
    level = _median(values)
    return max(LEAST_CONTRAST, level + NOISE_FACTOR * 1.4826 * _median(np.abs(values - level)))


def _median(values: Floats) -> float:
    """The middle one of many values, (n,), at half of ``np.median``'s time."""
    middle = len(values) // 2
    return float(np.partition(values, middle)[middle])
