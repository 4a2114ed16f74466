"""The pictures in a file: the file itself, or the entries of a ZIP or TAR archive, one at a time."""

import os
from collections.abc import Iterator
from typing import BinaryIO

from app.archives.entry import MEGABYTE as MEGABYTE
from app.archives.entry import Found as Found
from app.archives.entry import Limits, explain, max_unpacked, too_large
from app.archives.sniff import Kind, kind_of
from app.archives.tars import Tar
from app.archives.zips import Zip

MAX_PICTURE_BYTES = 200 * MEGABYTE
"""Bytes of one picture: a 50-megapixel TIFF has 150 MB."""

MAX_ENTRIES = 20_000
"""Entries of one archive."""

MAX_UNPACKED = 20_000 * MEGABYTE
"""Bytes of all pictures of one archive; each is forgotten before the next is read."""

_READERS: dict[Kind, type[Zip | Tar]] = {"zip": Zip, "tar": Tar}


def entries(kind: Kind, name: str, file: BinaryIO, limits: Limits) -> Iterator[Found]:
    """Yield the pictures of an archive in its own order, and a ``Found`` with an error for each that is not read.

    Args:
        kind: zip or tar.
        name: the archive's file name.
        file: the archive, seekable.
        limits: how much of it is accepted.
    """
    try:
        yield from _READERS[kind](name, file, limits).pictures()
    except Exception as error:  # from EOFError to zlib.error
        yield Found(name, error=explain(name, error))


def pictures_in(name: str, file: BinaryIO) -> Iterator[Found]:
    """Yield a file itself, or the pictures of an archive in its own order.

    Args:
        name: the file's name.
        file: any seekable file; it must stay open during the iteration.
    """
    kind = kind_of(file, name)
    if kind in _READERS:
        total = min(MAX_UNPACKED, max_unpacked(file.seek(0, os.SEEK_END)))
        yield from entries(kind, name, file, Limits(MAX_ENTRIES, MAX_PICTURE_BYTES, total))
        return
    data = file.read(MAX_PICTURE_BYTES + 1)
    is_too_large = len(data) > MAX_PICTURE_BYTES
    yield Found(name, error=too_large(name, MAX_PICTURE_BYTES)) if is_too_large else Found(name, data)
