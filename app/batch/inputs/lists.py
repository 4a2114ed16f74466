"""A list of names, in a file or on stdin: one a line, or, as ``find -print0`` writes them, with NULs between them."""

import codecs
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO, cast

from app.batch.inputs.item import Code, Failure, Item
from inkwear.images.decode import ImageError, open_file

BLOCK = 64 * 1024
"""Bytes that are read at once."""

LONGEST = 32 * 1024
"""Bytes of a name; no system has longer ones."""

NO_LIST = "name pictures one a line in UTF-8, or with NULs between them; a picture itself is named, not sent"


class NameList:
    """The names of a list, gone through as often as one likes; stdin is kept in a temporary file.

    A name is taken as it stands, to the end of its line, and seen from the current folder; empty lines are skipped.
    """

    def __init__(self, path: str, stream: BinaryIO | None = None) -> None:
        """Of a file, or of ``stream``, which is stdin unless something else is given, under the name ``-``."""
        self.path = path
        self._stream = stream
        self._kept: BinaryIO | None = None

    def digest(self) -> bytes:
        """SHA-256 of the list as it stands; of nothing where it cannot be read."""
        digest = hashlib.sha256()
        try:
            for block in self._blocks():
                digest.update(block)
        except (ImageError, OSError):
            pass
        return digest.digest()

    def __iter__(self) -> Iterator[str | Item]:
        """Yield the names, and where the list itself cannot be read or is none, an item that says so."""
        name = f"@{self.path}" if self.path != "-" else self.path
        nothing = True
        try:
            for line in _lines(self._blocks()):
                nothing = False
                yield os.fsdecode(line)
        except ImageError as error:
            yield Item(name, Failure(cast(Code, error.code), str(error)))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            yield Item(name, Failure("unreadable", f"{name}: the list cannot be read ({reason}); {NO_LIST}."))
        else:
            if nothing:
                yield Item(name, Failure("empty", f"{name}: the list is empty; {NO_LIST}."))

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
    """Cut a list into its lines.

    Raises:
        ValueError: this is no list of names.
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
            if b"\0" in name or len(name) > LONGEST:
                raise ValueError(f"it has a line of {len(name):,} bytes that is no name")
            if name:
                yield name
        if len(rest) > LONGEST:
            raise ValueError(f"it has a line of {len(rest):,} bytes and more")
