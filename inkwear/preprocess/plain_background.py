"""Cutting a garment out of a plain background: what differs from it in color, except shadows and hangers."""

from dataclasses import dataclass

import cv2
import numpy as np

from inkwear.preprocess.masks import Mask, border, holes, without_small_parts
from inkwear.preprocess.scaling import shrink
from inkwear.preprocess.spec import Floats, Pixels

FIRST_SIDE, SIDE = 96, 192
"""Pixels of the longer side at which a garment is located, and at which it is then cut out."""

MARGIN = 0.15
"""Margin left around a located garment, as a fraction of its length; it shows the background."""

PLAIN_SHARE, PLAIN_LEVELS = 0.9, 6
"""Share of the border that lies within so many Lab levels of a smooth surface where a background is plain."""

QUADRATIC = ((0, 0), (0, 1), (1, 0), (0, 2), (1, 1), (2, 0))
"""Powers of a pixel's row and column in the polynomial that a background's color follows."""

MIN_DIFFERENCE = 9
"""Lab levels by which a garment differs from a plain background; Fashion-MNIST's makers took 5 %, or 13."""

LIGHTNESS_WEIGHT = 0.7
"""Weight of a difference in lightness against one in color, as shadows differ in lightness alone."""

MIN_CLOTH_DIFFERENCE = 3
"""Lab levels from the background's mean color from which a hole in the mask is cloth."""

DARKEST_SHADOW, MAX_SHADOW_COLOR = 0.5, 12
"""Share of the lightness that a shadow leaves at least, and Lab levels by which it changes color at most."""

FAINT_SHARE, FAINT_LEVELS = 0.3, 30
"""Share of the garment's median difference, and Lab levels, below which a pixel may be shadow."""

MIN_SOFT_OUTLINE = 0.2
"""Share of the outline that rises softly where there is a shadow.

Most simulated shadows reach it; of garments without one, 5 % reach 0.08.
"""

MAX_WIRE_WIDTH, MAX_HOOK_OFFSET = 1.2, 0.3
"""Width of a hanger's hook, in 28ths of the garment's length, and its distance from the middle, in garment widths."""


@dataclass(frozen=True)
class Setting:
    """A picture and a model of its background.

    Attributes:
        lab: (H, W, 3) float32, the picture in OpenCV's 8-bit Lab, without specks.
        background: (H, W, 3) float32, a smooth surface through the colors of the border.
        difference: (H, W) Lab levels between both, less what the border's own noise explains.
        share: share of the border that lies near the surface.
    """

    lab: Floats
    background: Floats
    difference: Floats
    share: float


def before_plain(colors: Pixels) -> tuple[Pixels, Mask] | None:
    """Locate the garment in a picture, then cut it out of a closer crop; None where the background is not plain.

    Args:
        colors: (H, W, 3) uint8.

    Returns:
        near: (h, w, 3), the crop with the garment, its longer side at most ``SIDE`` pixels.
        mask: (h, w), the garment in the crop.
    """
    setting = _surveyed(shrink(colors, FIRST_SIDE))
    if setting.share < PLAIN_SHARE:
        return None
    near = shrink(_around(colors, _standing_out(setting)), SIDE)
    setting = _surveyed(near)
    mask = _without_shadow(_standing_out(setting), setting)
    mask = without_small_parts(_without_false_holes(mask, setting), min_share=0.03)
    return near, _without_hook(mask)


def _surveyed(colors: Pixels) -> Setting:
    """Fit a quadratic surface to the colors of the border, and measure every pixel's distance from it."""
    lab = cv2.cvtColor(cv2.medianBlur(colors, 3), cv2.COLOR_RGB2LAB).astype(np.float32)
    along = [np.linspace(-1, 1, side)[:, None] ** (0, 1, 2) for side in lab.shape[:2]]  # (H, 3) and (W, 3)
    edge = np.nonzero(border(lab.shape[:2], 0.05))
    values, known = lab[edge], np.stack([along[0][edge[0], i] * along[1][edge[1], j] for i, j in QUADRATIC], axis=1)
    kept = np.ones(len(values), bool)
    for _ in range(4):
        used = known[kept]
        surface = np.linalg.solve(used.T @ used + 1e-6 * np.eye(len(QUADRATIC)), used.T @ values[kept])
        distance = np.max(np.abs(values - known @ surface).T.copy(), axis=0)
        kept = distance <= 3 * np.median(distance[kept]) + 2
    noise = 1.4826 * float(np.median(distance))  # a standard deviation, from the median
    factors = np.zeros((3, 3, 3))
    for (i, j), coefficients in zip(QUADRATIC, surface, strict=True):
        factors[:, i, j] = coefficients
    background = cv2.merge(list((along[0] @ factors @ along[1].T).astype(np.float32)))
    weighed = cv2.multiply(lab - background, (LIGHTNESS_WEIGHT, 1.0, 1.0, 1.0))
    difference = _length(weighed) - max(0.0, 3 * noise - MIN_DIFFERENCE)
    return Setting(lab, background, difference, float((distance < PLAIN_LEVELS).mean()))


