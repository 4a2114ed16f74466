"""Reading files in the IDX format (the page of MNIST by LeCun, "FILE FORMATS"), unpacked or packed by gzip.

torchvision's own reader accepts a label of 200, and fewer labels than images; this one checks all that can be checked.
"""

import gzip
import hashlib
import math
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inkwear.preprocess.spec import Pixels
from training.errors import DataError

MAX_BYTES = 4_000_000_000
"""Bytes of an unpacked file; the largest of MNIST has 47 million."""

HOW_TO_GET = "Leave --data-dir where the files may be written and torchvision downloads them, or copy them there."
HOW_TO_MEND = "Delete the file and run again to download it anew, or copy an intact one in its place."


@dataclass(frozen=True)
class Published:
    """The number of entries of a file of a data set, and the SHA-256 of its unpacked bytes.

    The digests are those of the files that torchvision unpacks: MNIST's from archives with the MD5 that
    ``torchvision.datasets.MNIST.resources`` states, Fashion-MNIST's likewise.
    """

    count: int
    sha256: str


def idx_exists(path: Path) -> bool:
    """Tell whether a file is there, unpacked or packed."""
    return path.exists() or _packed(path).exists()


def read_idx(path: Path, dimensions: int, published: Published | None = None) -> Pixels:
    """Read unsigned bytes.

    A file with as many entries as ``published`` has to be that file, byte for byte. One with any other number belongs
    to a data set of the user's own, of which only the structure can be checked.

    Args:
        path: the unpacked file; where it is missing, ``<path>.gz`` is read.
        dimensions: 3 for images, 1 for labels.
        published: the file as its makers published it.

    Raises:
        DataError: the file is missing, has a wrong magic number, a length that its header does not announce, or
            another content than the published one.
    """
    path, content = _read(path)
    magic, announced = int.from_bytes(content[:4], "big"), 4 + 4 * dimensions
    expected = 0x0800 + dimensions  # 0x08: unsigned bytes
    if len(content) < announced or magic != expected:
        raise DataError(f"{path}: the magic number is {magic:#06x}, expected {expected:#06x}. {HOW_TO_MEND}")
    shape = tuple(np.frombuffer(content, ">u4", count=dimensions, offset=4).tolist())
    if len(content) - announced != math.prod(shape):
        raise DataError(
            f"{path}: the header announces {math.prod(shape):,} bytes of {'×'.join(map(str, shape))}, "
            f"the file holds {len(content) - announced:,}. {HOW_TO_MEND}"
        )
    if published and shape[0] == published.count and hashlib.sha256(content).hexdigest() != published.sha256:
        raise DataError(
            f"{path}: its {shape[0]:,} entries are not the published ones (the SHA-256 is another), so it is damaged. "
            f"{HOW_TO_MEND} Another data set of this size gets an entry of its own (CONTRIBUTING.md)."
        )
    return np.frombuffer(content, np.uint8, offset=announced).reshape(shape)


def _packed(path: Path) -> Path:
    return path.with_name(f"{path.name}.gz")


def _read(path: Path) -> tuple[Path, bytes]:
    """Return the path that was read, the file itself or its archive, and the unpacked content."""
    packed = path if path.exists() else _packed(path)
    try:
        if packed == path:
            return path, path.read_bytes()
        with gzip.open(packed) as archive:
            content = archive.read(MAX_BYTES)
            if archive.read(1):
                raise DataError(f"{packed}: it unpacks to more than {MAX_BYTES:,} bytes. {HOW_TO_MEND}")
        return packed, content
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing. {HOW_TO_GET}") from error
    except (OSError, EOFError, zlib.error) as error:  # gzip.BadGzipFile is an OSError
        raise DataError(f"{packed}: cannot be read or unpacked ({error}). {HOW_TO_MEND}") from error
