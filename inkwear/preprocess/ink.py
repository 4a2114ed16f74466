"""Finding the ink of a picture: what is written or drawn, apart from the sheet it stands on."""

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwear.preprocess import illumination
from inkwear.preprocess.components import MIN_PART, choose_ink, find_marks, stroke_width, without_frame
from inkwear.preprocess.grayscale import to_grayscale
from inkwear.preprocess.notes import Note
from inkwear.preprocess.ruled_lines import erase_ruled_lines
from inkwear.preprocess.scaling import shrink, tight_crop
from inkwear.preprocess.spec import SIZE, Floats, InputSpec, Pixels

WORKING_SIDE = 512
"""Pixels of the longer side to which larger pictures are reduced before anything is measured."""

MIN_CONTRAST = 16
"""Gray levels by which ink stands out from its background at least; less is a blank sheet."""

NOISE_FACTOR = 5
"""Standard deviations of the background's noise by which ink stands out at least."""

FAINT = 0.6
"""Fraction of the noise level from which pixels may belong to a ruled line, parts of which are as weak as noise."""

MAX_STROKE_RATIO = 3
"""Usual stroke widths that ink may be wide; what is wider belongs to the edge of a shadow."""

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
    if spec.even_lighting and not _is_drawn(gray):
        return _photographed(gray)
    return _drawn(gray, spec)


def _photographed(gray: Pixels) -> tuple[Floats, list[Note]]:
    """Find ink on paper or on a board, in any light."""
    notes = [Note("lighting")]
    if illumination.is_darker(gray):
        notes.append(Note("inverted"))
    else:
        gray = 255 - gray
    contrast, noise = illumination.contrast(gray, illumination.MAX_STROKE_WIDTH * max(gray.shape))
    if not (contrast >= noise).any():
        return np.zeros_like(contrast), notes
    notes.append(Note("background"))
    contrast, count = erase_ruled_lines(contrast * (contrast >= FAINT * noise), illumination.MIN_CONTRAST)
    if count:
        notes.append(Note("rulings"))
    written, left_out = _written(contrast * (contrast >= noise))
    if written.any():
        written, also_left_out = _without_shadows(written, gray, noise)
        left_out |= also_left_out
    if left_out:
        notes.append(Note("marks"))
    return _inked(written), notes


def _without_shadows(written: Floats, gray: Pixels, noise: Floats) -> tuple[Floats, bool]:
    """Measure the writing again against a sheet that follows all but its strokes; returns as ``_written`` does."""
    widest = MAX_STROKE_RATIO * stroke_width(_inked(written))
    left, top, width, height = cv2.boundingRect((written > 0).astype(np.uint8))
    room = round(2 * widest) + 2  # the closing reaches as far
    near = np.s_[max(0, top - room) : top + height + room, max(0, left - room) : left + width + room]
    contrast, local_noise = illumination.contrast(gray[near], widest)
    contrast = np.minimum(written[near], contrast)
    found = np.zeros_like(written)
    found[near], left_out = _written(contrast * (contrast >= np.minimum(noise[near], local_noise)))
    return found, left_out


def _written(contrast: Floats) -> tuple[Floats, bool]:
    """Keep marks as large and as strong as writing, (H, W), and say whether there were others."""
    marks = find_marks(contrast)
    chosen = choose_ink(marks)
    written = np.zeros_like(contrast)
    if chosen.any():
        left, top = marks.boxes[chosen, :2].min(axis=0)
        right, bottom = marks.boxes[chosen, 2:].max(axis=0)
        box = np.s_[top:bottom, left:right]
        written[box] = contrast[box] * chosen[marks.labels[box]]
    return written, int(np.count_nonzero(chosen)) < len(chosen) - 1


def _inked(written: Floats) -> Floats:
    """Stretch the contrast of writing, (H, W), so that what is certainly ink becomes 255."""
    left, top, width, height = cv2.boundingRect((written > 0).astype(np.uint8))
    inked = np.zeros_like(written)
    if width:
        box = np.s_[top : top + height, left : left + width]
        ink = written[box]
        level = float(np.percentile(ink[ink > 0], 80))
        # ink is there or not: up to a quarter of the ink's darkness is paper, from three quarters on it is ink
        inked[box] = np.clip((ink / level - 0.25) * 2, 0, 1) * 255
    return inked


def _is_drawn(gray: Pixels) -> bool:
    """Whether a program drew the picture: most of its rim has one gray level, or it is as small as an icon."""
    rim = _rim(gray)
    return max(gray.shape) <= SIZE or int(np.bincount(rim).max()) >= 0.5 * len(rim)


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
    if spec.stroke:  # ink is there or not, as in ``_inked``
        level = float(np.percentile(distance[distance >= threshold], 80))
        part, threshold, core = np.clip((distance / level - 0.25) * 2, 0, 1) * 255, 1, 128
    count, labels = cv2.connectedComponents((part >= threshold).astype(np.uint8))
    sizes = np.bincount(labels[part >= core], minlength=count)  # counting only what is certainly ink
    large = sizes >= MIN_PART * sizes[1:].max(initial=1)
    large[0] = False
    return np.where(large[labels], part, 0)
