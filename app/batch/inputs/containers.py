"""What an archive or a table of pictures holds, one picture at a time."""

import os
from collections.abc import Iterator
from typing import BinaryIO

from app.archives.entry import Limits, max_unpacked
from app.archives.pictures import entries
from app.archives.sniff import Kind
from app.batch.inputs import idx, parquet
from app.batch.inputs.input import MAX_ENTRIES, MAX_ENTRY_BYTES, Content, Failure

_TABLES = {"idx": idx.images, "parquet": parquet.images}


def contents(path: str, file: BinaryIO, kind: Kind) -> Iterator[Content]:
    """Yield the name and the source of each picture in a file.

    Args:
        path: the file's name.
        file: the file, opened.
        kind: any kind of container.
    """
    if kind in _TABLES:
        yield from _TABLES[kind](path, file)
        return
    limits = Limits(MAX_ENTRIES, MAX_ENTRY_BYTES, max_unpacked(os.fstat(file.fileno()).st_size))
    for found in entries(kind, path, file, limits):
        yield found.name, Failure.of(found.error) if found.error else found.data
