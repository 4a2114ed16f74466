import gzip
import io
import os
import tarfile

import pytest

from app.archives.entry import Found, Limits
from app.archives.tars import entries
from tests.app.archives.packed import bomb, special, tarred, zipped

LIMITS = Limits(1_000_000, 100_000_000, 2_000_000_000)

CONTENT = {"1.png": b"one", "deep/2.png": os.urandom(1_200_000), "3.png": b"x" * 512}


def found(data: bytes, limits: Limits = LIMITS) -> list[Found]:
    return list(entries("scans.tar", io.BytesIO(data), limits))


def codes(data: bytes, limits: Limits = LIMITS) -> list[str | None]:
    return [each.error and each.error.code for each in found(data, limits)]


@pytest.mark.parametrize("packing", ["", "gz", "bz2", "xz"])
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_form_and_packing_is_read(packing: str, form: int) -> None:
    assert found(tarred(CONTENT, packing, form)) == [Found(f"scans.tar/{name}", data) for name, data in CONTENT.items()]


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_and_names_of_any_bytes_survive(form: int) -> None:
    names = ["a" * 150 + "/" + "b" * 150 + ".png", "f\udcfcnf.png", "fünf.png", "五" * 60 + ".png"]
    packed = tarred(dict.fromkeys(names, b"data"), form=form)
    assert [each.name for each in found(packed)] == [f"scans.tar/{name}" for name in names]


def test_folders_and_what_is_hidden_are_left_out() -> None:
    data = {"./": special("./", tarfile.DIRTYPE), "./1.png": b"one", "./._1.png": b"-", "./.git/a.png": b"-"}
    assert found(tarred(data)) == [Found("scans.tar/1.png", b"one")]


@pytest.mark.parametrize("type", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_links_devices_and_names_outside_are_refused_and_cost_no_other(type: bytes) -> None:
    data = {"1.png": b"one", "link.png": special("link.png", type, "/etc/passwd"), "../2.png": b"-", "2.png": b"two"}
    assert codes(tarred(data)) == [None, "name_refused", "name_refused", None]


def test_an_archive_that_is_cut_says_where() -> None:
    whole = tarred(CONTENT)
    for length in (len(whole) // 2, 1024 + 100):
        *before, last = found(whole[:length])
        assert all(each.error is None for each in before)
        assert "damaged or cut short" in str(last.error)
    assert codes(whole[:1024]) == [None, "archive_damaged"]  # cut between two entries: the end mark is missing


@pytest.mark.parametrize("packing", ["gz", "bz2", "xz"])
def test_a_packed_archive_that_is_cut_says_where(packing: str) -> None:
    whole = tarred(CONTENT, packing)
    assert codes(whole[: len(whole) // 2])[-1] == "archive_damaged"
    assert codes(whole[:-5])[-1] == "archive_damaged"


def test_archives_strung_together_are_read_to_the_end_and_anything_else_behind_one_is_noticed() -> None:
    two = tarred({"1.png": b"one"}) + tarred({"2.png": b"two"})
    assert [each.data for each in found(two)] == [b"one", b"two"]
    assert codes(tarred({"1.png": b"one"}) + b"rubbish" * 100) == [None, "archive_damaged"]


@pytest.mark.parametrize("packing", ["gz", "bz2", "xz"])
def test_a_bomb_costs_its_own_row(packing: str) -> None:
    assert codes(bomb(45_000_000, packing)) == ["archive_refused", None]


def test_what_an_archive_unpacks_to_is_limited_even_where_nothing_of_it_is_wanted() -> None:
    limits = Limits(1_000_000, 100_000_000, 50_000_000)
    assert codes(bomb(120_000_000, "gz"), limits) == ["too_large", "archive_refused"]
    zeros = gzip.compress(bytes(80_000_000))
    assert codes(zeros, limits) == ["archive_refused"]


def test_a_long_name_without_end_is_refused() -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 50_000_000
    data = gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(50_000_000))
    assert codes(data) == ["archive_refused"]


def test_names_before_names_without_end_are_limited() -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 500_000
    one = header.tobuf(tarfile.GNU_FORMAT) + b"a" * 500_224
    assert codes(gzip.compress(one * 200), Limits(10, 10, 50_000_000)) == ["archive_refused"]


def test_a_size_below_zero_is_damage() -> None:
    header = bytearray(tarfile.TarInfo("a.png").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 11 + b"\x00"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    assert codes(bytes(header) + bytes(1024)) == ["archive_damaged"]


def test_a_sparse_file_is_refused() -> None:
    info = tarfile.TarInfo("a.png")
    info.type = tarfile.GNUTYPE_SPARSE
    assert codes(tarred({"a.png": info, "b.png": b"b"})) == ["archive_refused", None]


def test_an_archive_within_is_not_opened() -> None:
    within = {"a.zip": zipped({"a": b"a"}), "b.tar": tarred({"a": b"a"}), "c.tgz": tarred({"a": b"a"}, "gz"), "d": b"d"}
    assert codes(tarred(within)) == ["archive_refused"] * 3 + [None]


def test_a_pax_header_that_lies_is_damage() -> None:
    body = b"999 path=a.png\n"
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, len(body)
    data = header.tobuf(tarfile.USTAR_FORMAT) + body.ljust(512, b"\0") + bytes(1024)
    assert codes(data) == ["archive_damaged"]
    assert codes(data.replace(b"999", b"015")) == ["archive_damaged"]  # right, but of no entry
