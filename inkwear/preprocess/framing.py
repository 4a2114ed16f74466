"""A picture of any size -> the 28×28 pixels that a network was trained to read."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwear.preprocess.components import stroke_width
from inkwear.preprocess.notes import Note
from inkwear.preprocess.scaling import tight_crop
from inkwear.preprocess.spec import SIZE, Floats, InputSpec, Pixels

NEARLY_FULL = 250
"""A peak from here on counts as full range: MNIST's own images peak at 254 or 255."""

INKED_BORDER = 0.2
"""Of an image's border; where more of it is ink, the border may not tell what the background is."""

FRAMED_ALREADY = (Note("already_framed"),)

_MOMENTS = np.stack([np.ones(SIZE * SIZE), *np.divmod(np.arange(SIZE * SIZE), SIZE)], axis=1).astype(np.float32)
"""(784, 3): what a picture's pixels are weighed by for mass, row and column; their sums are whole numbers below 2²⁴."""

_BORDER = np.pad(np.zeros((SIZE - 2,) * 2, bool), 1, constant_values=True)


@dataclass(frozen=True)
class Framed:
    """A picture as the network will see it: ``pixels`` (28, 28) uint8, bright on black, and how it came to be."""

    pixels: Pixels
    notes: tuple[Note, ...]
    blank: bool = False


def frame(picture: Pixels, spec: InputSpec) -> Framed:
    """Place the object of a picture in a 28×28 frame, as the data set's own makers did.

    MNIST (LeCun et al. 1998, section III.A): size-normalised into a 20×20 box with the aspect ratio kept, centred by
    the centre of mass. Fashion-MNIST (Xiao et al. 2017, section 2): trimmed, longest edge to 28, centred by its box,
    negated. A picture that is already so framed comes back unchanged.

    Args:
        picture: (H, W) or (H, W, 3) uint8, either polarity.
        spec: how the data set frames.
    """
    return framed_already(picture, spec) or frame_found(picture, *find(picture, spec), spec)


def framed_already(picture: Pixels, spec: InputSpec) -> Framed | None:
    """See with a glance that ``frame`` would give an image of the data set back as it is; None where it takes more.

    On black with a border that is black for the most part there is nothing to find; what fills the box, is as bright as
    can be and lies where its mass wants it, stays where it is.
    """
    if picture.shape != (SIZE, SIZE) or not are_framed_already(picture[None], spec)[0]:
        return None
    return Framed(picture, FRAMED_ALREADY)


def are_framed_already(pictures: Pixels, spec: InputSpec) -> NDArray[np.bool_]:
    """See the same of many at once: (N, 28, 28) uint8 -> (N,)."""
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
    """First row of ink, and the row after the last: (N, 28) -> (N,) twice; all 28 where there is none."""
    return inked.argmax(axis=1), SIZE - inked[:, ::-1].argmax(axis=1)


def frame_found(picture: Pixels, foreground: Floats, found: list[Note], spec: InputSpec) -> Framed:
    """Do what ``frame`` does where the foreground is known already.

    Args:
        picture: as ``frame`` takes it.
        foreground: as ``find`` returns it.
        found: its notes.
        spec: how the data set frames.
    """
    notes = found + [Note("gray")] * (picture.ndim == 3)
    if not foreground.any():
        return Framed(np.zeros((SIZE, SIZE), np.uint8), (*notes, Note("blank")), blank=True)
    pixels, changes = frame_foreground(foreground, spec)
    notes += changes
    if np.array_equal(pixels, picture):
        notes += FRAMED_ALREADY
    else:
        notes.append(Note("framed", {"box": spec.box, "centering": spec.centering}))
    return Framed(pixels, tuple(notes))


def frame_foreground(foreground: Floats, spec: InputSpec) -> tuple[Pixels, list[Note]]:
    """Place an object, or one digit of a number, in the frame: cut out, its stroke made usual, scaled, put in place.

    Args:
        foreground: (h, w) float32 from 0 to 255, not all of it 0.
        spec: how the data set frames.

    Returns:
        pixels: (28, 28) uint8.
        notes: what else was changed.
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
    """Separate ink from its sheet, or a garment from whatever it lies on: (h, w) float32, 0 where there is neither."""
    if spec.stroke is None and max(picture.shape) > SIZE:
        from inkwear.preprocess.garment import cut_out  # when there is one: who only reads digits need not wait for it

        return cut_out(picture)
    from inkwear.preprocess.ink import find_ink

    return find_ink(picture, spec)


def _with_usual_stroke(crop: Floats, spec: InputSpec) -> tuple[Floats, list[Note]]:
    """Thicken or thin the strokes of a crop where they lie outside the usual widths, so that they lie within."""
    assert spec.stroke is not None
    scale = max(crop.shape) / spec.box
    width = stroke_width(crop) / scale
    change = round((float(np.clip(width, *spec.stroke)) - width) * scale)  # pixels of the crop, both sides together
    if abs(change) < 1:
        return crop, []
    margin = abs(change)
    whole_levels = np.ceil(crop).astype(np.uint8)  # three times as fast; up, so that the faintest edge stays
    room = cv2.copyMakeBorder(whole_levels, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (margin + 1, margin + 1))
    changed = cv2.dilate(room, element) if change > 0 else cv2.erode(room, element)
    if not changed.any():
        return crop, []
    return tight_crop(changed.astype(np.float32)), [Note("thickened" if change > 0 else "thinned")]


def _fit(crop: Floats, box: int) -> Floats:
    """Scale so that the longer side is ``box``: averaging areas where it shrinks, as a square that keeps the aspect."""
    height, width = crop.shape
    side = max(height, width)
    if side == box:
        return crop
    top, left = (side - height) // 2, (side - width) // 2
    square = cv2.copyMakeBorder(crop, top, side - height - top, left, side - width - left, cv2.BORDER_CONSTANT)
    return cv2.resize(square, (box, box), interpolation=cv2.INTER_AREA if side > box else cv2.INTER_CUBIC).clip(0, 255)


def _fit_with_hard_edges(crop: Floats, box: int) -> Floats:
    """The same without mixing the background into the edge: a pixel is the garment's if half of it is, or background.

    Fashion-MNIST was made smaller by taking every n-th pixel (Xiao et al. 2017, section 2), which mixes nothing.
    """
    coverage = _fit((crop > 0).astype(np.float32), box)
    return np.where(coverage >= 0.5, _fit(crop, box) / np.maximum(coverage, 0.5), 0).clip(0, 255)


def _place(fitted: Pixels, spec: InputSpec) -> Pixels:
    """Put the object into the frame."""
    top, left = _place_of(fitted, spec)
    height, width = fitted.shape
    pixels = np.zeros((SIZE, SIZE), np.uint8)
    pixels[top : top + height, left : left + width] = fitted
    return pixels


def _place_of(fitted: Pixels, spec: InputSpec) -> tuple[int, int]:
    """Top and left of the object in the frame, by its centre of mass or by its outline."""
    height, width = fitted.shape
    if spec.centering == "box":  # an odd pixel goes above and to the left, as in 99 % of Fashion-MNIST
        return (SIZE - height + 1) // 2, (SIZE - width + 1) // 2
    sums = cv2.moments(fitted)
    down, across = (round(SIZE / 2 - sums[name] / max(sums["m00"], 1)) for name in ("m01", "m10"))
    return min(max(down, 0), SIZE - height), min(max(across, 0), SIZE - width)
