"""TAR archives, plain or compressed with gzip, bzip2 or xz, read once from front to end.

``tarfile`` parses the headers; its own iteration keeps all of them in memory, and trusts the sizes that they state.
The layout is that of POSIX.1-1988 (ustar), POSIX.1-2001 (pax) and GNU tar.
"""

import tarfile
from collections.abc import Iterator
from typing import BinaryIO

from app.archives.compression import READ_AHEAD, Stream
from app.archives.entry import (
    MEGABYTE,
    ArchiveError,
    Found,
    Limits,
    check_name,
    check_ratio,
    explain,
    full_name,
    nested,
    read_in_pieces,
    refused,
)
from app.archives.sniff import is_archive, is_hidden

BLOCK = tarfile.BLOCKSIZE

MAX_EXTRA_BYTES = MEGABYTE
"""Bytes of a long name, or of pax's settings, which stand before an entry."""

FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)

LEFT_OUT = (tarfile.DIRTYPE, b"D", b"V")
"""Types of entries that are no files: folders, GNU's lists of them, and the name of the volume."""


class Tar:
    """A TAR archive; ``pictures`` is what ``app.archives.pictures.entries`` yields, with its last error raised."""

    def __init__(self, name: str, file: BinaryIO, limits: Limits) -> None:
        self.name, self.stream, self.limits = name, Stream(file), limits

    def pictures(self) -> Iterator[Found]:
        count = 0
        while info := self._next():
            count += 1
            self.limits.check_entries(self.name, count)
            has_data = info.type in FILES or info.type not in tarfile.SUPPORTED_TYPES
            end = self.stream.position + (_in_blocks(info.size) if has_data else 0)
            name = full_name(self.name, info.name)
            try:
                if info.type not in LEFT_OUT:
                    check_name(self.name, info.name)
                    if not is_hidden(info.name):
                        yield Found(name, self._read(name, info))
            except ArchiveError as error:
                yield Found(name, error=error)
            except Exception as error:  # nothing behind a broken entry can be found
                yield Found(name, error=explain(name, error))
                return
            self._skip_to(end)

    def _read(self, name: str, info: tarfile.TarInfo) -> bytes:
        if info.type == tarfile.GNUTYPE_SPARSE or any(key.startswith("GNU.sparse") for key in info.pax_headers):
            raise refused(name, "a sparse file; pack it without --sparse.")
        if info.type not in FILES:
            raise ArchiveError(f"{name}: a link or a device, not a picture; pack what it leads to.", "name_refused")
        self.limits.check_entry(name, info.size)
        before = self.stream.consumed() - READ_AHEAD

        def check(so_far: int) -> None:
            if self.stream.is_compressed:
                check_ratio(name, so_far, self.stream.consumed() - before)

        data = read_in_pieces(self.stream.read, info.size, check)
        if len(data) < info.size:
            raise _cut_short()
        if is_archive(data):
            raise nested(name)
        return data

    def _skip_to(self, end: int) -> None:
        while self.stream.position < end:
            self.limits.check_total(self.name, self.stream.position)
            if not self.stream.read(min(MEGABYTE, end - self.stream.position)):
                raise _cut_short()

    def _next(self) -> tarfile.TarInfo | None:
        """Return the header of the next entry, with the name and settings that stand before it; None at the end."""
        long_name, pax = b"", dict[str, str]()
        while info := self._header():
            if info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
                text = self._extra(info).split(b"\0")[0]
                long_name = text if info.type == tarfile.GNUTYPE_LONGNAME else long_name
            elif info.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
                pax |= _settings(self._extra(info))
            elif info.type == tarfile.XGLTYPE:
                self._extra(info)
            else:
                info.pax_headers = pax
                info.name = pax.get("path") or long_name.decode("utf-8", "surrogateescape") or info.name
                info.size = int(pax.get("size", info.size))
                if info.size < 0:
                    raise tarfile.HeaderError("an entry of less than no bytes")
                return info
        if long_name or pax:
            raise _cut_short()
        return None

    def _header(self) -> tarfile.TarInfo | None:
        """Return the next header; archives may be concatenated, each with an end mark of zeros."""
        ended = False
        while block := self.stream.read(BLOCK):
            self.limits.check_total(self.name, self.stream.position)
            if block.strip(b"\0"):
                return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            ended = True
        if not ended:
            raise _cut_short()
        return None

    def _extra(self, info: tarfile.TarInfo) -> bytes:
        if not 0 <= info.size <= MAX_EXTRA_BYTES:
            raise refused(self.name, f"a name of {info.size:,} bytes, as in a bomb.")
        data = self.stream.read(_in_blocks(info.size))
        if len(data) < info.size:
            raise _cut_short()
        return data[: info.size]


def _in_blocks(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _cut_short() -> EOFError:
    return EOFError("it ends too early")


def _settings(data: bytes) -> dict[str, str]:
    """Parse the ``length key=value`` lines of a pax header."""
    settings = {}
    while data:
        length, _, _ = data.partition(b" ")
        line, data = data[: int(length)], data[int(length) :]
        key, equals, value = line[len(length) + 1 : -1].partition(b"=")
        if not (equals and line.endswith(b"\n") and len(line) == int(length)):
            raise tarfile.HeaderError("a broken pax header")
        settings[key.decode("utf-8", "surrogateescape")] = value.decode("utf-8", "surrogateescape")
    return settings
