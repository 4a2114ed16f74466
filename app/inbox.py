"""Where pictures come from: files as they are, and ZIP archives, read one picture at a time and never unpacked."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from exports.images import ImageError

MEGABYTE = 1_000_000

MOST_BYTES = 200 * MEGABYTE
"""Of one picture: a 50-megapixel TIFF has 150 MB."""

MOST_ENTRIES = 20_000
"""Of one archive."""

MOST_UNPACKED = 20_000 * MEGABYTE
"""Of one archive, all its pictures together; each of them is forgotten before the next is read."""

MOST_RATIO, SMALL = 200, MEGABYTE
"""How many times its packed size a picture may have; pictures are packed already. Below the second, nobody minds."""

LONGEST_DIRECTORY = 16 * MEGABYTE
"""Bytes of an archive's table of contents, which is read at once."""

ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
"""How a ZIP archive begins (APPNOTE.TXT, 4.3): with an entry, empty, or split."""

NOT_MEANT = {"__MACOSX", "Thumbs.db", "desktop.ini"}
"""What systems put into archives of their own accord, besides names that begin with a dot."""


class ArchiveError(ImageError):
    """An archive, or something in it, that is not read; the message names it and says why."""


@dataclass(frozen=True)
class Found:
    """One picture's bytes, or why there are none; ``name`` is archive/entry where it lay in an archive."""

    name: str
    data: bytes = b""
    error: ImageError | None = None


def pictures_in(name: str, file: BinaryIO) -> Iterator[Found]:
    """Yield what a file holds: itself, or the pictures of an archive in its own order.

    Args:
        name: what to call it.
        file: anything that can be read and sought; it must stay open meanwhile.
    """
    start = file.read(4)
    file.seek(0)
    if start in ZIP:
        yield from _in_archive(name, file)
    else:
        data = file.read(MOST_BYTES + 1)
        yield Found(name, error=_too_large(name)) if len(data) > MOST_BYTES else Found(name, data)


def _in_archive(name: str, file: BinaryIO) -> Iterator[Found]:
    try:
        _check_directory(name, file)
        archive = zipfile.ZipFile(file)
    except ArchiveError as error:
        yield Found(name, error=error)
        return
    except Exception as error:  # zipfile raises whatever the damage suggests, from BadZipFile to struct.error
        yield Found(name, error=ArchiveError(f"{name}: the archive is damaged or cut short ({error})."))
        return
    unpacked = 0
    with archive:
        for entry in archive.infolist():
            if entry.is_dir() or _is_hidden(entry.filename):
                continue
            unpacked += entry.file_size
            if unpacked > MOST_UNPACKED:
                most = f"{MOST_UNPACKED // MEGABYTE:,} MB"
                yield Found(name, error=ArchiveError(f"{name}: more than {most} unpacked; the rest is not read."))
                return
            yield _entry(archive, entry, f"{name}/{entry.filename}")


def _check_directory(name: str, file: BinaryIO) -> None:
    """Hold the size of the table of contents against what is accepted, before all of it is read."""
    ends = zipfile._EndRecData(file)  # type: ignore[attr-defined]  # its only reader that knows ZIP64
    if not ends:
        raise ArchiveError(f"{name}: the archive is damaged or cut short (it has no table of contents).")
    entries, size = ends[4], ends[5]
    if entries > MOST_ENTRIES or size > LONGEST_DIRECTORY:
        raise ArchiveError(f"{name}: {entries:,} entries; {MOST_ENTRIES:,} are accepted. Split the archive.")


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") or part in NOT_MEANT for part in PurePosixPath(path.replace("\\", "/")).parts)


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> Found:
    """Read one entry, and no more of it than the archive says it has."""
    try:
        _check_entry(entry, name)
        with archive.open(entry) as file:
            data = file.read(MOST_BYTES)
        if data.startswith(ZIP):
            raise ArchiveError(f"{name}: an archive within an archive is not opened; send it by itself.")
    except ArchiveError as error:
        return Found(name, error=error)
    except Exception as error:  # as above, and zlib's, lzma's and bz2's errors
        return Found(name, error=ArchiveError(f"{name}: damaged in the archive ({error}); pack it again."))
    return Found(name, data)


def _check_entry(entry: zipfile.ZipInfo, name: str) -> None:
    if entry.flag_bits & 1:
        raise ArchiveError(f"{name}: locked with a password; pack it without.")
    if entry.file_size > MOST_BYTES:
        raise _too_large(name)
    if entry.file_size > max(SMALL, MOST_RATIO * entry.compress_size):
        raise ArchiveError(f"{name}: unpacks to more than {MOST_RATIO} times its size, as no picture does.")


def _too_large(name: str) -> ArchiveError:
    return ArchiveError(f"{name}: more than the {MOST_BYTES // MEGABYTE} MB accepted of one picture.")
