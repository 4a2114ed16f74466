"""Framing: from a picture of any size to the 28×28 pixels that a network was trained to read."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwear.preprocess.components import stroke_width
from inkwear.preprocess.notes import Note
from inkwear.preprocess.scaling import tight_crop
from inkwear.preprocess.spec import SIZE, Floats, InputSpec, Pixels

NEARLY_FULL = 250
"""Gray level from which a peak counts as full range; MNIST's own images peak at 254 or 255."""

INKED_BORDER = 0.2
"""Share of an image's border that may be ink; with more, the border does not show what the background is."""

FRAMED_ALREADY = (Note("already_framed"),)

_MOMENTS = np.stack([np.ones(SIZE * SIZE), *np.divmod(np.arange(SIZE * SIZE), SIZE)], axis=1).astype(np.float32)
"""Weights, (784, 3), of the pixels for a picture's mass and moments by row and column.

The sums are whole numbers below 2²⁴, so float32 holds them exactly.
"""

_BORDER = np.pad(np.zeros((SIZE - 2,) * 2, bool), 1, constant_values=True)


@dataclass(frozen=True)
class Framed:
    """A picture as the network sees it.

    Attributes:
        pixels: (28, 28) uint8, bright on black; (S, S) of a whole picture.
        notes: what was done to the picture.
        blank: whether nothing stands out from the background.
    """

    pixels: Pixels
    notes: tuple[Note, ...]
    blank: bool = False


def frame(picture: Pixels, spec: InputSpec) -> Framed:
    """Place the object of a picture in a 28×28 frame as the makers of the data set did.

    MNIST (LeCun et al. 1998, section III.A): size-normalized into a 20×20 box with the aspect ratio kept, centered by
    the center of mass. Fashion-MNIST (Xiao et al. 2017, section 2): trimmed, longest edge to 28, centered by its box,
    negated. A picture that is framed already is returned unchanged.

    Args:
        picture: (H, W) or (H, W, 3) uint8, either polarity.
        spec: how the data set frames.
    """
    return framed_already(picture, spec) or frame_found(picture, *find(picture, spec), spec)


def framed_already(picture: Pixels, spec: InputSpec) -> Framed | None:
    """Return an image of the data set unchanged where ``frame`` would; None where that takes a closer look.

    An object on black that fills the box, is as bright as it can be and lies where its center of mass belongs is
    framed already.
    """
    if picture.shape != (SIZE, SIZE) or not are_framed_already(picture[None], spec)[0]:
        return None
    return Framed(picture, FRAMED_ALREADY)


def are_framed_already(pictures: Pixels, spec: InputSpec) -> NDArray[np.bool_]:
    """Whether each of many images is framed already, as ``framed_already`` judges: (N, 28, 28) uint8 -> (N,)."""
    if spec.centering != "mass" or not spec.full_range or not len(pictures):
        return np.zeros(len(pictures), bool)
    top, bottom = _extent(np.any(pictures, axis=2))
    left, right = _extent(np.any(pictures, axis=1))
    fills = np.maximum(bottom - top, right - left) == spec.box
    on_black = np.count_nonzero(pictures[:, _BORDER], axis=1) <= INKED_BORDER * np.count_nonzero(_BORDER)
    bright = pictures.max(axis=(1, 2)) >= NEARLY_FULL
    mass, down, across = (pictures.reshape(-1, SIZE * SIZE).astype(np.float32) @ _MOMENTS).T.astype(np.float64)
    mass = np.maximum(mass, 1)
    in_place = (np.rint(SIZE / 2 - (down - top * mass) / mass).clip(0, SIZE - (bottom - top)) == top) & (
        np.rint(SIZE / 2 - (across - left * mass) / mass).clip(0, SIZE - (right - left)) == left
    )
    return bright & fills & on_black & in_place