def _length(vectors: Floats) -> Floats:
    """Euclidean length of each pixel's vector: (H, W, 3) -> (H, W)."""
    return np.sqrt(np.einsum("hwi,hwi->hw", vectors, vectors))


def _standing_out(setting: Setting) -> Mask:
    """Mask of what differs from the background, without specks."""
    return without_small_parts(setting.difference > MIN_DIFFERENCE, min_share=0.03)


def _around(picture: Pixels, mask: Mask) -> Pixels:
    """Crop a picture, with a margin, to what a smaller copy of it shows; all of it where that shows nothing."""
    found = [np.flatnonzero(mask.any(axis=1 - axis)) for axis in (0, 1)]
    if not mask.any():
        return picture
    margin = MARGIN * max(where[-1] - where[0] for where in found) + 2
    cut = []
    for where, side, small in zip(
        found, picture.shape, mask.shape, strict=False
    ):  # strict=False: a picture has channels, too
        first, last = (where[0] - margin) * side / small, (where[-1] + 1 + margin) * side / small
        cut.append(slice(max(0, int(first)), int(np.ceil(last))))
    return np.ascontiguousarray(picture[tuple(cut)])


def _without_shadow(mask: Mask, setting: Setting) -> Mask:
    """Remove the garment's own shadow where the outline is as soft as a shadow's.

    A shadow darkens the background smoothly and keeps its color. A light part of a garment does so, too, but has a
    sharp edge. A sharp outline has at most a faint rim of shadow; a watershed assigns that rim to the side of the
    strongest edge.
    """
    if not mask.any():
        return mask
    faint = mask & _may_be_shadow(mask, setting)
    inside = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    near_outline = (inside > 2) & (inside <= 4)  # in pixels; the blur of the outline itself ends before
    if faint[near_outline].sum() >= MIN_SOFT_OUTLINE * max(1, near_outline.sum()):
        return mask & ~faint
    sides = np.where(mask, 2, 1).astype(np.int32)
    sides[faint] = 0
    cv2.watershed(np.rint(setting.lab).astype(np.uint8), sides)
    return mask & ~(faint & (sides == 1))


def _may_be_shadow(mask: Mask, setting: Setting) -> Mask:
    """Mask of pixels that are the background darkened no more than by a shadow, and faint beside the garment."""
    lab, background = setting.lab, setting.background
    left = lab[..., :1] / np.maximum(background[..., :1], 1)
    recolored = np.abs(lab[..., 1:] - 128 - (background[..., 1:] - 128) * left)  # 128 is gray in 8-bit Lab
    darkened = (left[..., 0] > DARKEST_SHADOW) & (left[..., 0] < 1.02)
    change = _length(lab - background)
    level = min(FAINT_LEVELS, FAINT_SHARE * float(np.median(change[mask])))
    return darkened & (change < level) & (recolored[..., 0] < MAX_SHADOW_COLOR) & (recolored[..., 1] < MAX_SHADOW_COLOR)


def _without_false_holes(mask: Mask, setting: Setting) -> Mask:
    """Close holes that do not show the background, which parts of a garment as light as the background leave."""
    count, numbers = holes(mask)
    if not count:
        return mask
    offset = setting.lab - setting.background
    areas = np.bincount(numbers.ravel(), minlength=count + 1)
    sums = [np.bincount(numbers.ravel(), offset[..., channel].ravel(), count + 1) for channel in range(3)]
    unlike = np.linalg.norm(np.array(sums) / np.maximum(areas, 1), axis=0) > MIN_CLOTH_DIFFERENCE
    closed = unlike | (areas < 8)  # in pixels; so small a hole vanishes in 28×28
    closed[0] = False
    return mask | closed[numbers]


def _without_hook(mask: Mask) -> Mask:
    """Drop a hanger's hook: what stands out above the middle of the garment as thin as wire.

    It would vanish in 28×28, but would make the garment's bounding box higher first.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    size = round(MAX_WIRE_WIDTH * max(len(rows), len(columns)) / 28)
    if size < 2:
        return mask
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    cloth = without_small_parts(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc) > 0, min_share=0.03)
    shoulder = int(np.argmax(cloth.any(axis=1)))
    across = np.flatnonzero(mask[:shoulder].any(axis=0))
    if shoulder - rows[0] < size or max(abs(across[[0, -1]] - (columns[0] + columns[-1]) / 2)) > MAX_HOOK_OFFSET * len(
        columns
    ):
        return mask
    return mask & (np.arange(len(mask)) >= shoulder)[:, None]
