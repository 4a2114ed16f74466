"""The quick way into the commonest file of all: an image of a data set, 28×28 and gray, as a PNG of nothing else.

Pillow takes most of its time for such a file to look for what it does not hold.
"""

import zlib

import numpy as np
from PIL import Image

from exports.spec import SIZE, Pixels

LONGEST = 4096
"""Bytes of a file that may be one: 28×28 gray pixels take 1 kB when they are not packed at all."""


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


_HEAD = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", SIZE.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0]))
"""Signature and header of 28×28 pixels, 8 bits, gray, not interlaced."""

_TAIL = _chunk(b"IEND", b"")


def decode_tiny(data: bytes) -> Pixels | None:
    """Decode a PNG of 28×28 gray pixels without colour notes, transparency or text; None of everything else.

    Everything else, whatever is damaged included, is for ``exports.images.open_image`` to judge. The pixels are those
    that it would give: Pillow's own decoder unpacks them.

    Returns:
        (28, 28) uint8, or None.
    """
    start, end = len(_HEAD) + 8, len(data) - len(_TAIL) - 4  # of what the one data chunk holds
    if not data.startswith(_HEAD) or not data.endswith(_TAIL) or end < start or len(data) > LONGEST:
        return None
    if data[start - 8 : start] != (end - start).to_bytes(4, "big") + b"IDAT":
        return None
    if data[end : end + 4] != zlib.crc32(data[start - 4 : end]).to_bytes(4, "big"):
        return None
    try:
        image = Image.frombytes("L", (SIZE, SIZE), data[start:end], "zip", "L", 0)
    except (ValueError, OSError):
        return None
    return np.frombuffer(image.tobytes(), np.uint8).reshape(SIZE, SIZE)
