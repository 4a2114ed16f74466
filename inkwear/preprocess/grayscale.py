"""Conversion of any picture to 8-bit colors or gray, as a person would see it."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkwear.preprocess.notes import Note
from inkwear.preprocess.spec import Pixels

ORIENTATION = 0x0112
"""EXIF tag that says which way up the camera was held; 1 is upright."""

SHEET_SHARE = 0.6
"""Share of opaque pixels from which a picture with transparency has a background of its own; ink covers less."""

ROW_STEP = 32
"""Rows from one that is searched for color first to the next."""

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Transposition that undoes each orientation (EXIF 2.32, table 6).

Pillow's ``exif_transpose`` is not used, as it fails where another tag is malformed.
"""


def to_colors(image: Image.Image) -> tuple[Pixels, tuple[Note, ...]]:
    """Turn a picture of any mode into 8-bit colors, or gray where it has none, as a person would see it.

    Orientation tags are followed, transparency is laid on a backdrop that keeps the visible part visible, 16-bit and
    float values keep their scale, palettes and CMYK become colors before they become gray (ITU-R 601-2 luma).

    Returns:
        pixels: (H, W, 3) uint8, or (H, W) where the picture has no color.
        notes: what was done.

    Raises:
        ValueError: values that are not finite numbers.
    """
    notes: list[Note] = []
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # the second picture of an MPO is a preview or the other eye's
        notes.append(Note("first_frame", {"frames": frames}))
    orientation = image.getexif().get(ORIENTATION)
    if orientation in UPRIGHT:
        image = image.transpose(UPRIGHT[orientation])
        notes.append(Note("turned"))
    if image.mode.startswith("I") or image.mode == "F":
        return _to_8_bits(np.asarray(image), notes)
    if image.has_transparency_data:
        image, backdrop = _lay_on_backdrop(image.convert("RGBA"))
        notes += [Note("transparency", {"backdrop": backdrop})] if backdrop else []
    if image.mode not in ("1", "L") and _has_color(image):
        return np.asarray(image if image.mode == "RGB" else image.convert("RGB")), tuple(notes)
    return np.asarray(image.convert("L")), tuple(notes)


def to_grayscale(colors: Pixels) -> Pixels:
    """Turn colors into gray (ITU-R 601-2 luma): (H, W, 3) or (H, W) uint8 -> (H, W) uint8."""
    return colors if colors.ndim == 2 else np.asarray(Image.fromarray(colors).convert("L"))


def _to_8_bits(values: NDArray, notes: list[Note]) -> tuple[Pixels, tuple[Note, ...]]:
    """Scale deep gray by the smallest range that holds its values: 0–1, 0–255, 12 or 16 bits, else their maximum."""
    if not np.isfinite(values).all():
        raise ValueError("the picture holds values that are not finite numbers (NaN or infinity)")
    values = np.clip(values.astype(np.float64), 0, None)
    peak = values.max(initial=0)
    is_fraction = peak <= 1 and not np.array_equal(values, np.rint(values))
    top = 1 if is_fraction else next((t for t in (255, 4095, 65535) if peak <= t), peak)
    if top not in (1, 255):
        notes.append(Note("deep", {"bits": 12 if top == 4095 else 16 if top == 65535 else 32}))
    return np.rint(values * (255 / top)).astype(np.uint8), tuple(notes)


def _lay_on_backdrop(image: Image.Image) -> tuple[Image.Image, str | None]:
    """Flatten RGBA onto white or black; None where nothing is transparent.

    Ink alone gets the backdrop that shows it. A picture that is opaque for the most part has a background of its own,
    which its faint edges and corners continue.
    """
    alpha = np.asarray(image.getchannel("A"), dtype=np.float32)
    if alpha.min() == 255:
        return image.convert("RGB"), None
    luma = np.asarray(image.convert("RGB").convert("L"), dtype=np.float32)
    is_light = (luma * alpha).sum() / max(alpha.sum(), 1) >= 128
    is_sheet = np.count_nonzero(alpha >= 128) >= SHEET_SHARE * alpha.size
    backdrop = "white" if is_light == is_sheet else "black"
    flat = Image.new("RGBA", image.size, backdrop)
    flat.alpha_composite(image)
    return flat.convert("RGB"), backdrop


def _has_color(image: Image.Image) -> bool:
    """Whether a picture has color; a sample of rows is searched first, as color rarely stands in one corner only."""
    if image.mode == "LA":
        return False
    channels = np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    return any(bool((rows != rows[..., :1]).any()) for rows in (channels[::ROW_STEP], channels))
