"""One input of a batch: what its row is called, and where its picture is."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from inkwear.preprocess.spec import Pixels

Code = Literal[
    "missing",  # no such file
    "unreadable",  # it is there and may not, or cannot, be read
    "empty",
    "not_a_picture",  # none of the accepted formats
    "damaged",  # an accepted format, broken or cut short
    "too_large",  # more pixels or bytes than accepted
    "colour_mode",  # a mode without a known gray
    "archive_damaged",
    "archive_refused",  # a bomb, a password, an archive in an archive, too many entries
    "name_refused",  # an entry that points outside its archive
    "table_damaged",  # an IDX or Parquet file that breaks its format
    "labels",  # --labels has none, or an unknown one, for it
    "internal",  # an error of ours
]
"""Why an input has no answer; the batch's documentation says of each what to do about it."""

CODES: tuple[Code, ...] = get_args(Code)


@dataclass(frozen=True)
class Failure:
    """Why an input has no answer: for programs, and for people (what it was, what is accepted, what to do)."""

    code: Code
    sentence: str


@dataclass(frozen=True, eq=False)
class Item:
    """One input.

    Attributes:
        path: what its row is called: a file's path as given, ``scans.zip/a/5.png``, ``t10k-images-idx3-ubyte.gz#17``;
            bytes that are not UTF-8 are held as ``os.fsdecode`` does (surrogateescape).
        source: None: the file at ``path``, read by whoever decodes it; otherwise the encoded bytes, the pixels
            ((H, W) or (H, W, 3) uint8), or why there are none.
        origin: of where it was found (the listing of its folder; size and time of its archive): another one means that
            the inputs are not what they were.
    """

    path: str
    source: bytes | Pixels | Failure | None = None
    origin: bytes = b""

    def stamp(self) -> bytes:
        """What changes when the input changes."""
        return b"\0".join((os.fsencode(self.path), self.origin, self._state()))

    def _state(self) -> bytes:
        if self.source is not None:
            return b""
        try:
            found = os.stat(self.path)
        except OSError as error:
            return str(error.errno).encode()
        return b"%d %d" % (found.st_size, found.st_mtime_ns)


def stamp_of(items: Sequence[Item]) -> bytes:
    """SHA-256 over the stamps of a chunk; to be taken before its pictures are read, so that it is never newer."""
    return hashlib.sha256(b"\n".join(item.stamp() for item in items)).digest()
