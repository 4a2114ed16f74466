"""Finding the ink of a picture: what is written or drawn, apart from the sheet it stands on."""

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwear.preprocess import finder
from inkwear.preprocess.components import FRAME_DEPTH, MIN_PART, without_frame
from inkwear.preprocess.grayscale import to_grayscale
from inkwear.preprocess.notes import Note
from inkwear.preprocess.scaling import shrink, tight_crop
from inkwear.preprocess.spec import SIZE, Floats, InputSpec, Pixels

WORKING_SIDE = 512
"""Pixels of the longer side to which larger pictures are reduced before anything is measured."""

MIN_CONTRAST = 16
"""Gray levels by which ink stands out from its background at least; less is a blank sheet."""

NOISE_FACTOR = 5
"""Standard deviations of the background's noise by which ink stands out at least."""

EVEN_RIM = 0.5
"""Share of a picture's rim that has one gray level if a program drew it."""

RULED_SHARE = 0.85
"""Share of a row or a column that is not of the rim's gray level where a line crosses the picture."""

MOUNTED_SHARE = 0.6
"""Share of its box that a picture with even margins fills at least; writing fills less."""

MOUNT_EDGE = 0.006
"""Width of the edge between such a picture and its margins, as a fraction of the whole's longer side."""

HALO = 0.1
"""Fraction of the ink's level below which JPEG leaves its ringing around edges; it is set to zero."""

RING = 0.08
"""Width of a picture's rim as a fraction of its shorter side: mostly background, and wider than any frame."""


def find_ink(picture: Pixels, spec: InputSpec) -> tuple[Floats, list[Note]]:
    """Separate what is written from its background.

    Args:
        picture: (H, W) or (H, W, 3) uint8, either polarity.
        spec: how the data set frames.

    Returns:
        foreground: (h, w) float32, at most as large as the picture, from 0 for background to 255.
        notes: what was done.
    """
    gray = to_grayscale(shrink(picture, WORKING_SIDE))
    if not spec.even_lighting or max(gray.shape) <= SIZE:
        return _drawn(gray, spec)
    counts = np.bincount(_rim(gray))
    rim = int(counts.argmax())
    if counts[rim] < EVEN_RIM * counts.sum():
        return finder.find(gray)
    differs = cv2.absdiff(gray, np.full_like(gray, rim)) >= MIN_CONTRAST
    if (box := _mounted(gray, differs)) is not None:
        return _within_margins(gray, box)
    return finder.find(gray) if _is_ruled(differs) else _drawn(gray, spec)


