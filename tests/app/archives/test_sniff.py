import gzip
import io
import struct

import pytest

from app.archives.sniff import Kind, is_hidden, kind_of
from tests.app.archives.packed import png, tarred, zipped

IDX = struct.pack(">4L", 0x803, 1, 2, 2) + bytes(4)

TAR = tarred({"BM.png": b"data"})


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (zipped({"a.png": b"a"}), "a.png", "zip"),
        (zipped({}), "empty", "zip"),
        (TAR, "a.png", "tar"),
        (gzip.compress(TAR), "a", "tar"),
        (bytes(1024), "empty", "tar"),
        (IDX, "a", "idx"),
        (gzip.compress(IDX), "a", "idx"),
        (b"PAR1", "a", "parquet"),
        (png(), "a.zip", "file"),
        (gzip.compress(png()), "a.gz", "file"),
        (b"GIF89a", "a.tar", "file"),
        (b"", "a.zip", "file"),
        (b"rubbish", "a.png", "file"),
        (b"rubbish", "a.TAR.gz", "tar"),
        (b"\x1f\x8brubbish", "a-idx3-ubyte.gz", "idx"),
        (b"rubbish", "train-labels-idx1-ubyte.gz", "file"),
        (b"rubbish", "idx1.zip", "zip"),
    ],
)
def test_a_file_is_recognized_by_its_bytes_and_else_by_its_name(data: bytes, name: str, kind: Kind) -> None:
    file = io.BytesIO(data)
    assert kind_of(file, name) == kind
    assert file.tell() == 0


def test_hidden_files_are_those_of_systems_and_those_with_a_dot() -> None:
    hidden = (".a.png", "a/.b/c.png", "__MACOSX/a.png", "a\\Thumbs.db", "desktop.ini")
    assert all(map(is_hidden, hidden))
    assert not any(map(is_hidden, ("a.png", "a.b/c.png", "Thumbs.db.png", "./")))
