"""Finds ink in a picture of any kind with a small network, which has learned what paper, print and shadows look like.

The network (``models.ink_finder``, trained by ``training.train_ink_finder``) says where ink is; how dark it is there
is measured in the picture, against the paper around it.
"""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwear.onnx.session import Runtime, open_session
from inkwear.preprocess.components import MIN_PART
from inkwear.preprocess.notes import Note
from inkwear.preprocess.scaling import shrink
from inkwear.preprocess.spec import Floats, Pixels

FILE = Path(__file__).with_name("finder.onnx")
"""The network; it belongs to the library, so that every model is given the same ink."""

KIND = "ink finder"
"""The value of ``kind`` in its metadata."""

STRIDE = 16
"""The network's pictures have sides that are multiples of it."""

MAX_SIDE, MIN_SIDE = 384, 160
"""Pixels of the longer side to which larger pictures are reduced, and smaller ones enlarged."""

HALF_SIDE = MAX_SIDE // 2
"""Pixels of the longer side for a second look."""

LARGE = 64
"""Pixels of the longer side of large ink; where there is no smaller one, a look at half of the size is enough."""

FLOOR = 8.0
"""Gray levels of deviation that are added, so that a blank sheet is not turned into noise."""

SURE = 0.0
"""Logit from which a pixel is ink."""

MIN_INK = 8
"""Pixels of ink in a picture where there is any; fewer are grain."""

PAPER_REACH = 1 / 8
"""Part of the longer side over which the level of the paper, and that of the ink, is averaged."""

MIN_CONTRAST = 6
"""Gray levels by which ink differs from paper at least."""

MAX_SPECK, SPECK_DISTANCE, SPECK_INK = 8, 0.5, 128
"""Pixels of a speck's longer side, and its distance from all larger ink, in sizes of the largest, from which on it is
left out: a dot belongs to a digit that is nearer; and the level of its ink from which on that is told."""

FAINTEST = 0.4
"""Fraction of a picture's usual contrast from which on faint ink is raised to full."""


def standardized(gray: Pixels) -> Floats:
    """Shift and scale gray levels to mean 0 and deviation 1, or less for a picture of hardly any contrast."""
    levels = gray.astype(np.float32)
    return (levels - levels.mean()) / (levels.std() + np.float32(FLOOR))


def find(gray: Pixels) -> tuple[Floats, list[Note]]:
    """Find ink on any ground, of either polarity.

    Args:
        gray: (H, W).

    Returns:
        foreground: (h, w) float32 from 0, where there is no ink, to 255; at most ``MAX_SIDE`` on a side.
        notes: what was done.
    """
    gray = _resized(gray)
    inked = _inked(gray)
    foreground = np.zeros(gray.shape, np.float32)
    if np.count_nonzero(inked) < MIN_INK:
        return foreground, [Note("ink")]
    reach = round(PAPER_REACH * max(gray.shape))
    left, top, width, height = cv2.boundingRect(inked.view(np.uint8))
    box = np.s_[max(0, top - reach) : top + height + reach, max(0, left - reach) : left + width + reach]
    ink, darker = _strength(gray[box], inked[box], reach)
    foreground[box], specks = _without_specks(ink)
    notes = [Note("ink"), *([Note("inverted")] if darker else [])]
    return foreground, [*notes, *([Note("specks", {"count": specks})] if specks else [])]


def _strength(gray: Pixels, inked: NDArray[np.bool_], reach: int) -> tuple[Floats, bool]:
    """Measure how strong ink is, (H, W) from 0 to 255, against the paper within ``reach``, and if it is darker."""
    levels = gray.astype(np.float32)
    near = cv2.dilate(inked.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    side = 2 * reach + 1
    difference = levels - _local_mean(levels, ~near, side)
    usual = float(np.median(difference[inked]))
    darker = usual < 0
    usual = max(abs(usual), MIN_CONTRAST)
    difference = -difference if darker else difference
    level = np.maximum(_local_mean(difference, inked, side), FAINTEST * usual)
    strength = np.clip((difference / level - 0.25) * 2, 0, 1) * 255
    return np.where(near, strength, 0).astype(np.float32), darker


def _without_specks(ink: Floats) -> tuple[Floats, int]:
    """Leave out specks far from all else, which would shift a digit in its frame, and count those of full ink."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((ink > 0).view(np.uint8))
    sizes = stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(axis=1)
    weights = np.bincount(labels.ravel(), ink.ravel())
    is_small = (sizes <= MAX_SPECK) & (weights < MIN_PART * weights.max())
    if not is_small.any():
        return ink, 0
    large = ~is_small
    large[0] = False
    away = cv2.distanceTransform((~large[labels]).view(np.uint8), cv2.DIST_L2, 5)
    nearest = np.full(len(stats), np.inf)
    np.minimum.at(nearest, labels.ravel(), away.ravel())
    is_speck = is_small & (nearest > SPECK_DISTANCE * sizes[large].max())
    counted = is_speck & (np.bincount(labels.ravel(), ink.ravel() >= SPECK_INK) > 0)
    return np.where(is_speck[labels], 0, ink), int(counted.sum())


def _inked(gray: Pixels) -> NDArray[np.bool_]:
    """Return where ink is: (H, W).

    The long straight strokes of a large digit look like printed lines to the network, and less so at half of the size.
    So what it sees there completes the ink that it sees at full size; where all ink is large, it is enough.
    """
    half = shrink(gray, HALF_SIDE)
    if half.shape == gray.shape:
        return logits(gray) > SURE
    coarse = cv2.resize(logits(half), gray.shape[::-1], interpolation=cv2.INTER_LINEAR) > SURE
    count, labels, stats, _ = cv2.connectedComponentsWithStats(coarse.view(np.uint8))
    if count > 1 and (stats[1:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(axis=1) >= LARGE).all():
        return coarse
    inked = logits(gray) > SURE
    is_ink = np.zeros(count, bool)
    is_ink[labels[inked]] = True
    is_ink[0] = False
    return inked | is_ink[labels]


def logits(gray: Pixels) -> Floats:
    """Run the network: (H, W) -> (H, W) logits of ink."""
    height, width = gray.shape
    room = cv2.copyMakeBorder(gray, 0, -height % STRIDE, 0, -width % STRIDE, cv2.BORDER_REPLICATE)
    return _runtime().run("logits", {"pictures": standardized(room)[None, None]})[0, 0, :height, :width]


@cache
def _runtime() -> Runtime:
    return open_session(FILE, "cpu", FILE.read_bytes())


def _resized(gray: Pixels) -> Pixels:
    longer = max(gray.shape)
    if longer >= MIN_SIDE:
        return shrink(gray, MAX_SIDE)
    width, height = (max(1, round(side * MIN_SIDE / longer)) for side in gray.shape[::-1])
    return cv2.resize(gray, (width, height), interpolation=cv2.INTER_CUBIC)


def _local_mean(values: Floats, where: np.ndarray, reach: int) -> Floats:
    """Average values, (H, W), over the pixels of a neighborhood that are set in a mask; over all where none is."""
    weights = where.astype(np.float32)
    side = (reach, reach)
    share = cv2.blur(weights, side, borderType=cv2.BORDER_CONSTANT)
    total = cv2.blur(weights * values, side, borderType=cv2.BORDER_CONSTANT)
    overall = float(values[where].mean()) if where.any() else float(values.mean())
    return np.where(share > 1e-4, total / np.maximum(share, 1e-6), overall)
