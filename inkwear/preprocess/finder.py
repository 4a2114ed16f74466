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
    if np.count_nonzero(inked) < MIN_INK:
        return np.zeros(gray.shape, np.float32), [Note("ink")]
    levels = gray.astype(np.float32)
    near = cv2.dilate(inked.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    reach = 2 * round(PAPER_REACH * max(gray.shape)) + 1
    difference = levels - _local_mean(levels, ~near, reach)
    usual = float(np.median(difference[inked]))
    darker = usual < 0
    usual = max(abs(usual), MIN_CONTRAST)
    difference = -difference if darker else difference
    level = np.maximum(_local_mean(difference, inked, reach), FAINTEST * usual)
    ink = np.clip((difference / level - 0.25) * 2, 0, 1) * 255
    return np.where(near, ink, 0).astype(np.float32), [Note("ink"), *([Note("inverted")] if darker else [])]


def _inked(gray: Pixels) -> NDArray[np.bool_]:
    """Return where ink is: (H, W).

    The long straight strokes of a large digit look like printed lines to the network, and less so at half of the size.
    So what it sees there completes the ink that it sees at full size.
    """
    inked = logits(gray) > SURE
    half = shrink(gray, HALF_SIDE)
    if half.shape == gray.shape:
        return inked
    coarse = cv2.resize(logits(half), gray.shape[::-1], interpolation=cv2.INTER_LINEAR) > SURE
    count, labels = cv2.connectedComponents(coarse.view(np.uint8))
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
