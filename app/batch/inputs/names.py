"""A sorted set of any number of names, of which few are in memory."""

import hashlib
import heapq
import os
import tempfile
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import BinaryIO

MAX_NAMES_IN_MEMORY = 50_000
"""Names that are sorted in memory; more are kept in a temporary file, as sorted runs that are merged."""

WRITTEN_AT_ONCE = 10_000
"""Names that are written at once while runs are merged."""

BLOCK = 64 * 1024
"""Bytes of the file that are read at once."""


class Names:
    """A set of names that can be iterated over in order repeatedly; no name may hold a NUL.

    Once ``digest`` was called or an iteration has begun, nothing more can be added.
    """

    def __init__(self) -> None:
        self._names: list[str] = []
        self._runs: list[tuple[int, int]] = []
        self._file: BinaryIO | None = None
        self._digest = b""

    def add(self, name: str) -> None:
        self._names.append(name)
        if len(self._names) == MAX_NAMES_IN_MEMORY:
            self._write_run()

    def digest(self) -> bytes:
        """Return the SHA-256 of the names in order."""
        if not self._digest:
            self._digest = self._merge() if self._runs else self._sort()
        return self._digest

    def __iter__(self) -> Iterator[str]:
        self.digest()
        return self._run(*self._runs[0]) if self._runs else iter(self._names)

    def _sort(self) -> bytes:
        self._names = sorted(set(self._names))
        return hashlib.sha256(_joined(self._names)).digest()

    def _write_run(self) -> None:
        if self._file is None:
            self._file = _temporary_file()
        self._names.sort()
        start = self._file.tell()
        self._file.write(_joined(self._names))
        self._runs.append((start, self._file.tell()))
        self._names = []

    def _merge(self) -> bytes:
        """Merge all runs into one, in a new file; return its digest."""
        self._write_run()
        assert self._file
        self._file.flush()
        digest, file = hashlib.sha256(), _temporary_file()
        in_order = (name for name, _ in groupby(heapq.merge(*(self._run(*run) for run in self._runs))))
        while names := list(islice(in_order, WRITTEN_AT_ONCE)):
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


def _temporary_file() -> BinaryIO:
    return tempfile.TemporaryFile()  # without a name; it vanishes with its last user


def _joined(names: Iterable[str]) -> bytes:
    return os.fsencode("".join(f"{name}\0" for name in names))
