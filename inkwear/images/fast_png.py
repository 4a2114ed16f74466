"""Fast decoder of the most common files: images of a data set, 28×28 and gray, as plain PNGs.

For such a file Pillow spends most of its time on parsing and set-up. The pixel data of many files is therefore put
together, one image below the other, and decoded by Pillow in one call.
"""

import zlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from inkwear.preprocess.spec import SIZE, Pixels

MAX_BYTES = 4096
"""Bytes of the largest file that is tried; 28×28 gray pixels take 1 kB uncompressed."""


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


_HEAD = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", SIZE.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0]))
"""Signature and header of 28×28 pixels, 8 bits, gray, not interlaced."""

_TAIL = _chunk(b"IEND", b"")

_ROW = 1 + SIZE
"""Bytes of a row: the number of its filter, then the filtered pixels (PNG specification, section 9)."""

_LAST_FILTER = 4

_GAP = bytes(_ROW)
"""An empty row below each image; filters refer to the row above, which is 0 above an image's first row."""


def decode_tiny(files: Sequence[bytes]) -> list[Pixels | None]:
    """Decode PNGs of 28×28 gray pixels without color profiles, transparency or text; None for every other file.

    Other and damaged files are left to ``inkwear.images.decode.open_image``, which gives the same pixels for these.

    Returns:
        For each file (28, 28) uint8, or None.
    """
    rows = [_unpacked(data) for data in files]
    images = iter(_unfiltered([each for each in rows if each is not None]))
    return [None if each is None else next(images) for each in rows]


def _unpacked(data: bytes) -> bytes | None:
    """Filtered rows of a file; None where it is no such PNG."""
    start, end = len(_HEAD) + 8, len(data) - len(_TAIL) - 4  # of the content of the only data chunk
    if not data.startswith(_HEAD) or not data.endswith(_TAIL) or end < start or len(data) > MAX_BYTES:
        return None
    if data[start - 8 : start] != (end - start).to_bytes(4, "big") + b"IDAT":
        return None
    if data[end : end + 4] != zlib.crc32(data[start - 4 : end]).to_bytes(4, "big"):
        return None
    try:
        rows = zlib.decompress(data[start:end], bufsize=SIZE * _ROW)
    except zlib.error:
        return None
    return rows if len(rows) == SIZE * _ROW and max(rows[::_ROW]) <= _LAST_FILTER else None


def _unfiltered(images: Sequence[bytes]) -> Pixels:
    """Decode the filtered rows of N images: (N, 28, 28) uint8."""
    packed = zlib.compress(b"".join([rows + _GAP for rows in images]), level=0)
    size = (SIZE, (SIZE + 1) * len(images))
    pixels = Image.frombytes("L", size, packed, "zip", "L", 0).tobytes() if images else b""
    return np.frombuffer(pixels, np.uint8).reshape(-1, SIZE + 1, SIZE)[:, :SIZE]
