import gzip
import io
import struct

from app.archives.sniff import Kind, is_hidden, kind_of
from tests.app.archives.packed import png, tarred, zipped

IDX = struct.pack(">4L", 0x803, 1, 2, 2) + bytes(4)

TAR = tarred({"BM.png": b"data"})

KINDS: dict[Kind, list[tuple[bytes, str]]] = {
    "zip": [(zipped({"a.png": b"a"}), "a.png"), (zipped({}), "empty"), (b"rubbish", "idx1.zip")],
    "tar": [(TAR, "a.png"), (gzip.compress(TAR), "a"), (bytes(1024), "empty"), (b"rubbish", "a.TAR.gz")],
    "idx": [(IDX, "a"), (gzip.compress(IDX), "a"), (b"\x1f\x8brubbish", "a-idx3-ubyte.gz")],
    "parquet": [(b"PAR1", "a"), (b"rubbish", "a.parquet")],
    "file": [
        *((png(), "a.zip"), (gzip.compress(png()), "a.gz"), (b"GIF89a", "a.tar"), (b"", "a.zip")),
        *((b"rubbish", "a.7z"), (b"rubbish", "train-labels-idx1-ubyte.gz")),
    ],
}


def test_a_file_is_recognized_by_its_bytes_and_else_by_its_name() -> None:
    for kind, files in KINDS.items():
        for data, name in files:
            file = io.BytesIO(data)
            assert kind_of(file, name) == kind, (name, data[:10])
            assert file.tell() == 0


def test_hidden_files_are_those_of_systems_and_those_with_a_dot() -> None:
    hidden = (".a.png", "a/.b/c.png", "__MACOSX/a.png", "a\\Thumbs.db", "desktop.ini")
    assert all(map(is_hidden, hidden))
    assert not any(map(is_hidden, ("a.png", "a.b/c.png", "Thumbs.db.png", "./")))
