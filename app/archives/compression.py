"""Decompresses gzip, bzip2 and xz as a stream that knows its position before and after decompression."""

import bz2
import gzip
import io
import lzma
from typing import Any, BinaryIO

GZIP, BZIP2, XZ = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00"

READ_AHEAD = 128 * 1024
"""Compressed bytes that may have been read and not decompressed yet."""

MAX_XZ_MEMORY = 80_000_000
"""Bytes that the window of an xz stream may take: files of xz -9 need 68 MB."""


class Stream:
    """Reads a file, decompressed where it is compressed.

    Attributes:
        position: how many bytes ``read`` has returned.
        is_compressed: whether the file is compressed.
    """

    def __init__(self, file: BinaryIO) -> None:
        file.seek(0)
        head = file.read(6)
        file.seek(0)
        self.position = 0
        self._file = file
        self._reader = _reader(head, file)
        self.is_compressed = self._reader is not file

    def read(self, size: int) -> bytes:
        """Read ``size`` bytes; fewer only at the end."""
        data: bytes = self._reader.read(size)
        self.position += len(data)
        return data

    def consumed(self) -> int:
        """Return how many bytes of the file were read."""
        return self._file.tell()


def is_compressed(head: bytes) -> bool:
    return head.startswith((GZIP, BZIP2, XZ))


def _reader(head: bytes, file: BinaryIO) -> Any:
    if head.startswith(GZIP):
        return gzip.GzipFile(fileobj=file)
    if head.startswith(BZIP2):
        return bz2.BZ2File(file)
    return io.BufferedReader(_Xz(file), READ_AHEAD) if head.startswith(XZ) else file


class _Xz(io.RawIOBase):
    """Replaces ``lzma.LZMAFile``, which has no memory limit: a header of 12 bytes may ask for a window of 4 GB."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decompressor = self._new()

    def _new(self) -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_XZ_MEMORY)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = b""
        while not data:
            compressed = self._compressed()
            if compressed is None:
                return 0
            data = self._decompressor.decompress(compressed, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _compressed(self) -> bytes | None:
        """Return the next compressed bytes; None after the last stream of the file."""
        if self._decompressor.eof:
            rest = (self._decompressor.unused_data or self._file.read(READ_AHEAD)).lstrip(b"\0")
            if not rest:
                return None
            self._decompressor = self._new()
            return rest
        if not self._decompressor.needs_input:
            return b""
        compressed = self._file.read(READ_AHEAD)
        if not compressed:
            raise EOFError("it ends too early")
        return compressed
