"""A garment before a plain background, as a shop's: what differs from it in colour, but for shadow and hanger."""

from dataclasses import dataclass

import cv2
import numpy as np

from inkwear.preprocess.masks import Mask, border, holes, without_small_parts
from inkwear.preprocess.scaling import shrink
from inkwear.preprocess.spec import Floats, Pixels

FIRST_SIDE, SIDE = 96, 192
"""Pixels on the longer side of the picture in which a garment is sought, and of the part in which it is cut out."""

ROOM = 0.15
"""How much is left around what the first look found, in lengths of it: enough to know the background by."""

PLAIN_SHARE, PLAIN_LEVELS = 0.9, 6
"""A background is plain when this share of the border is this near, in Lab levels, to a smooth change of one colour."""

QUADRATIC = ((0, 0), (0, 1), (1, 0), (0, 2), (1, 1), (2, 0))
"""Powers of a pixel's height and of its place along the row that a smooth change of colour is made of."""

LEAST_DIFFERENCE = 9
"""Lab levels by which a garment must differ from a plain background; Fashion-MNIST's makers took 5 %, or 13."""

LIGHTNESS_WEIGHT = 0.7
"""What a difference in lightness counts against one in colour: shadows differ in lightness alone."""

HOLE = 3
"""Lab levels from which a hole's mean colour is cloth: a hole that shows the background is nearer to it than that."""

DARKEST_SHADOW, SHADOW_COLOUR = 0.5, 12
"""A shadow leaves this share of the lightness at least, and changes colour by fewer Lab levels than this."""

FAINT_SHARE, FAINT_LEVELS = 0.3, 30
"""Only what differs by less than this share of the garment's median, and less than so many levels, may be shadow."""

SHADOWED = 0.2
"""A shadow lies where this share of the outline rises softly: of most simulated ones; 5 % without one reach 0.08."""

WIRE, HOOK = 1.2, 0.3
"""A hook is thinner than so many pixels of 28 on the garment's length, and this near to its middle, in widths of it."""


@dataclass(frozen=True)
class Setting:
    """A picture and what its background would look like alone.

    Attributes:
        lab: (H, W, 3) float32, OpenCV's 8-bit Lab, without specks.
        background: the same of the background, as a smooth surface.
        difference: (H, W) Lab levels, less what the border's own noise explains.
        share: of the border that is near to the surface.
    """

    lab: Floats
    background: Floats
    difference: Floats
    share: float


def before_plain(colours: Pixels) -> tuple[Pixels, Mask] | None:
    """Look for the garment in all of a picture, then again from near; None before a background that is not plain.

    Args:
        colours: (H, W, 3) uint8.

    Returns:
        near: (h, w, 3), the part of the picture with the garment in it, its longer side at most ``SIDE`` pixels.
        mask: (h, w), the garment.
    """
    setting = _surveyed(shrink(colours, FIRST_SIDE))
    if setting.share < PLAIN_SHARE:
        return None
    near = shrink(_around(colours, _standing_out(setting)), SIDE)
    setting = _surveyed(near)
    mask = _without_shadow(_standing_out(setting), setting)
    mask = without_small_parts(_without_false_holes(mask, setting), least=0.03)
    return near, _without_hook(mask)


def _surveyed(colours: Pixels) -> Setting:
    """Fit the background's colour by a quadratic surface over the border, and take every pixel's distance from it."""
    lab = cv2.cvtColor(cv2.medianBlur(colours, 3), cv2.COLOR_RGB2LAB).astype(np.float32)
    along = [np.linspace(-1, 1, side)[:, None] ** (0, 1, 2) for side in lab.shape[:2]]  # (H, 3) and (W, 3)
    edge = np.nonzero(border(lab.shape[:2], 0.05))
    values, known = lab[edge], np.stack([along[0][edge[0], i] * along[1][edge[1], j] for i, j in QUADRATIC], axis=1)
    kept = np.ones(len(values), bool)
    for _ in range(4):
        used = known[kept]
        surface = np.linalg.solve(used.T @ used + 1e-6 * np.eye(len(QUADRATIC)), used.T @ values[kept])
        distance = np.max(np.abs(values - known @ surface).T.copy(), axis=0)
        kept = distance <= 3 * np.median(distance[kept]) + 2
    noise = 1.4826 * float(np.median(distance))  # a standard deviation, from what half of the border stays below
    factors = np.zeros((3, 3, 3))
    for (i, j), coefficients in zip(QUADRATIC, surface, strict=True):
        factors[:, i, j] = coefficients
    background = cv2.merge(list((along[0] @ factors @ along[1].T).astype(np.float32)))
    weighed = cv2.multiply(lab - background, (LIGHTNESS_WEIGHT, 1.0, 1.0, 1.0))
    difference = _length(weighed) - max(0.0, 3 * noise - LEAST_DIFFERENCE)
    return Setting(lab, background, difference, float((distance < PLAIN_LEVELS).mean()))


