"""What a file is, from how it begins; its name is asked only where that says nothing."""

import struct
from tarfile import BLOCKSIZE, HeaderError, TarInfo
from typing import BinaryIO, Literal

from app.archives.compression import Stream, is_packed

Kind = Literal["zip", "tar", "idx", "parquet", "file"]

HEAD = 2 * BLOCKSIZE

ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
"""How a ZIP archive begins (APPNOTE.TXT, 4.3): with an entry, empty, or split."""

PARQUET = b"PAR1"

OTHER_ARCHIVES = (b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x28\xb5\x2f\xfd")
"""7-Zip, RAR and Zstandard: not opened, only known."""

PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""JPEG, PNG and TIFF: no archive begins so."""

LIKE_PICTURES = (b"GIF8", b"RIFF", b"BM")
"""GIF, WebP and BMP, or a TAR whose first file has a name like this."""

ENDINGS: dict[str, Kind] = {
    ".zip": "zip",
    ".tar": "tar",
    ".tar.gz": "tar",
    ".tgz": "tar",
    ".tar.bz2": "tar",
    ".tar.xz": "tar",
    "-ubyte": "idx",
    "-ubyte.gz": "idx",
    ".parquet": "parquet",
}
"""By which a folder's archives and tables are known, and those that are damaged from their first byte on."""


def kind_of(file: BinaryIO, name: str) -> Kind:
    """Look at how a file begins, within its packing if it has one; it is left at its beginning."""
    head = file.read(HEAD)
    if not head or head.startswith(PICTURES):
        file.seek(0)
        return "file"
    if is_packed(head):
        head = _unpacked(file)
    file.seek(0)
    return kind_of_bytes(head) or ("file" if head.startswith(PICTURES + LIKE_PICTURES) else by_ending(name))


def _unpacked(file: BinaryIO) -> bytes:
    try:
        return Stream(file).read(HEAD)
    except Exception:  # damaged from the start: the reader of its kind will say so
        return b""


def kind_of_bytes(head: bytes) -> Kind | None:
    """The kind of an archive or a table; None for anything else."""
    if head.startswith(ZIP):
        return "zip"
    if head.startswith(PARQUET):
        return "parquet"
    if _is_tar(head):
        return "tar"
    return "idx" if is_idx(head) else None


def is_idx(head: bytes) -> bool:
    """Two zeros, the type of a value, the number of dimensions: yann.lecun.com/exdb/mnist."""
    return len(head) >= 4 and head[:2] == b"\0\0" and head[2] in b"\x08\x09\x0b\x0c\x0d\x0e" and 1 <= head[3] <= 4


def _is_tar(head: bytes) -> bool:
    """Whether there is the header of an entry, with its right checksum, or the end mark of an empty archive."""
    if len(head) >= HEAD and not any(head[:HEAD]):
        return True
    try:
        TarInfo.frombuf(head[:BLOCKSIZE], "utf-8", "surrogateescape")
    except (HeaderError, ValueError, struct.error):
        return False
    return True


def holds_labels(name: str) -> bool:
    """Whether a file's name is that of an IDX file of labels."""
    lower = name.lower()
    return "idx1" in lower and lower.endswith(("-ubyte", "-ubyte.gz"))


def by_ending(name: str) -> Kind:
    """What a file's name promises. IDX files of labels promise nothing: they hold no pictures."""
    lower = name.lower()
    if holds_labels(lower):
        return "file"
    return next((kind for ending, kind in ENDINGS.items() if lower.endswith(ending)), "file")


def is_archive(data: bytes) -> bool:
    """Whether an entry of an archive is an archive, or a table, itself."""
    known = (*ZIP, PARQUET, *OTHER_ARCHIVES)
    return data.startswith(known) or is_packed(data) or is_idx(data) or data[257:262] == b"ustar"
