"""What gzip, bzip2 and xz packed, as a stream that says how far it is on both sides."""

import bz2
import gzip
import io
import lzma
from typing import Any, BinaryIO

GZIP, BZIP2, XZ = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00"

READ_AHEAD = 128 * 1024
"""Packed bytes that may have been read and not unpacked yet."""

MOST_MEMORY = 80_000_000
"""Of an xz stream's window: xz -9 needs 68 MB to unpack."""


class Stream:
    """Bytes from a file, unpacked where it is packed.

    Attributes:
        place: how many bytes were read.
        is_packed: whether less than that was taken from the file.
    """

    def __init__(self, file: BinaryIO) -> None:
        file.seek(0)
        head = file.read(6)
        file.seek(0)
        self.place = 0
        self._file = file
        self._reader = _reader(head, file)
        self.is_packed = self._reader is not file

    def read(self, size: int) -> bytes:
        """Read so many bytes; fewer only at the end."""
        data: bytes = self._reader.read(size)
        self.place += len(data)
        return data

    def taken(self) -> int:
        """How many bytes of the file were read."""
        return self._file.tell()


def is_packed(head: bytes) -> bool:
    return head.startswith((GZIP, BZIP2, XZ))


def _reader(head: bytes, file: BinaryIO) -> Any:
    if head.startswith(GZIP):
        return gzip.GzipFile(fileobj=file)
    if head.startswith(BZIP2):
        return bz2.BZ2File(file)
    return io.BufferedReader(_Xz(file), READ_AHEAD) if head.startswith(XZ) else file


class _Xz(io.RawIOBase):
    """As ``lzma.LZMAFile``, which knows no limit of memory: a header of 12 bytes may ask for a window of 4 GB."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._machine = self._new()

    def _new(self) -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_MEMORY)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = b""
        while not data:
            packed = self._packed()
            if packed is None:
                return 0
            data = self._machine.decompress(packed, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _packed(self) -> bytes | None:
        """The next packed bytes; None after the last stream of the file."""
        if self._machine.eof:
            rest = (self._machine.unused_data or self._file.read(READ_AHEAD)).lstrip(b"\0")
            if not rest:
                return None
            self._machine = self._new()
            return rest
        if not self._machine.needs_input:
            return b""
        packed = self._file.read(READ_AHEAD)
        if not packed:
            raise EOFError("it ends too early")
        return packed
