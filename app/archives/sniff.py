"""Recognizes a file by its first bytes; its name counts only where these do not decide."""

import struct
from pathlib import PurePosixPath
from tarfile import BLOCKSIZE, HeaderError, TarInfo
from typing import BinaryIO, Literal

from app.archives.compression import Stream, is_compressed

Kind = Literal["zip", "tar", "idx", "parquet", "file"]

HEAD = 2 * BLOCKSIZE
"""Bytes that are looked at."""

ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
"""The first bytes of a ZIP archive (APPNOTE.TXT, 4.3): of an entry, of an empty archive, of a split one."""

PARQUET = b"PAR1"

OTHER_ARCHIVES = (b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x28\xb5\x2f\xfd")
"""The first bytes of 7-Zip, RAR and Zstandard, which are recognized and not opened."""

PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""The first bytes of JPEG, PNG and TIFF: no archive begins with them."""

LIKE_PICTURES = (b"GIF8", b"RIFF", b"BM")
"""The first bytes of GIF, WebP and BMP, or of a TAR whose first file has a name like this."""

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
"""Endings of archives and tables in a folder, and of those that are damaged from their first byte on."""

SYSTEM_FILES = {"__MACOSX", "Thumbs.db", "desktop.ini"}
"""Names that operating systems add to folders and archives, besides those that begin with a dot."""


def kind_of(file: BinaryIO, name: str) -> Kind:
    """Recognize a file by its first bytes, decompressed if it is compressed; leave it at its beginning."""
    head = file.read(HEAD)
    if not head or head.startswith(PICTURES):
        file.seek(0)
        return "file"
    if is_compressed(head):
        head = _decompressed(file)
    file.seek(0)
    return kind_of_bytes(head) or ("file" if head.startswith(PICTURES + LIKE_PICTURES) else kind_of_name(name))


def _decompressed(file: BinaryIO) -> bytes:
    try:
        return Stream(file).read(HEAD)
    except Exception:  # damaged from the start: the reader for this kind of file will report it
        return b""


def kind_of_bytes(head: bytes) -> Kind | None:
    """Return the kind of an archive or a table; None for anything else."""
    if head.startswith(ZIP):
        return "zip"
    if head.startswith(PARQUET):
        return "parquet"
    if _is_tar(head):
        return "tar"
    return "idx" if is_idx(head) else None


def is_idx(head: bytes) -> bool:
    """Whether there are two zeros, the type of a value, and the number of dimensions: yann.lecun.com/exdb/mnist."""
    return len(head) >= 4 and head[:2] == b"\0\0" and head[2] in b"\x08\x09\x0b\x0c\x0d\x0e" and 1 <= head[3] <= 4


def _is_tar(head: bytes) -> bool:
    """Whether there is the header of an entry with its right checksum, or the end mark of an empty archive."""
    if len(head) >= HEAD and not any(head[:HEAD]):
        return True
    try:
        TarInfo.frombuf(head[:BLOCKSIZE], "utf-8", "surrogateescape")
    except (HeaderError, ValueError, struct.error):
        return False
    return True


def kind_of_name(name: str) -> Kind:
    """Return the kind that the ending of a file's name promises; IDX files of labels hold no pictures."""
    lower = name.lower()
    if holds_labels(lower):
        return "file"
    return next((kind for ending, kind in ENDINGS.items() if lower.endswith(ending)), "file")


def holds_labels(name: str) -> bool:
    """Whether a file's name is that of an IDX file of labels."""
    lower = name.lower()
    return "idx1" in lower and lower.endswith(("-ubyte", "-ubyte.gz"))


def is_hidden(name: str) -> bool:
    """Whether a file, or a folder that it lies in, is hidden or was added by an operating system."""
    return any(part.startswith(".") or part in SYSTEM_FILES for part in PurePosixPath(name.replace("\\", "/")).parts)


def is_archive(data: bytes) -> bool:
    """Whether an entry of an archive is an archive, or a table, itself."""
    known = (*ZIP, PARQUET, *OTHER_ARCHIVES)
    return data.startswith(known) or is_compressed(data) or is_idx(data) or data[257:262] == b"ustar"