def _within_margins(gray: Pixels, box: tuple[slice, slice]) -> tuple[Floats, list[Note]]:
    """Find ink in a picture that stands in the box of a larger one."""
    inner = gray[box]
    found, notes = finder.find(inner)
    foreground = np.zeros(gray.shape, np.float32)
    foreground[box] = cv2.resize(found, inner.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return foreground, [Note("margins"), *notes]


def _is_ruled(differs: NDArray[np.bool_]) -> bool:
    """Whether lines cross a picture, as in a form on a screen: one from side to side, or two from top to bottom.

    A frame along the edges does not count, and neither does a tall 1.
    """
    height, width = differs.shape
    across, down = (np.flatnonzero(differs.mean(axis=axis) >= RULED_SHARE) for axis in (1, 0))
    across = across[(across > FRAME_DEPTH * height) & (across < (1 - FRAME_DEPTH) * height)]
    down = down[(down > FRAME_DEPTH * width) & (down < (1 - FRAME_DEPTH) * width)]
    return bool(len(across)) or bool((np.diff(down) > FRAME_DEPTH * width).any())


def _mounted(gray: Pixels, differs: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """Find the picture within even margins, from which it ``differs``; None if it is a drawing on an even ground.

    What differs from the margins fills its box, as only a thick 1 does, which is of one level and has nothing in
    it. The edge of the box, where both are mixed, is left out.
    """
    left, top, width, height = cv2.boundingRect(differs.view(np.uint8))
    inside = differs[top : top + height, left : left + width]
    filled = int(np.count_nonzero(inside))
    if not width or filled < MOUNTED_SHARE * inside.size:
        return None
    rim = round(MOUNT_EDGE * max(gray.shape)) if min(width, height) > SIZE else 0
    box = slice(top + rim, top + height - rim), slice(left + rim, left + width - rim)
    within = gray[top : top + height, left : left + width]
    levels = np.bincount(within[inside])
    if levels.max() < 0.5 * filled:
        return box
    near = max(1, round(0.04 * min(width, height)))
    ends = slice(None, near), slice(-near, None)
    corners = all(inside[rows, columns].any() for rows in ends for columns in ends)
    other = cv2.absdiff(within, np.full_like(within, levels.argmax())) >= MIN_CONTRAST
    _, _, stats, _ = cv2.connectedComponentsWithStats(other.view(np.uint8), connectivity=4)
    ends_within = stats[1:, :2] + stats[1:, 2:4] < (width, height)
    holds_something = bool(((stats[1:, :2] > 0) & ends_within).all(axis=1).any())
    return box if corners and holds_something else None


def _rim(gray: Pixels) -> Pixels:
    """Sample of the pixels of a wide rim."""
    width = max(1, round(RING * min(gray.shape)))
    return np.concatenate(
        [gray[:width:2].ravel(), gray[-width::2].ravel(), gray[:, :width:2].ravel(), gray[:, -width::2].ravel()]
    )


def _drawn(gray: Pixels, spec: InputSpec) -> tuple[Floats, list[Note]]:
    """Find ink that a program drew on an even background, or that is framed already."""
    notes = []
    background = float(np.median(_border(gray) if max(gray.shape) <= SIZE else _rim(gray)))
    darker = _object_is_darker(gray, background)
    if darker:
        notes.append(Note("inverted"))
    distance = _distance(gray, background, darker)
    if max(gray.shape) > SIZE:
        distance, framed = without_frame(distance, MIN_CONTRAST)
        notes += [Note("frame")] if framed else []
    noise_level, noise = _noise(distance)
    distance = distance.clip(0, 255)
    threshold = max(MIN_CONTRAST, noise_level + NOISE_FACTOR * noise)
    if cv2.blur(distance, (3, 3)).max() < threshold:
        return np.zeros_like(distance), notes
    is_small = max(gray.shape) <= SIZE
    if noise == 0 and is_small and max(tight_crop(distance).shape) <= spec.box:
        return distance, notes  # it may be framed already, and must come back unchanged
    if noise > 0 or is_small:
        notes.append(Note("background"))
    if noise > 0 or not is_small:
        return _without_noise_in_box(distance, threshold, spec), notes
    return np.where(distance >= HALO * distance.max(), distance, 0), notes


def _border(gray: NDArray) -> NDArray:
    """Pixels of a frame 3 % wide along the edges, which the object hardly ever touches."""
    width = max(1, round(0.03 * min(gray.shape)))
    top, bottom, left, right = gray[:width], gray[-width:], gray[width:-width, :width], gray[width:-width, -width:]
    return np.concatenate([part.ravel() for part in (top, bottom, left, right)])


def _object_is_darker(gray: Pixels, background: float) -> bool:
    """Whether the pixels that differ from the background are darker, weighted by how much they differ."""
    difference = np.arange(256) - background
    total = difference * cv2.calcHist([np.ascontiguousarray(gray)], [0], None, [256], [0, 256]).ravel()
    return float(-total[difference < 0].sum()) > float(total[difference > 0].sum())


def _distance(gray: Pixels, background: float, darker: bool) -> Floats:
    """Distance of each pixel from the background towards the object's side, negative on the other side.

    255 is as far as gray can be from that background.
    """
    levels = np.arange(256)
    values, ground = (255 - levels, 255 - background) if darker else (levels, background)
    room = max(255 - ground, 1)
    return cv2.LUT(np.ascontiguousarray(gray), ((values - ground) * (255 / room)).astype(np.float32))


def _noise(distance: Floats) -> tuple[float, float]:
    """Level of the background's remainder and standard deviation of its noise, estimated on the border.

    The noise is measured between neighbors (median |x - y| is 0.6745·√2 deviations), so that a shadow is not noise.
    """
    border = _border(distance)
    return float(np.median(border)), float(np.median(np.abs(np.diff(border))) / (0.6745 * np.sqrt(2)))


def _without_noise_in_box(distance: Floats, threshold: float, spec: InputSpec) -> Floats:
    """Remove noise as ``_without_noise`` does, within the box of what stands out."""
    left, top, width, height = cv2.boundingRect((distance >= min(threshold, MIN_CONTRAST)).astype(np.uint8))
    box = np.s_[max(top - 1, 0) : top + height + 1, max(left - 1, 0) : left + width + 1]
    found = np.zeros_like(distance)
    found[box] = _without_noise(distance[box], threshold, spec)
    return found


def _without_noise(distance: Floats, threshold: float, spec: InputSpec) -> Floats:
    """Set noise and detached specks to exactly 0."""
    part, core = distance, threshold
    if spec.stroke:  # ink is there or not, as the finder has it
        level = float(np.percentile(distance[distance >= threshold], 80))
        part, threshold, core = np.clip((distance / level - 0.25) * 2, 0, 1) * 255, 1, 128
    count, labels = cv2.connectedComponents((part >= threshold).astype(np.uint8))
    sizes = np.bincount(labels[part >= core], minlength=count)  # counting only what is certainly ink
    large = sizes >= MIN_PART * sizes[1:].max(initial=1)
    large[0] = False
    return np.where(large[labels], part, 0)
