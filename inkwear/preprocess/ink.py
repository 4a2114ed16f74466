"""The ink of a picture: what is written or drawn, apart from the sheet it stands on."""

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwear.preprocess import illumination as sheet
from inkwear.preprocess.components import SPECK, choose_ink, find_marks, stroke_width, without_frame
from inkwear.preprocess.grayscale import to_grayscale
from inkwear.preprocess.notes import Note
from inkwear.preprocess.ruled_lines import erase_rulings
from inkwear.preprocess.scaling import shrink, tight_crop
from inkwear.preprocess.spec import SIZE, Floats, InputSpec, Pixels

WORKING_SIDE = 512
"""Pictures are brought to at most this many pixels on their longer side before anything is measured."""

LEAST_CONTRAST = 16
"""Gray levels by which something must stand out from its background to be more than a blank sheet."""

NOISE_FACTOR = 5
"""The same in standard deviations of the background's noise."""

FAINT = 0.6
"""Of what noise reaches: a line is seen along its whole length, though parts of it are no stronger than noise."""

WIDER = 3
"""Ink is nowhere wider than so many times its usual stroke; what is, lies in a shadow's edge."""

HALO = 0.1
"""What JPEG leaves around edges is fainter than this fraction of the ink; it is cut where it overflows the box."""

RING = 0.08
"""Width of the picture's rim as a fraction of its shorter side: mostly background, and wider than any frame."""


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
    if spec.even_lighting and not _is_drawn(gray):
        return _photographed(gray)
    return _drawn(gray, spec)


def _photographed(gray: Pixels) -> tuple[Floats, list[Note]]:
    """Find ink on paper or a board in any light."""
    notes = [Note("lighting")]
    if sheet.is_darker(gray):
        notes.append(Note("inverted"))
    else:
        gray = 255 - gray
    contrast, noise = sheet.contrast(gray, sheet.WIDEST_STROKE * max(gray.shape))
    if not (contrast >= noise).any():
        return np.zeros_like(contrast), notes
    notes.append(Note("background"))
    contrast, count = erase_rulings(contrast * (contrast >= FAINT * noise), sheet.LEAST_CONTRAST)
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
    """Look again at what was found, with a sheet that follows all but its strokes: returns as ``_written`` does."""
    widest = WIDER * stroke_width(_inked(written))
    left, top, width, height = cv2.boundingRect((written > 0).astype(np.uint8))
    room = round(2 * widest) + 2  # as far as the closing reaches
    near = np.s_[max(0, top - room) : top + height + room, max(0, left - room) : left + width + room]
    contrast, local_noise = sheet.contrast(gray[near], widest)
    contrast = np.minimum(written[near], contrast)
    found = np.zeros_like(written)
    found[near], left_out = _written(contrast * (contrast >= np.minimum(noise[near], local_noise)))
    return found, left_out


def _written(contrast: Floats) -> tuple[Floats, bool]:
    """Keep what is as large and as strong as writing: (H, W), and whether there was anything else."""
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
    """Bring what is written to 255 where it is ink for certain: (H, W)."""
    left, top, width, height = cv2.boundingRect((written > 0).astype(np.uint8))
    inked = np.zeros_like(written)
    if width:
        box = np.s_[top : top + height, left : left + width]
        ink = written[box]
        level = float(np.percentile(ink[ink > 0], 80))
        # ink is there or not: what is a quarter as dark as the ink is paper, three quarters are ink
        inked[box] = np.clip((ink / level - 0.25) * 2, 0, 1) * 255
    return inked


def _is_drawn(gray: Pixels) -> bool:
    """Whether a program drew it: its rim has exactly one gray level for the most part, or it is as small as an icon."""
    rim = _rim(gray)
    return max(gray.shape) <= SIZE or int(np.bincount(rim).max()) >= 0.5 * len(rim)


def _rim(gray: Pixels) -> Pixels:
    """The pixels of a wide rim, and few enough: a sample."""
    width = max(1, round(RING * min(gray.shape)))
    return np.concatenate(
        [gray[:width:2].ravel(), gray[-width::2].ravel(), gray[:, :width:2].ravel(), gray[:, -width::2].ravel()]
    )


def _drawn(gray: Pixels, spec: InputSpec) -> tuple[Floats, list[Note]]:
    """Find what a program drew on an even background, or what is framed already."""
    notes = []
    background = float(np.median(_border(gray) if max(gray.shape) <= SIZE else _rim(gray)))
    darker = _object_is_darker(gray, background)
    if darker:
        notes.append(Note("inverted"))
    distance = _distance(gray, background, darker)
    if max(gray.shape) > SIZE:
        distance, framed = without_frame(distance, LEAST_CONTRAST)
        notes += [Note("frame")] if framed else []
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
        return _without_noise_in_box(distance, threshold, spec), notes
    return np.where(distance >= HALO * distance.max(), distance, 0), notes


def _border(gray: NDArray) -> NDArray:
    """The pixels of a frame 3 % wide along the edges: hardly ever the object."""
    width = max(1, round(0.03 * min(gray.shape)))
    top, bottom, left, right = gray[:width], gray[-width:], gray[width:-width, :width], gray[width:-width, -width:]
    return np.concatenate([part.ravel() for part in (top, bottom, left, right)])


def _object_is_darker(gray: Pixels, background: float) -> bool:
    """Whether what differs from the background differs to the dark side, weighed by how much it differs."""
    difference = np.arange(256) - background
    total = difference * cv2.calcHist([np.ascontiguousarray(gray)], [0], None, [256], [0, 256]).ravel()
    return float(-total[difference < 0].sum()) > float(total[difference > 0].sum())


def _distance(gray: Pixels, background: float, darker: bool) -> Floats:
    """How far each pixel is from its background towards the object's side, or below 0 away from it.

    255 is as far as gray can go from that background.
    """
    levels = np.arange(256)
    values, ground = (255 - levels, 255 - background) if darker else (levels, background)
    room = max(255 - ground, 1)
    return cv2.LUT(np.ascontiguousarray(gray), ((values - ground) * (255 / room)).astype(np.float32))


def _noise(distance: Floats) -> tuple[float, float]:
    """Level of what is left of the background, and standard deviation of its noise, estimated on the border.

    The noise is what neighbours differ by (median |x - y| is 0.6745·√2 deviations), so that a shadow is not noise.
    """
    border = _border(distance)
    return float(np.median(border)), float(np.median(np.abs(np.diff(border))) / (0.6745 * np.sqrt(2)))


def _without_noise_in_box(distance: Floats, threshold: float, spec: InputSpec) -> Floats:
    """The same as ``_without_noise``, looking only where something stands out."""
    left, top, width, height = cv2.boundingRect((distance >= min(threshold, LEAST_CONTRAST)).astype(np.uint8))
    box = np.s_[max(top - 1, 0) : top + height + 1, max(left - 1, 0) : left + width + 1]
    found = np.zeros_like(distance)
    found[box] = _without_noise(distance[box], threshold, spec)
    return found


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
