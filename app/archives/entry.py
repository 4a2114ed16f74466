"""One entry of an archive: its picture or its error, and the limits and names that are accepted."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from lzma import LZMAError
from typing import Literal

from inkwear.errors import ImageError

MEGABYTE = 1_000_000

RATIO_LIMITS = ((200, MEGABYTE), (10, 32 * MEGABYTE))
"""Pairs of a ratio and a size in bytes: a picture above the size may have at most ratio times its compressed size.

Most pictures are compressed already; drawings of few colors, which are not, are small.
"""

ALWAYS_UNPACKED = 2_000 * MEGABYTE
"""Bytes that all entries of any archive may have together."""

MAX_TOTAL_RATIO = 100
"""How many times its size all entries of a large archive may have together."""

PIECE = MEGABYTE
"""Bytes that are decompressed before the limits are checked again."""

ArchiveCode = Literal["archive_damaged", "archive_refused", "name_refused", "too_large", "unreadable"]


class ArchiveError(ImageError):
    """An archive, or an entry of one, that is not read; the message names it and says why."""

    def __init__(self, message: str, code: ArchiveCode = "archive_damaged") -> None:
        super().__init__(message, code)


@dataclass(frozen=True)
class Found:
    """One picture's bytes, or why there are none; ``name`` is archive/entry for a picture in an archive."""

    name: str
    data: bytes = b""
    error: ImageError | None = None


@dataclass(frozen=True)
class Limits:
    """How much of one archive is accepted.

    Attributes:
        entries: how many entries.
        entry_bytes: bytes of one entry.
        total_bytes: bytes of all entries; each is forgotten before the next is read.
    """

    entries: int
    entry_bytes: int
    total_bytes: int

    def check_entries(self, name: str, count: int) -> None:
        if count > self.entries:
            raise refused(name, f"{count:,} entries; {self.entries:,} are accepted. Split the archive.")

    def check_total(self, name: str, size: int) -> None:
        if size > self.total_bytes:
            raise refused(name, f"more than {self.total_bytes / MEGABYTE:,.0f} MB unpacked; the rest is not read.")

    def check_entry(self, name: str, size: int) -> None:
        if size > self.entry_bytes:
            raise too_large(name, self.entry_bytes)


def max_unpacked(size: int) -> int:
    """Return how many bytes all entries of an archive of ``size`` bytes may have together."""
    return max(ALWAYS_UNPACKED, MAX_TOTAL_RATIO * size)


def refused(name: str, reason: str) -> ArchiveError:
    return ArchiveError(f"{name}: {reason}", "archive_refused")


def too_large(name: str, max_bytes: int) -> ArchiveError:
    return ArchiveError(f"{name}: more than the {max_bytes // MEGABYTE} MB accepted of one picture.", "too_large")


def nested(name: str) -> ArchiveError:
    return refused(name, "an archive within an archive is not opened; unpack it, and name it by itself.")


def check_ratio(name: str, unpacked: int, compressed: int) -> None:
    """Compare the size of an entry with the bytes it was decompressed from.

    Args:
        name: the entry's, for the error.
        unpacked: bytes after decompression, so far.
        compressed: bytes before it.

    Raises:
        ArchiveError: no picture compresses that well.
    """
    for ratio, size in RATIO_LIMITS:
        if unpacked > max(size, ratio * compressed):
            reason = f"unpacks to more than {ratio} times its size, as no picture of that size does"
            raise refused(name, f"{reason}; name it by itself, unpacked.")


def read_in_pieces(read: Callable[[int], bytes], size: int, check: Callable[[int], None] = lambda _: None) -> bytes:
    """Read ``size`` bytes, or as many as there are, with limits checked in between.

    Args:
        read: reads up to the given number of bytes.
        size: how many to read.
        check: raises where the number of bytes so far is too large.
    """
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
    for is_wrong, reason in (
        ("\0" in path, "has a NUL in its name"),
        (path.startswith("/"), "has an absolute path"),
        (re.match(r"[A-Za-z]:", path), "has a drive in its path"),
        (".." in path.split("/"), "leads out of the archive by '..'"),
        (not path.strip("/"), "has no name"),
    ):
        if is_wrong:
            raise ArchiveError(f"{full_name(archive, name)}: the entry {reason}; pack it again.", "name_refused")


def full_name(archive: str, name: str) -> str:
    """Return the name of an entry's row."""
    return f"{archive}/{name.removeprefix('./')}".replace("\0", "\N{REPLACEMENT CHARACTER}")


def explain(name: str, error: Exception, is_entry: bool = False) -> ArchiveError:
    """Describe whatever a reader of archives raised: the type depends on the damage.

    Args:
        name: the archive's or the entry's.
        error: the exception.
        is_entry: whether the damage is in an entry, and the entries behind it can still be read.
    """
    if isinstance(error, ArchiveError):
        return error
    if isinstance(error, OSError) and error.errno:
        return ArchiveError(f"{name}: cannot be read ({error.strerror}).", "unreadable")
    if isinstance(error, NotImplementedError):
        return refused(name, f"packed in a way that is not known here ({error}); pack it as ZIP or TAR.")
    if isinstance(error, LZMAError) and "limit" in str(error):
        return refused(name, "unpacking it takes too much memory; pack it with xz -6.")
    reason = str(error) or type(error).__name__
    if is_entry:
        return ArchiveError(f"{name}: damaged in the archive ({reason}); pack it again.")
    return ArchiveError(f"{name}: the archive is damaged or cut short ({reason}); what it held before that was read.")
