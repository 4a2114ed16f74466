"""A file that is one picture, or holds many: an archive, or a table of pictures."""

import os
from collections.abc import Iterator
from typing import BinaryIO

from app.archives.sniff import Kind, kind_of
from app.batch.inputs.input import Failure, Input, failed, or_else
from inkwear.errors import ImageError
from inkwear.images.decode import open_file

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
"""Endings of the files in a folder that are read as pictures; a file named by itself is tried whatever its name."""


def is_picture(name: str) -> bool:
    """Whether a name has the ending of a picture."""
    stem, dot, ending = name.rpartition(".")
    return (dot + ending).lower() in SUFFIXES and stem != ""


def in_file(path: str, listing_digest: bytes = b"") -> Iterator[Input]:
    """Yield the pictures in a file, or the file itself, as its content decides.

    Args:
        path: anything but a folder.
        listing_digest: that of the input where the file is not a container; the entries of a container have its size
            and time instead.
    """
    try:
        with open_file(path) as file:
            kind = kind_of(file, path)
            if kind != "file":
                yield from _in_container(path, file, kind)
                return
    except ImageError as error:
        yield Input(path, Failure.of(error), listing_digest)
    except OSError as error:
        yield failed(path, "unreadable", f"cannot be read ({error.strerror})", listing_digest)
    else:
        yield Input(path, None, listing_digest)


def _in_container(path: str, file: BinaryIO, kind: Kind) -> Iterator[Input]:
    from app.batch.inputs.containers import contents  # saves 3 ms of a start: zipfile, and five modules of ours

    state = os.fstat(file.fileno())
    listing_digest = b"%d %d" % (state.st_size, state.st_mtime_ns)
    inputs = (Input(name, source, listing_digest) for name, source in contents(path, file, kind))
    return or_else(inputs, failed(path, "empty", "holds no pictures", listing_digest))
