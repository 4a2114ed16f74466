"""A file that is one picture, or holds many: an archive, or a table of pictures."""

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, cast

from app.batch.inputs.item import Code, Failure, Item
from inkwear.images.decode import ImageError, open_file
from inkwear.preprocess.spec import Pixels

if TYPE_CHECKING:
    from app.archives.entry import Found, Limits

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
"""Endings of the pictures that are taken from a folder, unopened; a file named by itself is tried whatever its name."""

Content = tuple[str, bytes | Pixels | Failure]
"""What an item of a container is called, and its source."""

MOST_ENTRIES = 5_000_000
"""Of one archive. A row costs whoever reads the table more than its entry costs whoever packs it."""

MOST_BYTES = 100_000_000
"""Of one picture in an archive: it is held in memory until it is answered. A file by itself may have more."""


def is_picture(name: str) -> bool:
    """Whether a name ends as a picture's does."""
    stem, dot, ending = name.rpartition(".")
    return (dot + ending).lower() in SUFFIXES and stem != ""


def is_container(name: str) -> bool:
    """Whether a name ends as that of an archive or a table of pictures does."""
    from app.archives.sniff import by_ending

    return by_ending(name) != "file"


def is_companion(name: str) -> bool:
    """Whether a name is that of a file that is not meant as a picture: hidden, a system's own, or IDX labels."""
    from app.archives.entry import is_hidden
    from app.archives.sniff import holds_labels

    return is_hidden(name) or holds_labels(name)


def in_file(path: str, origin: bytes = b"") -> Iterator[Item]:
    """Yield the pictures in a file, or the file itself; what it is says its content.

    Args:
        path: of anything but a folder.
        origin: of the item where the file is not a container; entries of one have its size and time.
    """
    from app.archives.sniff import kind_of

    try:
        with open_file(path) as file:
            kind = kind_of(file, path)
            if kind != "file":
                yield from _in_container(path, file, kind)
                return
    except ImageError as error:
        yield Item(path, Failure(cast(Code, error.code), str(error)), origin)
        return
    except OSError as error:
        yield Item(path, Failure("unreadable", f"{path}: cannot be read ({error.strerror})."), origin)
        return
    yield Item(path, None, origin)


def _in_container(path: str, file: BinaryIO, kind: str) -> Iterator[Item]:
    state = os.fstat(file.fileno())
    origin = b"%d %d" % (state.st_size, state.st_mtime_ns)
    nothing = True
    for name, source in _READERS[kind](path, file):
        nothing = False
        yield Item(name, source, origin)
    if nothing:
        yield Item(path, Failure("empty", f"{path}: holds no pictures."), origin)


def _in_zip(path: str, file: BinaryIO) -> Iterator[Content]:
    from app.archives.zips import entries

    yield from map(_content, entries(path, file, _limits(file)))


def _in_tar(path: str, file: BinaryIO) -> Iterator[Content]:
    from app.archives.tars import entries

    yield from map(_content, entries(path, file, _limits(file)))


def _limits(file: BinaryIO) -> "Limits":
    from app.archives.entry import Limits, most_unpacked

    return Limits(MOST_ENTRIES, MOST_BYTES, most_unpacked(os.fstat(file.fileno()).st_size))


def _content(found: "Found") -> Content:
    if found.error:
        return found.name, Failure(cast(Code, found.error.code), str(found.error))
    return found.name, found.data


def _in_idx(path: str, file: BinaryIO) -> Iterator[Content]:
    from app.batch.inputs.idx import images

    return images(path, file)


def _in_parquet(path: str, file: BinaryIO) -> Iterator[Content]:
    from app.batch.inputs.parquet import images

    return images(path, file)


_READERS: dict[str, Callable[[str, BinaryIO], Iterator[Content]]] = {
    "zip": _in_zip,
    "tar": _in_tar,
    "idx": _in_idx,
    "parquet": _in_parquet,
}
