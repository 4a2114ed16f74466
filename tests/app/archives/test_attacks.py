"""Whatever is done to an archive: an error row, never an exception, nothing written, little memory."""

import gzip
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from app.batch.inputs.arguments import Inputs
from app.batch.inputs.input import CODES, Failure
from tests.app.archives.packed import bomb, packed_zeros, png, quoted_bomb, raw_zip, tarred, zipped
from tests.mutations import mutants
from tests.peak import only_linux, peak_of

PICTURES = {f"{folder}/{digit}.png": png(digit) for folder in "ab" for digit in "0123456789"}

IMAGES = struct.pack(">4L", 0x803, 40, 28, 28) + random.Random(0).randbytes(40 * 28 * 28)

ORIGINALS = {
    "scans.zip": zipped(PICTURES),
    "scans.tar": tarred(PICTURES),
    "scans.tar.gz": tarred(PICTURES, "gz"),
    "scans.tar.bz2": tarred(PICTURES, "bz2"),
    "scans.tar.xz": tarred(PICTURES, "xz"),
    "t10k-images-idx3-ubyte": IMAGES,
    "t10k-images-idx3-ubyte.gz": gzip.compress(IMAGES),
}


@pytest.mark.parametrize("name", ORIGINALS)
def test_mutated_archives_give_rows_and_nothing_else(tmp_path: Path, name: str) -> None:
    path, harmed = tmp_path / name, 0
    for mutant in mutants(ORIGINALS[name], 45, seed=6):
        path.write_bytes(mutant)
        items = list(Inputs([str(path)]))
        assert items
        assert all(item.path.startswith(str(path)) for item in items)
        failures = [item.source for item in items if isinstance(item.source, Failure)]
        assert all(failure.code in CODES and failure.sentence for failure in failures)
        if name == "scans.zip":  # which has checksums
            assert {item.source for item in items if isinstance(item.source, bytes)} <= set(PICTURES.values())
        harmed += bool(failures)
    assert list(tmp_path.iterdir()) == [path]
    assert harmed > 10


def nested(depth: int = 5, width: int = 16) -> bytes:
    """As 42.zip: archives in archives, and at their end zeros."""
    data = zipped({"zeros.png": bytes(10_000_000)})
    for _ in range(depth):
        data = zipped({f"lib {index}.zip": data for index in range(width)})
    return data


BOMBS: dict[str, Callable[[], bytes]] = {
    "zeros.zip": lambda: zipped({"zeros.png": bytes(150_000_000)}),
    "overlap.zip": quoted_bomb,
    "overlap-large.zip": lambda: quoted_bomb(20, 21_000_000),
    "42.zip": nested,
    "declared.zip": lambda: raw_zip(b"a.png", b"data", size=0xFFFFFFFE),
    "zeros.tar.gz": lambda: bomb(400_000_000, "gz"),
    "large.tar.gz": lambda: bomb(95_000_000, "gz"),
    "zeros.tar.bz2": lambda: bomb(95_000_000, "bz2"),
    "zeros.tar.xz": lambda: bomb(95_000_000, "xz"),
    "declared.tar": lambda: tarred({"a.png": b"data"}).replace(b"00000000004\0", b"77777777777\0"),
    "a.idx3-ubyte.gz": lambda: packed_zeros(struct.pack(">4L", 0x803, 500_000, 28, 28), 400_000_000, "gz"),
    "b.idx3-ubyte.gz": lambda: packed_zeros(struct.pack(">4L", 0x803, 3, 9_999, 9_999), 300_000_000, "gz"),
    "c.idx3-ubyte": lambda: struct.pack(">4L", 0x803, 2**32 - 1, 2**32 - 1, 2**32 - 1),
    "d.idx3-ubyte": lambda: struct.pack(">4L", 0x803, 2**32 - 1, 10_000, 10_000) + b"data",
    "twice.gz": lambda: gzip.compress(packed_zeros(b"", 300_000_000, "gz")),
    "zeros.gz": lambda: packed_zeros(b"", 300_000_000, "gz"),
    "zeros.bz2": lambda: packed_zeros(b"", 50_000_000, "bz2"),
    "zeros.xz": lambda: packed_zeros(b"", 50_000_000, "xz"),
}

SCRIPT = """
import sys
from app.batch.inputs.arguments import Inputs
from app.batch.inputs.input import Failure
for path in sys.argv[1:]:
    codes = [item.source.code if isinstance(item.source, Failure) else "-" for item in Inputs([path])]
    print(path, *dict.fromkeys(codes))
"""


@only_linux
@pytest.mark.slow
def test_bombs_give_error_rows_and_take_little_memory(tmp_path: Path) -> None:
    for name, make in BOMBS.items():
        (tmp_path / name).write_bytes(make())
    printed, peak = peak_of(SCRIPT, *(tmp_path / name for name in BOMBS))
    assert peak < 200  # MB
    codes = {Path(path).name: found for path, *found in map(str.split, printed)}
    assert set(codes) == set(BOMBS)
    assert [name for name, found in codes.items() if not set(found) - {"-"}] == ["twice.gz"]  # no picture, says Pillow
    assert {path.name for path in tmp_path.iterdir()} == set(BOMBS)
