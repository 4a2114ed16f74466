"""The sheet or board of a photograph: its polarity, its brightness in any light, and the contrast of ink on it."""

import cv2
import numpy as np

from inkwear.preprocess.scaling import shrink
from inkwear.preprocess.spec import Floats, Pixels

COARSE = 128
"""Pixels of the longer side at which the polarity is judged: coarser than noise, finer than a stroke."""

MAX_STROKE_WIDTH = 1 / 4
"""Fraction of the longer side that a stroke may be wide; wider is a shadow, a table, or the sheet itself."""

TAIL = 0.2
"""Percent of the pixels at either extreme that decide the polarity; a small digit in thin pencil covers no more."""

SHEET_BRIGHTNESS = 75
"""Gray level that separates sheets from boards: the brightest tenth of a sheet's picture is lighter."""

MIN_CONTRAST = 16
"""255ths of the sheet's brightness by which ink stands out at least."""

NOISE_FACTOR = 5
"""Standard deviations of the noise by which ink stands out at least."""

SAMPLING_STEP = 3
"""Rows, and columns, from one on which noise is estimated to the next; medians of thousands of pixels suffice."""

MIN_BRIGHTNESS = 0.35
"""Fraction of the sheet's usual brightness below which contrast is raised no further, as that would raise noise."""


def is_darker(gray: Pixels) -> bool:
    """Whether the ink is darker than its background, in any light.

    Ink covers less than half of any neighborhood, so a wide median shows the sheet, and the extreme deviations from it
    are ink. The inside of a loop deviates to the other side, though less. So does a sheet on a dark table, which is
    why only deviations as narrow as a stroke count. That sheets are light and boards dark is taken into account.
    """
    coarse = shrink(cv2.GaussianBlur(gray, (3, 3), 0), COARSE)
    sheet = cv2.medianBlur(coarse, max(coarse.shape) // 3 | 1)
    widest = max(coarse.shape) * MAX_STROKE_WIDTH
    lines = [_without_lines(seen, widest) for seen in (coarse, 255 - coarse)]
    below = np.minimum(cv2.subtract(sheet, coarse), cv2.subtract(lines[0], coarse))
    above = np.minimum(cv2.subtract(coarse, sheet), cv2.subtract(lines[1], 255 - coarse))
    below, above = (1 + float(np.percentile(deviation, 100 - TAIL)) for deviation in (below, above))
    return below / above * (float(np.percentile(coarse, 90)) + 1) / SHEET_BRIGHTNESS > 1


def brightness(gray: Pixels, widest: float) -> Pixels:
    """Brightness of the sheet without the dark ink on it, (H, W) uint8; strokes are at most ``widest`` pixels wide."""
    return cv2.blur(_without_lines(cv2.medianBlur(gray, 3), widest), (5, 5))


def _without_lines(gray: Pixels, widest: float) -> Pixels:
    """Fill what is dark and narrow by a grayscale closing: (H, W) uint8.

    Serra, "Image Analysis and Mathematical Morphology", 1982, chapter XII. A closing keeps every edge that is straight
    over the width of its element, so hard shadows and the edges of tables leave nothing behind. The picture is
    continued beyond its border.
    """
    reach = max(1, round(widest / 2))
    room = cv2.copyMakeBorder(gray, *(reach,) * 4, cv2.BORDER_REPLICATE)  # wider padding would change nothing
    element = np.ones((2 * reach + 1,) * 2, np.uint8)
    return cv2.morphologyEx(room, cv2.MORPH_CLOSE, element)[reach:-reach, reach:-reach]


def contrast(gray: Pixels, widest: float) -> tuple[Floats, Floats]:
    """Fraction of the sheet's brightness by which each pixel is darker than the sheet.

    In the shade ink differs from its sheet by fewer gray levels than in the light, but by the same fraction.

    Args:
        gray: (H, W) uint8, the ink dark.
        widest: the largest width of a stroke in pixels.

    Returns:
        contrast: (H, W) from 0 to 255.
        noise: (H, W), the contrast that noise reaches, at least ``MIN_CONTRAST``.
    """
    ground = brightness(gray, widest)
    usual = float(np.percentile(ground[::4, ::4], 95))
    scale = (255 / np.maximum(np.arange(256), max(MIN_BRIGHTNESS * usual, 1))).astype(np.float32)  # for each brightness
    darker = cv2.GaussianBlur(cv2.subtract(ground, gray) * cv2.LUT(ground, scale), (3, 3), 0)
    return darker, _noise(darker, ground)


def _noise(darker: Floats, ground: Pixels) -> Floats:
    """Level that noise reaches, (H, W): one where the ground is bright, another where it is dark.

    Pixels vary more in the shade and on the table beside the sheet.
    """
    _, is_bright = cv2.threshold(ground, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    some, bright = darker[::SAMPLING_STEP, ::SAMPLING_STEP], is_bright[::SAMPLING_STEP, ::SAMPLING_STEP].astype(bool)
    levels = [_reach(some[part]) if part.any() else 0.0 for part in (~bright, bright)]
    return cv2.LUT(is_bright, np.resize(np.array(levels, np.float32), 256))


def _reach(values: Floats) -> float:
    """Level that hardly any noise exceeds, at least ``MIN_CONTRAST``."""
    level = _median(values)
    return max(MIN_CONTRAST, level + NOISE_FACTOR * 1.4826 * _median(np.abs(values - level)))


def _median(values: Floats) -> float:
    """Middle one of (n,) values, in half of the time that ``np.median`` takes."""
    middle = len(values) // 2
    return float(np.partition(values, middle)[middle])
