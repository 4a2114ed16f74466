"""IDX files of images, as MNIST has them (yann.lecun.com/exdb/mnist), raw or compressed with gzip, image by image."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from app.archives.compression import READ_AHEAD, Stream
from app.archives.entry import MEGABYTE, ArchiveError, check_ratio, explain, read_in_pieces
from app.batch.inputs.input import Content, Failure, TableError
from inkwear.images.decode import MAX_PIXELS

IMAGES = 0x00000803
"""The magic number of bytes in three dimensions: images, rows, columns."""

ACCEPTED = f"accepted are images (magic number {IMAGES}, 0x{IMAGES:08x}: unsigned bytes, images × rows × columns)"

BLOCK = 64 * 1024
"""Bytes of images that are read at once."""


def images(path: str, file: BinaryIO) -> Iterator[Content]:
    """Yield ``path#0``, ``path#1``, … with (H, W) uint8 pixels, and a failure where the file is broken."""
    try:
        yield from _images(path, Stream(file))
    except TableError as error:
        yield path, Failure("table_damaged", f"{path}: {error}.")
    except ArchiveError as error:
        yield path, Failure.of(error)
    except Exception as error:  # from EOFError to zlib.error
        code = explain(path, error).code
        yield path, Failure("unreadable" if code == "unreadable" else "table_damaged", f"{path}: damaged ({error}).")


def _images(path: str, stream: Stream) -> Iterator[Content]:
    count, height, width = _header(stream)
    size, index = height * width, 0
    at_once = max(1, BLOCK // size)

    def check(_: int = 0) -> None:
        if stream.is_compressed:
            check_ratio(path, stream.position, stream.consumed() + READ_AHEAD)

    while index < count:
        wanted = min(at_once, count - index)
        block = np.frombuffer(read_in_pieces(stream.read, wanted * size, check), np.uint8)
        check()
        whole = len(block) // size
        for pixels in block[: whole * size].reshape(whole, height, width):
            yield f"{path}#{index}", pixels
            index += 1
        if whole < wanted:
            raise TableError(f"cut short: it promises {count:,} images of {height}×{width} and holds {index:,}")
    if stream.read(1):
        raise TableError(f"it goes on after the {count:,} images that it promises; what follows is not read")


def _header(stream: Stream) -> tuple[int, int, int]:
    """Read the number of images, their height and their width."""
    head = stream.read(4)
    [magic] = struct.unpack(">L", head) if len(head) == 4 else [0]
    if magic != IMAGES:
        what = "labels" if magic == 0x801 else "no images"
        raise TableError(f"an IDX file of {what} (magic number {magic}, 0x{magic:08x}); {ACCEPTED}")
    sizes = stream.read(12)
    if len(sizes) < 12:
        raise TableError("cut short within its header")
    count, height, width = struct.unpack(">3L", sizes)
    if not 0 < height * width <= MAX_PIXELS:
        max_pixels = MAX_PIXELS // MEGABYTE
        raise TableError(f"it promises images of {height}×{width} pixels; accepted are 1 to {max_pixels} million")
    return count, height, width
