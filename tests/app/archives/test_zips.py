import io
import os
import zipfile
from typing import Any

import pytest

from app.archives.entry import Found, Limits
from app.archives.pictures import entries
from tests.app.archives.packed import quoted_bomb, raw_zip, zipped

LIMITS = Limits(1_000_000, 100_000_000, 2_000_000_000)


def found(data: bytes, limits: Limits = LIMITS) -> list[Found]:
    return list(entries("zip", "scans.zip", io.BytesIO(data), limits))


def codes(data: bytes) -> list[str | None]:
    return [each.error and each.error.code for each in found(data)]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_way_of_packing_gives_what_zipfile_gives(method: int) -> None:
    content = {f"deep/{index}.png": os.urandom(index * 700) + b"x" * 5000 for index in range(20)}
    assert found(zipped(content, method)) == [Found(f"scans.zip/{name}", data) for name, data in content.items()]


@pytest.mark.parametrize("is_wide", [False, True])
def test_zip64_and_bytes_before_the_archive_and_a_comment_behind_it_are_no_harm(is_wide: bool) -> None:
    file = io.BytesIO(b"#!/bin/sh\n")
    with zipfile.ZipFile(file, "a") as archive, archive.open("1.png", "w", force_zip64=is_wide) as entry:
        entry.write(b"one")
        archive.comment = b"PK" * 1000
    assert found(file.getvalue()) == [Found("scans.zip/1.png", b"one")]


def test_thousands_of_entries_are_read_block_by_block() -> None:
    data = zipped({f"{index:06d}.png": b"" for index in range(12_000)})
    assert [each.name for each in found(data)] == [f"scans.zip/{index:06d}.png" for index in range(12_000)]
    [refused] = found(data, Limits(11_999, 1, 1))
    assert "12,000 entries; 11,999 are accepted" in str(refused.error)


@pytest.mark.parametrize(
    ("raw", "system", "name"),
    [
        ("fünf.png".encode(), 0, "fünf.png"),  # as macOS packs: UTF-8, unsaid
        (b"f\x81nf.png", 0, "fünf.png"),  # DOS
        (b"f\xfcnf.png", 3, "f\udcfcnf.png"),  # Unix: the bytes as they are
    ],
)
def test_names_survive(raw: bytes, system: int, name: str) -> None:
    assert found(raw_zip(raw, b"data", system=system)) == [Found(f"scans.zip/{name}", b"data")]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"name": b"../a.png"}, "name_refused"),
        ({"name": b"a.png\0.txt"}, "name_refused"),
        ({"name": b""}, "name_refused"),
        ({"attributes": 0o120777 << 16}, "name_refused"),  # a link
        ({"size": 0xFFFFFFF0}, "too_large"),
        ({"size": 90_000_000}, "archive_refused"),
        ({"size": 5000}, "archive_damaged"),
        ({"packed": 0x7FFFFFFF}, "archive_refused"),
        ({"flags": 1}, "archive_refused"),
        ({"flags": 0x40}, "archive_refused"),
    ],
)
def test_an_entry_that_is_refused_or_lies(said: dict[str, Any], code: str) -> None:
    [refused] = found(raw_zip(**{"name": b"a.png", "data": b"data" * 100} | said))
    assert refused.error.code == code
    assert "\0" not in refused.name


def test_overlapping_entries_are_refused_from_where_they_overlap() -> None:
    *few, last = found(quoted_bomb())
    assert len(few) < 4
    assert "its entries overlap" in str(last.error)


def test_archives_and_tables_within_are_not_opened() -> None:
    inner = zipped({"a.png": b"a"})
    tar = b"a.png".ljust(257, b"\0") + b"ustar".ljust(255, b"\0")
    packed = {"a.zip": inner, "b.gz": b"\x1f\x8b\x08", "c.7z": b"7z\xbc\xaf\x27\x1c", "d": tar, "e": b"PAR1"}
    assert codes(zipped(packed)) == ["archive_refused"] * 5


def test_a_promise_of_more_entries_is_noticed() -> None:
    data = bytearray(zipped({"1.png": b"one"}))
    end = data.rindex(b"PK\x05\x06")
    data[end + 10] = 3
    assert codes(bytes(data)) == [None, "archive_damaged"]
