"""The quick way into the commonest files of all: images of a data set, 28×28 and gray, as PNGs of nothing else.

Pillow takes most of its time for such a file to look for what it does not hold, and to come and go. So what the files
hold is put together, one image below the other, and unpacked by Pillow's own decoder at once.
"""

import zlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from inkwear.preprocess.spec import SIZE, Pixels

LONGEST = 4096
"""Bytes of a file that may be one: 28×28 gray pixels take 1 kB when they are not packed at all."""


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


_HEAD = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", SIZE.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0]))
"""Signature and header of 28×28 pixels, 8 bits, gray, not interlaced."""

_TAIL = _chunk(b"IEND", b"")

_ROW = 1 + SIZE
"""Bytes of a row: the number of its filter, then what the filter made of its pixels (PNG specification, section 9)."""

_LAST_FILTER = 4

_GAP = bytes(_ROW)
"""An empty row below each image, as a filter looks at the row above: above the first of an image all is 0."""


def decode_tiny(files: Sequence[bytes]) -> list[Pixels | None]:
    """Decode PNGs of 28×28 gray pixels without colour notes, transparency or text; None for everything else.

    Everything else, whatever is damaged included, is for ``inkwear.images.decode.open_image`` to judge. The pixels are those
    that it would give: Pillow's own decoder takes the filters back.

    Returns:
        For each file (28, 28) uint8, or None.
    """
    rows = [_unpacked(data) for data in files]
    images = iter(_unfiltered([each for each in rows if each is not None]))
    return [None if each is None else next(images) for each in rows]


def _unpacked(data: bytes) -> bytes | None:
    """The filtered rows that a file holds; None where it is not such a file."""
    start, end = len(_HEAD) + 8, len(data) - len(_TAIL) - 4  # of what the one data chunk holds
    if not data.startswith(_HEAD) or not data.endswith(_TAIL) or end < start or len(data) > LONGEST:
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
    """Filtered rows of N images -> (N, 28, 28) uint8."""
    packed = zlib.compress(b"".join([rows + _GAP for rows in images]), level=0)
    size = (SIZE, (SIZE + 1) * len(images))
    pixels = Image.frombytes("L", size, packed, "zip", "L", 0).tobytes() if images else b""
    return np.frombuffer(pixels, np.uint8).reshape(-1, SIZE + 1, SIZE)[:, :SIZE]
