import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from app.batch.inputs.arguments import Inputs
from app.batch.inputs.input import Failure, Input

IMAGES = np.random.default_rng(0).integers(0, 256, (300, 28, 20), np.uint8)


def idx(magic: int = 0x803, *sizes: int, data: bytes = IMAGES.tobytes()) -> bytes:
    return struct.pack(f">{1 + len(sizes or IMAGES.shape)}L", magic, *(sizes or IMAGES.shape)) + data


def items(tmp_path: Path, data: bytes, name: str = "t10k-images-idx3-ubyte") -> list[Input]:
    path = tmp_path / name
    path.write_bytes(data)
    return list(Inputs([str(path)]))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_images_are_given_one_by_one(tmp_path: Path, pack) -> None:
    found = items(tmp_path, pack(idx()))
    assert [item.path for item in found] == [f"{tmp_path}/t10k-images-idx3-ubyte#{index}" for index in range(300)]
    assert np.array_equal([item.source for item in found], IMAGES)
    assert len({item.listing_digest for item in found}) == 1


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("change", "whole", "reason"),
    [
        (lambda data: data[:-1], 299, "it promises 300 images of 28×20 and holds 299"),
        (lambda data: data[: 16 + 560 * 7 + 5], 7, "holds 7"),
        (lambda data: data[:16], 0, "holds 0"),
        (lambda data: data + b"\0", 300, "goes on after the 300 images"),
        (lambda data: data[:9], 0, "within its header"),
        (lambda data: idx(0x803, 3, 0, 28), 0, "images of 0×28"),
        (lambda data: idx(0x803, 3, 2**31, 2**31), 0, "accepted are 1 to 100 million"),
        (lambda data: idx(0x801, 60000), 0, "of labels (magic number 2049, 0x00000801); accepted are images"),
        (lambda data: idx(0xD03), 0, "no images (magic number 3331, 0x00000d03)"),
        (lambda data: idx(0x804), 0, "(magic number 2052, 0x00000804)"),
    ],
)
def test_a_table_that_is_not_as_it_says_gives_what_is_there_and_a_row(
    tmp_path: Path, pack, change, whole: int, reason: str
) -> None:
    *before, last = items(tmp_path, pack(change(idx())))
    assert len(before) == whole
    assert not any(isinstance(item.source, Failure) for item in before)
    assert last.source.code == "table_damaged"
    assert reason in last.source.sentence
    assert last.path not in {item.path for item in before}


def test_damage_within_the_packing_and_no_images_are_a_row(tmp_path: Path) -> None:
    data = gzip.compress(idx())
    for broken in (data[: len(data) // 2], data[:-4] + b"\0\0\0\0", data[:-8] + b"abcd" + data[-4:]):
        *_, last = items(tmp_path, broken, "images-idx3-ubyte.gz")
        assert last.source.code == "table_damaged"
    [only] = items(tmp_path, idx(0x803, 0, 28, 28, data=b""))
    assert only.source.code == "empty"