def _length(vectors: Floats) -> Floats:
    """(H, W, 3) -> (H, W)."""
    return np.sqrt(np.einsum("hwi,hwi->hw", vectors, vectors))


def _standing_out(setting: Setting) -> Mask:
    """What differs from the background, without specks."""
    return without_small_parts(setting.difference > LEAST_DIFFERENCE, least=0.03)


def _around(picture: Pixels, mask: Mask) -> Pixels:
    """Cut a picture to what was found in a smaller copy of it, with room around: a small garment gets as many pixels.

    Where nothing was found the picture comes back whole.
    """
    found = [np.flatnonzero(mask.any(axis=1 - axis)) for axis in (0, 1)]
    if not mask.any():
        return picture
    room = ROOM * max(where[-1] - where[0] for where in found) + 2
    cut = []
    for where, side, small in zip(found, picture.shape, mask.shape, strict=False):  # a picture has channels too
        first, last = (where[0] - room) * side / small, (where[-1] + 1 + room) * side / small
        cut.append(slice(max(0, int(first)), int(np.ceil(last))))
    return np.ascontiguousarray(picture[tuple(cut)])


def _without_shadow(mask: Mask, setting: Setting) -> Mask:
    """Take off what may be the garment's own shadow, where its outline is as soft as a shadow's.

    A shadow darkens the background smoothly and keeps its colour. A light part of a garment does so too, but has a
    sharp edge. Where the outline is sharp, so that there is hardly a shadow, only a faint rim is at stake: a watershed
    leaves it on the side of the strongest edge.
    """
    if not mask.any():
        return mask
    faint = mask & _may_be_shadow(mask, setting)
    inside = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    near_outline = (inside > 2) & (inside <= 4)  # pixels; an outline's own blur ends before
    if faint[near_outline].sum() >= SHADOWED * max(1, near_outline.sum()):
        return mask & ~faint
    sides = np.where(mask, 2, 1).astype(np.int32)
    sides[faint] = 0
    cv2.watershed(np.rint(setting.lab).astype(np.uint8), sides)
    return mask & ~(faint & (sides == 1))


def _may_be_shadow(mask: Mask, setting: Setting) -> Mask:
    """Where a pixel is the background darkened by no more than a shadow darkens, and faint beside the garment."""
    lab, background = setting.lab, setting.background
    left = lab[..., :1] / np.maximum(background[..., :1], 1)
    recoloured = np.abs(lab[..., 1:] - 128 - (background[..., 1:] - 128) * left)  # 128 is gray in 8-bit Lab
    darkened = (left[..., 0] > DARKEST_SHADOW) & (left[..., 0] < 1.02)
    change = _length(lab - background)
    level = min(FAINT_LEVELS, FAINT_SHARE * float(np.median(change[mask])))
    return darkened & (change < level) & (recoloured[..., 0] < SHADOW_COLOUR) & (recoloured[..., 1] < SHADOW_COLOUR)


def _without_false_holes(mask: Mask, setting: Setting) -> Mask:
    """Close holes that do not show the background, in parts of a garment as light as it, but not those in straps."""
    count, numbers = holes(mask)
    if not count:
        return mask
    offset = setting.lab - setting.background
    areas = np.bincount(numbers.ravel(), minlength=count + 1)
    sums = [np.bincount(numbers.ravel(), offset[..., channel].ravel(), count + 1) for channel in range(3)]
    unlike = np.linalg.norm(np.array(sums) / np.maximum(areas, 1), axis=0) > HOLE
    closed = unlike | (areas < 8)  # pixels: as small a hole vanishes in 28×28
    closed[0] = False
    return mask | closed[numbers]


def _without_hook(mask: Mask) -> Mask:
    """Drop what stands out above the garment as thin as wire, near its middle: a hanger's hook.

    It would vanish in 28×28, but not before it had made the garment's box higher.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    size = round(WIRE * max(len(rows), len(columns)) / 28)
    if size < 2:
        return mask
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    cloth = without_small_parts(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc) > 0, least=0.03)
    shoulder = int(np.argmax(cloth.any(axis=1)))
    across = np.flatnonzero(mask[:shoulder].any(axis=0))
    if shoulder - rows[0] < size or max(abs(across[[0, -1]] - (columns[0] + columns[-1]) / 2)) > HOOK * len(columns):
        return mask
    return mask & (np.arange(len(mask)) >= shoulder)[:, None]
