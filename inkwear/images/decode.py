"""The decoder of every picture that reaches Inkwear: from bytes or a file to a loaded Pillow image."""

import io
import math
import os
import stat
import zlib
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from inkwear.errors import ImageError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
"""Pillow's names of the accepted formats; a phone's MPO, a JPEG with a second picture behind it, opens as JPEG."""

MODES = {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "I", "F"}
"""Pillow's names of the accepted modes, besides I;16 in either byte order."""

FORMATS_IN_WORDS = "JPEG, PNG, WebP, GIF, BMP or TIFF"

MAX_PIXELS = 100_000_000
"""Pixels that a picture may have; no phone's camera makes as many, and a larger file is taken for a bomb."""

MAX_BYTES = 400_000_000
"""Bytes that a file may have: ``MAX_PIXELS`` in three colors, uncompressed, and a margin."""

WORKING_SIDE = 512
"""Pixels of the longer side below which a JPEG is not decoded at reduced scale; ink is searched at this size
(``inkwear.preprocess.ink``)."""

FULL_SIZE = "full_size"
"""Key of an image's ``info`` that holds the (width, height) of the file, where fewer pixels were decoded."""


def open_image(source: bytes | str | os.PathLike[str], name: str | None = None) -> Image.Image:
    """Decode the first frame of a picture as it is stored, without turning or converting it.

    Args:
        source: the encoded bytes, or the path of a file.
        name: name of the picture in errors; its path by default.

    Raises:
        ImageError: the picture is missing, unreadable, empty, damaged, cut short, too large, or not one of
            ``FORMATS`` and ``MODES``.
    """
    if isinstance(source, bytes):
        name, data = name or "the picture", source
    else:
        name, data = name or os.fspath(source), _read(source)
    if not data:
        raise ImageError(f"{name}: the file is empty; accepted are {FORMATS_IN_WORDS}.", "empty")
    return _decode(io.BytesIO(data), name)  # BytesIO shares the bytes until its buffer is asked for


def open_file(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading; a pipe, a socket or a device is refused instead of waited for.

    Raises:
        ImageError: ``missing``, or ``unreadable``.
    """
    try:
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115, the caller closes it
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ImageError(f"{os.fspath(path)}: cannot be read ({error.strerror}).", "missing") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _unreadable(path, error) from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ImageError(f"{os.fspath(path)}: cannot be read (a pipe, a socket or a device, no file).", "unreadable")
    return file


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _unreadable(path: str | os.PathLike[str], error: Exception) -> ImageError:
    reason = getattr(error, "strerror", None) or error
    return ImageError(f"{os.fspath(path)}: cannot be read ({reason}); look at its permissions.", "unreadable")


def _read(path: str | os.PathLike[str]) -> bytes:
    with open_file(path) as file:
        try:
            if os.fstat(file.fileno()).st_size > MAX_BYTES:
                raise ImageError(f"{path}: more than the {MAX_BYTES // 1_000_000} MB accepted of a file.", "too_large")
            return file.read()
        except OSError as error:
            raise _unreadable(path, error) from error


def _decode(file: io.BytesIO, name: str) -> Image.Image:
    try:
        image = Image.open(file, formats=FORMATS)
        _refuse(image, name)
        if image.format == "PNG":
            _check_pixels_of_png(file.getbuffer())
        size = image.size
        image.draft(None, draft_size(size))
        _read_what_pillow_puts_off(image)
        image.load()
        image.info[FULL_SIZE] = size
    except UnidentifiedImageError as error:
        said = f"{name}: not a picture of an accepted format; accepted are {FORMATS_IN_WORDS}."
        raise ImageError(said, "not_a_picture") from error
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(_bomb_message(name), "too_large") from error
    except Exception as error:  # Pillow's readers raise whatever their format suggests, from OSError to struct.error
        raise ImageError(f"{name}: the picture is damaged or cut short ({error}); save it again and retry.") from error
    return image


def draft_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return the (width, height) to ask Pillow's ``draft`` for, given a picture's own; at least as much is decoded."""
    width, height = (math.ceil(side * WORKING_SIDE / max(size)) for side in size)
    return width, height


def _read_what_pillow_puts_off(image: Image.Image) -> None:
    """Parse the EXIF block and count the frames here, where errors are handled; Pillow caches both."""
    image.getexif()
    getattr(image, "n_frames", 1)


def _check_pixels_of_png(data: memoryview) -> None:
    """Verify the checksums of a PNG's pixel data, which Pillow ignores.

    Raises:
        OSError: a checksum is wrong.
    """
    start = 8
    while start + 12 <= len(data):
        end = start + 8 + int.from_bytes(data[start : start + 4], "big")
        if bytes(data[start + 4 : start + 8]) == b"IDAT" and bytes(data[end : end + 4]) != zlib.crc32(
            data[start + 4 : end]
        ).to_bytes(4, "big"):
            raise OSError("its pixels do not fit their checksum")
        start = end + 4


def _refuse(image: Image.Image, name: str) -> None:
    if image.mode not in MODES and not image.mode.startswith("I;16"):
        said = f"{name}: the colour mode {image.mode} is not understood; save the picture as RGB or gray."
        raise ImageError(said, "colour_mode")
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(_bomb_message(name, f"{image.width}×{image.height} pixels is "), "too_large")


def _bomb_message(name: str, size: str = "") -> str:
    return f"{name}: {size}more than the {MAX_PIXELS // 1_000_000} megapixels accepted; scale it down first."
