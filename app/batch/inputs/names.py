"""Any number of names in order, of which few are in memory."""

import hashlib
import heapq
import os
import tempfile
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import BinaryIO

RUN = 50_000
"""Names that are sorted in memory; more wait in a temporary file, in sorted runs that are merged."""

MERGED = 10_000
"""Names that are written at once."""

BLOCK = 64 * 1024
"""Bytes of it that are read at once."""


class Names:
    """A set of names, gone through in order as often as one likes; none may hold a NUL.

    Adding ends with the first look at them.
    """

    def __init__(self) -> None:
        self._names: list[str] = []
        self._runs: list[tuple[int, int]] = []
        self._file: BinaryIO | None = None
        self._digest = b""

    def add(self, name: str) -> None:
        self._names.append(name)
        if len(self._names) == RUN:
            self._put_down()

    def digest(self) -> bytes:
        """SHA-256 over the names in order."""
        if not self._digest:
            self._digest = self._merged() if self._runs else self._sorted()
        return self._digest

    def __iter__(self) -> Iterator[str]:
        self.digest()
        return self._run(*self._runs[0]) if self._runs else iter(self._names)

    def _sorted(self) -> bytes:
        self._names = sorted(set(self._names))
        return hashlib.sha256(_joined(self._names)).digest()

    def _put_down(self) -> None:
        if self._file is None:
            self._file = _temporary()
        self._names.sort()
        start = self._file.tell()
        self._file.write(_joined(self._names))
        self._runs.append((start, self._file.tell()))
        self._names = []

    def _merged(self) -> bytes:
        """Make one run of all, in a file of its own."""
        self._put_down()
        assert self._file
        self._file.flush()
        digest, file = hashlib.sha256(), _temporary()
        in_order = (name for name, _ in groupby(heapq.merge(*(self._run(*run) for run in self._runs))))
        while names := list(islice(in_order, MERGED)):
            text = _joined(names)
            digest.update(text)
            file.write(text)
        file.flush()
        self._file.close()
        self._file, self._runs = file, [(0, file.tell())]
        return digest.digest()

    def _run(self, start: int, end: int) -> Iterator[str]:
        assert self._file
        rest = b""
        for place in range(start, end, BLOCK):
            *names, rest = (rest + os.pread(self._file.fileno(), min(BLOCK, end - place), place)).split(b"\0")
            yield from map(os.fsdecode, names)


def _temporary() -> BinaryIO:
    return tempfile.TemporaryFile()  # without a name; it vanishes with its last user


def _joined(names: Iterable[str]) -> bytes:
    return os.fsencode("".join(f"{name}\0" for name in names))
