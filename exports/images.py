"""One decoder for every picture that reaches Inkwear: bytes or a file in, a loaded Pillow image out."""

import io
import os
from pathlib import Path

from PIL import Image, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
"""Pillow's names of what is accepted; the MPO of phones, a JPEG with a second picture behind it, opens as JPEG."""

MODES = {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "I", "F"}
"""Pillow's names of the modes that have a gray, besides I;16 in either byte order."""

FORMATS_IN_WORDS = "JPEG, PNG, WebP, GIF, BMP or TIFF"

MAX_PIXELS = 100_000_000
"""More than any phone's camera makes; a file that unpacks to more is taken for a decompression bomb."""

WORKING_SIDE = 512
"""JPEGs are decoded at the smallest scale whose sides stay at least this long, in pixels."""

FULL_SIZE = "full_size"
"""Under this name an image's ``info`` holds the (width, height) that the file has, where less was decoded."""


class ImageError(ValueError):
    """A picture that cannot be read; the message names it, says why, and what would be accepted."""


def open_image(source: bytes | str | os.PathLike[str], name: str | None = None) -> Image.Image:
    """Decode the first frame of a picture, all of it, as it is stored (no turning, no conversion).

    Args:
        source: the encoded bytes, or the path of a file.
        name: what to call the picture in errors; the path where there is one.

    Raises:
        ImageError: not there, empty, not one of ``FORMATS`` and ``MODES``, damaged, cut short, or too large.
    """
    if isinstance(source, bytes):
        name, file = name or "the picture", io.BytesIO(source)
    else:
        name, file = name or os.fspath(source), io.BytesIO(_read(Path(source)))
    if not file.getbuffer().nbytes:
        raise ImageError(f"{name}: the file is empty; accepted are {FORMATS_IN_WORDS}.")
    return _decode(file, name)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror}).") from error


def _decode(file: io.BytesIO, name: str) -> Image.Image:
    try:
        image = Image.open(file, formats=FORMATS)
        _refuse(image, name)
        size = image.size
        image.draft(None, (WORKING_SIDE, WORKING_SIDE))
        _read_what_pillow_puts_off(image)
        image.load()
        image.info[FULL_SIZE] = size
    except UnidentifiedImageError as error:
        raise ImageError(f"{name}: not a picture of an accepted format; accepted are {FORMATS_IN_WORDS}.") from error
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(_bomb_message(name)) from error
    except Exception as error:  # Pillow's readers raise whatever their format suggests, from OSError to struct.error
        raise ImageError(f"{name}: the picture is damaged or cut short ({error}); save it again and retry.") from error
    return image


def _read_what_pillow_puts_off(image: Image.Image) -> None:
    """Parse the EXIF block and count the frames here, where damage is answered; Pillow keeps both."""
    image.getexif()
    getattr(image, "n_frames", 1)


def _refuse(image: Image.Image, name: str) -> None:
    if image.mode not in MODES and not image.mode.startswith("I;16"):
        raise ImageError(f"{name}: the colour mode {image.mode} is not understood; save the picture as RGB or gray.")
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(_bomb_message(name, f"{image.width}×{image.height} pixels is "))


def _bomb_message(name: str, size: str = "") -> str:
    return f"{name}: {size}more than the {MAX_PIXELS // 1_000_000} megapixels accepted; scale it down first."
