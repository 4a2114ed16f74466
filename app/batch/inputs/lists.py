"""A list of names, in a file or on stdin: one a line, or separated by NULs as ``find -print0`` writes them."""

import codecs
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO, cast

from app.batch.inputs.input import Failure, Input, failed
from inkwear.errors import ImageError
from inkwear.images.decode import open_file

BLOCK = 64 * 1024
"""Bytes that are read at once."""

MAX_NAME_BYTES = 32 * 1024
"""Bytes of one name; no operating system has longer ones."""

WHAT_TO_DO = "name pictures one a line in UTF-8, or with NULs between them; a picture itself is named, not sent"


class NameList:
    """The names in a list, which can be iterated over repeatedly; stdin is kept in a temporary file.

    A name is the whole line, relative to the current folder; empty lines are skipped.

    Args:
        path: the file with the list, or ``-``.
        stream: what ``-`` stands for, if not stdin.
    """

    def __init__(self, path: str, stream: BinaryIO | None = None) -> None:
        self.path = path
        self._stream = stream
        self._kept: BinaryIO | None = None

    def digest(self) -> bytes:
        """Return the SHA-256 of the list, up to where it can be read."""
        digest = hashlib.sha256()
        try:
            for block in self._blocks():
                digest.update(block)
        except (ImageError, OSError):
            pass
        return digest.digest()

    def __iter__(self) -> Iterator[str | Input]:
        """Yield the names, or where the list cannot be read or is none, an input that says so."""
        name = f"@{self.path}" if self.path != "-" else self.path
        is_empty = True
        try:
            for line in _lines(self._blocks()):
                is_empty = False
                yield os.fsdecode(line)
        except ImageError as error:
            yield Input(name, Failure.of(error))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            yield failed(name, "unreadable", f"the list cannot be read ({reason}); {WHAT_TO_DO}")
        else:
            if is_empty:
                yield failed(name, "empty", f"the list is empty; {WHAT_TO_DO}")

    def _blocks(self) -> Iterator[bytes]:
        if self.path == "-":
            file, place = self._stdin(), 0
            while block := os.pread(file.fileno(), BLOCK, place):
                place += len(block)
                yield block
        else:
            with open_file(self.path) as file:
                while block := file.read(BLOCK):
                    yield block

    def _stdin(self) -> BinaryIO:
        if self._kept is None:
            self._kept = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115, it vanishes with this object
            shutil.copyfileobj(self._stream or sys.stdin.buffer, self._kept)
            self._kept.flush()
        return self._kept


def _lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Split a list into its lines.

    Raises:
        ValueError: the data is not a list of names.
    """
    first = next(blocks, b"")
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError("it is UTF-16")
    end = b"\0" if b"\0" in first else b"\n"
    rest = b""
    for block in chain([first.removeprefix(codecs.BOM_UTF8)], blocks, [end]):
        *lines, rest = (rest + block).split(end)
        for line in lines:
            name = line.removesuffix(b"\r") if end == b"\n" else line
            if b"\0" in name or len(name) > MAX_NAME_BYTES:
                raise ValueError(f"it has a line of {len(name):,} bytes that is no name")
            if name:
                yield name
        if len(rest) > MAX_NAME_BYTES:
            raise ValueError(f"it has a line of {len(rest):,} bytes and more")
