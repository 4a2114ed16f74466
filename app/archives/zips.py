"""ZIP archives, whose table of contents is read piece by piece, so that memory does not grow with it.

``zipfile`` finds that table and decompresses the entries; its own reader would keep all of the table in memory. The
layout is that of APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory), 4.5.3 (ZIP64), 4.6.9
(Unicode path).
"""

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from stat import S_IFLNK, S_IFMT
from typing import BinaryIO

from app.archives.entry import (
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

LOCAL, CENTRAL = struct.Struct("<4s22xHH"), struct.Struct("<4s4B4HL2L5H2L")

BLOCK = 256 * 1024
"""Bytes of the table of contents that are read at once."""

MAX_LINE_BYTES = CENTRAL.size + 3 * 0xFFFF
"""Bytes of one entry's line in it: name, extra fields and comment have a length of 16 bits each."""

ENCRYPTED, UTF8 = 0x1 | 0x40, 0x800
"""Flags of an entry: simple or strong encryption; a name in UTF-8."""

DOS = 0
"""Number of the operating system that made an entry; it decides the encoding of a name without a flag."""


@dataclass(frozen=True)
class Entry:
    """One line of the table of contents."""

    name: str
    raw_name: bytes
    info: zipfile.ZipInfo = field(repr=False)


class Zip:
    """A ZIP archive; ``pictures`` is what ``app.archives.pictures.entries`` yields, with its last error raised."""

    def __init__(self, name: str, file: BinaryIO, limits: Limits) -> None:
        self.name, self.file, self.limits = name, file, limits

    def pictures(self) -> Iterator[Found]:
        size = self.file.seek(0, os.SEEK_END)
        contents = _Contents(self.name, self.file)
        self.limits.check_entries(self.name, contents.count)
        count = compressed = unpacked = 0
        for entry in contents:
            count += 1
            self.limits.check_entries(self.name, count)
            compressed += entry.info.compress_size
            if compressed > size:
                raise refused(self.name, "its entries overlap, as in a bomb; the rest is not read.")
            if entry.name.endswith("/"):
                continue
            name = full_name(self.name, entry.name)
            try:
                check_name(self.name, entry.name)
                if is_hidden(entry.name):
                    continue
                self._check(name, entry.info)
            except ArchiveError as error:
                yield Found(name, error=error)
                continue
            unpacked += entry.info.file_size
            self.limits.check_total(self.name, unpacked)
            yield self._read(name, entry)
        if count & 0xFFFF != contents.count & 0xFFFF:
            raise ArchiveError(f"{self.name}: damaged: it promises {contents.count:,} entries and has {count:,}.")

    def _check(self, name: str, info: zipfile.ZipInfo) -> None:
        if info.flag_bits & ENCRYPTED:
            raise refused(name, "locked with a password; pack it without.")
        if info.create_system != DOS and S_IFMT(info.external_attr >> 16) == S_IFLNK:
            raise ArchiveError(f"{name}: a link, not a picture; pack what it leads to.", "name_refused")
        self.limits.check_entry(name, info.file_size)
        check_ratio(name, info.file_size, info.compress_size)

    def _read(self, name: str, entry: Entry) -> Found:
        """Read one entry, at most the bytes that the table of contents states."""
        try:
            self._seek_to(entry)
            with zipfile.ZipExtFile(self.file, "r", entry.info) as compressed:
                data = read_in_pieces(compressed.read, entry.info.file_size)
            if len(data) != entry.info.file_size:
                raise EOFError(f"{len(data):,} of {entry.info.file_size:,} bytes")
        except Exception as error:  # from BadZipFile to struct.error, and zlib's, lzma's and bz2's errors
            return Found(name, error=explain(name, error, is_entry=True))
        return Found(name, error=nested(name)) if is_archive(data) else Found(name, data)

    def _seek_to(self, entry: Entry) -> None:
        """Seek past the entry's own header, whose name must be that in the table of contents."""
        self.file.seek(entry.info.header_offset)
        signature, name_length, extra_length = LOCAL.unpack(self.file.read(LOCAL.size))
        if signature != b"PK\x03\x04" or self.file.read(name_length) != entry.raw_name:
            raise zipfile.BadZipFile("its header is not what the table of contents says")
        self.file.seek(extra_length, os.SEEK_CUR)


class _Contents:
    """The table of contents, read from the file in each iteration.

    Attributes:
        count: the number of entries that the archive promises.
    """

    def __init__(self, name: str, file: BinaryIO) -> None:
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]  # the only function there that knows ZIP64
        if not end:
            raise ArchiveError(f"{name}: the archive is damaged or cut short (it has no table of contents).")
        signature, self.count, self._size, offset, place = end[0], end[4], end[5], end[6], end[9]
        if signature == b"PK\x06\x06":
            place -= 56 + 20  # ZIP64's own end record and its locator
        self._file = file
        self._start = place - self._size
        self._before = self._start - offset  # bytes before the archive, as in a self-extracting one
        if self._start < 0 or self._before < 0:
            raise ArchiveError(f"{name}: the archive is damaged or cut short (its table of contents is misplaced).")

    def __iter__(self) -> Iterator[Entry]:
        block, used, place, end = b"", 0, self._start, self._start + self._size
        while used < len(block) or place < end:
            if len(block) - used < MAX_LINE_BYTES and place < end:
                self._file.seek(place)
                more = self._file.read(min(BLOCK, end - place))
                block, used, place = block[used:] + more, 0, place + len(more)
            entry, length = self._entry(block, used)
            used += length
            if used > len(block):
                raise zipfile.BadZipFile("its table of contents breaks off")
            yield entry

    def _entry(self, block: bytes, start: int) -> tuple[Entry, int]:
        values = CENTRAL.unpack_from(block, start)
        signature, system, flags, method, crc = values[0], values[2], values[5], values[6], values[9]
        if signature != b"PK\x01\x02":
            raise zipfile.BadZipFile("its table of contents breaks off")
        sizes, (name_length, extra_length, comment_length) = values[10:12], values[12:15]
        name_end = start + CENTRAL.size + name_length
        raw_name, extra = block[start + CENTRAL.size : name_end], block[name_end : name_end + extra_length]
        fields = dict(_fields(extra))
        info = zipfile.ZipInfo()
        info.flag_bits, info.compress_type, info.CRC, info.create_system = flags, method, crc, system
        info.external_attr = values[17]
        info.compress_size, info.file_size, offset = _sizes(sizes[0], sizes[1], values[18], fields.get(1, b""))
        info.header_offset = self._before + offset
        length = CENTRAL.size + name_length + extra_length + comment_length
        return Entry(_text(raw_name, flags, system, fields.get(0x7075, b"")), raw_name, info), length


def _fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        yield kind, extra[4 : 4 + length]
        extra = extra[4 + length :]


def _sizes(compressed: int, unpacked: int, offset: int, zip64: bytes) -> tuple[int, int, int]:
    """Return both sizes and the offset of an entry; those beyond 32 bits are in the ZIP64 field, in another order."""
    wide = iter(struct.unpack_from(f"<{len(zip64) // 8}Q", zip64))
    unpacked, compressed, offset = (
        next(wide, value) if value == 0xFFFFFFFF else value for value in (unpacked, compressed, offset)
    )
    return compressed, unpacked, offset


def _text(raw: bytes, flags: int, system: int, unicode_path: bytes) -> str:
    """Decode an entry's name: as UTF-8 where that is flagged or works, else as DOS's code page or Unix's raw bytes."""
    if len(unicode_path) > 5 and struct.unpack_from("<L", unicode_path, 1)[0] == zlib.crc32(raw):
        return unicode_path[5:].decode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp437") if system == DOS and not flags & UTF8 else raw.decode("utf-8", "surrogateescape")
