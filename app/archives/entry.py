"""What is found in an archive, what is accepted of it, and what its names may be."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import PurePosixPath
from typing import Literal

from inkwear.images.decode import ImageError

MEGABYTE = 1_000_000

MOST_RATIO, SMALL = 200, MEGABYTE
"""How many times its packed size a picture may have; pictures are packed already. Below the second, nobody minds."""

LARGE_RATIO, LARGE = 10, 32 * MEGABYTE
"""The same of a picture that is large; drawings of few colours, which pack best, are not."""

LEAST_UNPACKED, MOST_UNPACKED = 2_000 * MEGABYTE, 100
"""Bytes that all entries of an archive may have together; or so many times its size, if that is more."""

PIECE = MEGABYTE
"""Bytes that are unpacked before the limits are looked at again."""

NOT_MEANT = {"__MACOSX", "Thumbs.db", "desktop.ini"}
"""What systems put into archives of their own accord, besides names that begin with a dot."""

ArchiveCode = Literal["archive_damaged", "archive_refused", "name_refused", "too_large", "unreadable"]


class ArchiveError(ImageError):
    """An archive, or something in it, that is not read; the message names it and says why."""

    def __init__(self, message: str, code: ArchiveCode = "archive_damaged") -> None:
        super().__init__(message, code)


@dataclass(frozen=True)
class Found:
    """One picture's bytes, or why there are none; ``name`` is archive/entry where it lay in an archive."""

    name: str
    data: bytes = b""
    error: ImageError | None = None


@dataclass(frozen=True)
class Limits:
    """What is accepted of one archive.

    Attributes:
        entries: how many.
        entry: bytes of one of them.
        unpacked: bytes of all of them; each is forgotten before the next is read.
    """

    entries: int
    entry: int
    unpacked: int

    def check_entries(self, name: str, count: int) -> None:
        if count > self.entries:
            raise ArchiveError(
                f"{name}: {count:,} entries; {self.entries:,} are accepted. Split the archive.", "archive_refused"
            )

    def check_unpacked(self, name: str, size: int) -> None:
        if size > self.unpacked:
            most = f"{self.unpacked / MEGABYTE:,.0f} MB"
            raise ArchiveError(f"{name}: more than {most} unpacked; the rest is not read.", "archive_refused")

    def check_entry(self, name: str, size: int) -> None:
        if size > self.entry:
            raise too_large(name, self.entry)


def most_unpacked(size: int) -> int:
    """What all entries of an archive of ``size`` bytes may have together, in bytes."""
    return max(LEAST_UNPACKED, MOST_UNPACKED * size)


def too_large(name: str, most: int) -> ArchiveError:
    return ArchiveError(f"{name}: more than the {most // MEGABYTE} MB accepted of one picture.", "too_large")


def nested(name: str) -> ArchiveError:
    said = f"{name}: an archive within an archive is not opened; unpack it, and name it by itself."
    return ArchiveError(said, "archive_refused")


def check_ratio(name: str, unpacked: int, packed: int) -> None:
    """Hold what an entry has unpacked to against the bytes it came from.

    Raises:
        ArchiveError: no picture packs so well.
    """
    for most, size in ((MOST_RATIO, SMALL), (LARGE_RATIO, LARGE)):
        if unpacked > max(size, most * packed):
            reason = f"unpacks to more than {most} times its size, as no picture of that size does"
            raise ArchiveError(f"{name}: {reason}; name it by itself, unpacked.", "archive_refused")


def read_whole(read: Callable[[int], bytes], size: int, check: Callable[[int], None] = lambda so_far: None) -> bytes:
    """Read ``size`` bytes, or as many as there are, in one piece of memory; ``check`` is told how many so far."""
    if size <= PIECE:
        return read(size)
    whole = io.BytesIO()
    while whole.tell() < size and (piece := read(min(PIECE, size - whole.tell()))):
        whole.write(piece)
        check(whole.tell())
    return whole.getvalue()


def check_name(archive: str, name: str) -> None:
    """Refuse the name of an entry that would lie outside the folder it was unpacked into.

    Raises:
        ArchiveError: ``name_refused``.
    """
    path = name.replace("\\", "/")
    for wrong, reason in (
        ("\0" in path, "has a NUL in its name"),
        (path.startswith("/"), "has an absolute path"),
        (re.match(r"[A-Za-z]:", path), "has a drive in its path"),
        (".." in path.split("/"), "leads out of the archive by '..'"),
        (not path.strip("/"), "has no name"),
    ):
        if wrong:
            raise ArchiveError(f"{full_name(archive, name)}: the entry {reason}; pack it again.", "name_refused")


def full_name(archive: str, name: str) -> str:
    """What the row of an entry is called."""
    return f"{archive}/{name.removeprefix('./')}".replace("\0", "\N{REPLACEMENT CHARACTER}")


def is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part in NOT_MEANT for part in PurePosixPath(name.replace("\\", "/")).parts)


def explained(name: str, error: Exception, within: bool = False) -> ArchiveError:
    """What a reader of archives raised, in our words: they raise whatever the damage suggests."""
    if isinstance(error, ArchiveError):
        return error
    if isinstance(error, OSError) and error.errno:
        return ArchiveError(f"{name}: cannot be read ({error.strerror}).", "unreadable")
    if isinstance(error, NotImplementedError):
        said = f"{name}: packed in a way that is not known here ({error}); pack it as ZIP or TAR."
        return ArchiveError(said, "archive_refused")
    if isinstance(error, LZMAError) and "limit" in str(error):
        return ArchiveError(f"{name}: unpacking it takes too much memory; pack it with xz -6.", "archive_refused")
    reason = str(error) or type(error).__name__
    if within:
        return ArchiveError(f"{name}: damaged in the archive ({reason}); pack it again.")
    return ArchiveError(f"{name}: the archive is damaged or cut short ({reason}); what it held before that was read.")
