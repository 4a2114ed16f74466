"""One input of a batch: the name that its row gets, and where its picture is."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Self, cast, get_args

from inkwear.errors import ImageError
from inkwear.preprocess.spec import Pixels

Code = Literal[
    "missing",  # no such file
    "unreadable",  # the file exists and cannot be read
    "empty",
    "not_a_picture",  # none of the accepted formats
    "damaged",  # an accepted format, broken or cut short
    "too_large",  # more pixels or bytes than accepted
    "colour_mode",  # a mode without a known gray
    "archive_damaged",
    "archive_refused",  # a bomb, a password, an archive in an archive, too many entries
    "name_refused",  # an entry that points outside its archive
    "table_damaged",  # an IDX or Parquet file that breaks its format
    "labels",  # --labels has no label for the input, or an unknown one
    "internal",  # a bug, or a process that died
]
"""Why an input has no answer; ``docs/batch.md`` says what to do about each."""

CODES: tuple[Code, ...] = get_args(Code)

MAX_ENTRIES = 5_000_000
"""Entries of one archive. A row costs the reader of the table more than its entry costs the maker of the archive."""

MAX_ENTRY_BYTES = 100_000_000
"""Bytes of one picture in an archive or a table, as it is held in memory until it is answered."""


@dataclass(frozen=True)
class Failure:
    """Why an input has no answer: a code for programs, and a sentence for people that ends in what to do."""

    code: Code
    sentence: str

    @classmethod
    def of(cls, error: ImageError) -> Self:
        return cls(cast(Code, error.code), str(error))


Source = bytes | Pixels | Failure
"""A picture that is in memory, encoded or as (H, W) or (H, W, 3) uint8 pixels; or why there is none."""

Content = tuple[str, Source]
"""The name and the source of an entry of an archive, or of a row of a table."""


@dataclass(frozen=True, eq=False)
class Input:
    """One input.

    Attributes:
        path: the name of its row: a file's path as given, ``scans.zip/a/5.png``, ``t10k-images-idx3-ubyte.gz#17``;
            bytes that are not UTF-8 are held as ``os.fsdecode`` does (surrogateescape).
        source: None where the picture is the file at ``path``, which is read when it is decoded.
        listing_digest: digest of the listing of its folder, or size and time of its archive; when it differs, the
            inputs have changed.
    """

    path: str
    source: Source | None = None
    listing_digest: bytes = b""

    @property
    def held_bytes(self) -> int:
        """How many bytes of its picture are in memory."""
        return len(self.source) if isinstance(self.source, bytes) else getattr(self.source, "nbytes", 0)

    def fingerprint(self) -> bytes:
        """Return bytes that change when the input changes."""
        return b"\0".join((os.fsencode(self.path), self.listing_digest, self._file_state()))

    def _file_state(self) -> bytes:
        if self.source is not None:
            return b""
        try:
            state = os.stat(self.path)
        except OSError as error:
            return str(error.errno).encode()
        return b"%d %d" % (state.st_size, state.st_mtime_ns)


Chunk = Sequence[Input]
"""Inputs that are answered together."""


class TableError(ValueError):
    """A table of pictures that breaks its format or holds none; the message says how."""


def failed(path: str, code: Code, reason: str, listing_digest: bytes = b"") -> Input:
    """Return an input whose row says that it cannot be read.

    Args:
        path: the name of its row.
        code: why, for programs.
        reason: the sentence after the name, without its full stop.
        listing_digest: that of the input.
    """
    return Input(path, Failure(code, f"{path}: {reason}."), listing_digest)


def or_else(inputs: Iterator[Input], fallback: Input) -> Iterator[Input]:
    """Yield the inputs, or the fallback where there are none."""
    yield next(inputs, fallback)
    yield from inputs


def fingerprint_of(chunk: Chunk) -> bytes:
    """Hash the fingerprints of a chunk (SHA-256). Call it before the pictures are read, so that it is never newer."""
    return hashlib.sha256(b"\n".join(item.fingerprint() for item in chunk)).digest()