def _extent(inked: NDArray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First row of ink and the row after the last, (N,) each, of (N, 28); the whole 28 rows where there is no ink."""
    return inked.argmax(axis=1), SIZE - inked[:, ::-1].argmax(axis=1)


def frame_found(picture: Pixels, foreground: Floats, found: list[Note], spec: InputSpec) -> Framed:
    """Frame a picture whose foreground is known already.

    Args:
        picture: (H, W) or (H, W, 3) uint8.
        foreground: (h, w) float32, as ``find`` returns it.
        found: the notes that ``find`` returns.
        spec: how the data set frames.
    """
    notes = found + [Note("gray")] * (picture.ndim == 3)
    if not foreground.any():
        return Framed(np.zeros((spec.size, spec.size), np.uint8), (*notes, Note("blank")), blank=True)
    if spec.whole:
        return Framed(foreground.astype(np.uint8), (*notes, Note("whole", {"size": spec.size})))
    pixels, changes = frame_foreground(foreground, spec)
    notes += changes
    if np.array_equal(pixels, picture):
        notes += FRAMED_ALREADY
    else:
        notes.append(Note("framed", {"box": spec.box, "centering": spec.centering}))
    return Framed(pixels, tuple(notes))


def frame_foreground(foreground: Floats, spec: InputSpec) -> tuple[Pixels, list[Note]]:
    """Crop an object or a digit, bring its strokes to the usual width, scale it and place it in the frame.

    Args:
        foreground: (h, w) float32 from 0 to 255, not all of it 0.
        spec: how the data set frames.

    Returns:
        pixels: (28, 28) uint8.
        notes: what was changed.
    """
    notes: list[Note] = []
    crop = tight_crop(foreground)
    if spec.stroke and max(crop.shape) > spec.box:
        crop, notes = _with_usual_stroke(crop, spec)
    fitted = _fit(crop, spec.box) if spec.stroke else _fit_with_hard_edges(crop, spec.box)
    if spec.full_range and fitted.max() < NEARLY_FULL:
        fitted *= 255 / fitted.max()
        notes = [*notes, Note("contrast")]
    return _place(np.rint(fitted).astype(np.uint8), spec), notes


def find(picture: Pixels, spec: InputSpec) -> tuple[Floats, list[Note]]:
    """Separate ink from its sheet, or a garment from its background, which becomes 0: (h, w) float32.

    A network for whole pictures gets all of it, in its square, or nothing but 0 if hardly anything differs.
    """
    from inkwear.preprocess import garment, ink, whole  # 8 ms, which images of a data set need not wait for

    if spec.whole:
        return whole.show_whole(picture, spec.size), []
    if spec.stroke is None and max(picture.shape) > SIZE:
        return garment.cut_out(picture)
    return ink.find_ink(picture, spec)


def _with_usual_stroke(crop: Floats, spec: InputSpec) -> tuple[Floats, list[Note]]:
    """Thicken or thin the strokes of a crop that are narrower or wider than usual."""
    assert spec.stroke is not None
    scale = max(crop.shape) / spec.box
    width = stroke_width(crop) / scale
    change = round(
        (float(np.clip(width, *spec.stroke)) - width) * scale
    )  # in pixels of the crop, both sides of the stroke together
    if abs(change) < 1:
        return crop, []
    margin = abs(change)
    whole_levels = np.ceil(crop).astype(np.uint8)  # uint8 is three times as fast; rounding up keeps the faintest edge
    room = cv2.copyMakeBorder(whole_levels, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (margin + 1, margin + 1))
    changed = cv2.dilate(room, element) if change > 0 else cv2.erode(room, element)
    if not changed.any():
        return crop, []
    return tight_crop(changed.astype(np.float32)), [Note("thickened" if change > 0 else "thinned")]


def _fit(crop: Floats, box: int) -> Floats:
    """Scale a crop, padded to a square, so that its longer side is ``box``; areas are averaged where it shrinks."""
    height, width = crop.shape
    side = max(height, width)
    if side == box:
        return crop
    top, left = (side - height) // 2, (side - width) // 2
    square = cv2.copyMakeBorder(crop, top, side - height - top, left, side - width - left, cv2.BORDER_CONSTANT)
    return cv2.resize(square, (box, box), interpolation=cv2.INTER_AREA if side > box else cv2.INTER_CUBIC).clip(0, 255)


def _fit_with_hard_edges(crop: Floats, box: int) -> Floats:
    """Scale as ``_fit`` does without mixing the background into the edge: a pixel is garment if half of it is.

    Fashion-MNIST was made smaller by taking every n-th pixel (Xiao et al. 2017, section 2), which mixes nothing.
    """
    coverage = _fit((crop > 0).astype(np.float32), box)
    return np.where(coverage >= 0.5, _fit(crop, box) / np.maximum(coverage, 0.5), 0).clip(0, 255)


def _place(fitted: Pixels, spec: InputSpec) -> Pixels:
    """Place an object in the frame."""
    top, left = _place_of(fitted, spec)
    height, width = fitted.shape
    pixels = np.zeros((SIZE, SIZE), np.uint8)
    pixels[top : top + height, left : left + width] = fitted
    return pixels


def _place_of(fitted: Pixels, spec: InputSpec) -> tuple[int, int]:
    """Top and left of an object in the frame, by its center of mass or by its bounding box."""
    height, width = fitted.shape
    if spec.centering == "box":  # an odd pixel goes above and to the left, as in 99 % of Fashion-MNIST
        return (SIZE - height + 1) // 2, (SIZE - width + 1) // 2
    sums = cv2.moments(fitted)
    down, across = (round(SIZE / 2 - sums[name] / max(sums["m00"], 1)) for name in ("m01", "m10"))
    return min(max(down, 0), SIZE - height), min(max(across, 0), SIZE - width)
