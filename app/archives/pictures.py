"""Where pictures come from: files as they are, and ZIP and TAR archives, read one picture at a time, never unpacked."""

import os
from collections.abc import Iterator
from typing import BinaryIO

from app.archives.entry import MEGABYTE, ArchiveError, Found, Limits, most_unpacked, too_large
from app.archives.sniff import kind_of

__all__ = ["MEGABYTE", "ArchiveError", "Found", "pictures_in"]

MOST_BYTES = 200 * MEGABYTE
"""Of one picture: a 50-megapixel TIFF has 150 MB."""

MOST_ENTRIES = 20_000
"""Of one archive."""

MOST_UNPACKED = 20_000 * MEGABYTE
"""Of one archive, all its pictures together; each of them is forgotten before the next is read."""


def pictures_in(name: str, file: BinaryIO) -> Iterator[Found]:
    """Yield what a file holds: itself, or the pictures of an archive in its own order.

    Args:
        name: what to call it.
        file: anything that can be read and sought; it must stay open meanwhile.
    """
    from app.archives import tars, zips

    readers = {"zip": zips.entries, "tar": tars.entries}
    kind = kind_of(file, name)
    if kind in readers:
        unpacked = min(MOST_UNPACKED, most_unpacked(file.seek(0, os.SEEK_END)))
        yield from readers[kind](name, file, Limits(MOST_ENTRIES, MOST_BYTES, unpacked))
    else:
        data = file.read(MOST_BYTES + 1)
        yield Found(name, error=too_large(name, MOST_BYTES)) if len(data) > MOST_BYTES else Found(name, data)
