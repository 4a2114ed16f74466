import gzip
import io
import os
import tarfile

import pytest

from app.archives.entry import Found, Limits
from app.archives.pictures import entries
from tests.app.archives.packed import bomb, special, tarred, zipped

LIMITS = Limits(1_000_000, 100_000_000, 2_000_000_000)

CONTENT = {"1.png": b"one", "deep/2.png": os.urandom(1_200_000), "3.png": b"x" * 512}


def found(data: bytes, limits: Limits = LIMITS) -> list[Found]:
    return list(entries("tar", "scans.tar", io.BytesIO(data), limits))


def codes(data: bytes, limits: Limits = LIMITS) -> list[str | None]:
    return [each.error and each.error.code for each in found(data, limits)]


def header(name: str, type: bytes, size: int) -> bytes:
    info = special(name, type)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("packing", ["", "gz", "bz2", "xz"])
def test_every_form_and_packing_is_read_and_a_cut_is_noticed(packing: str) -> None:
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        whole = tarred(CONTENT, packing, form)
        assert found(whole) == [Found(f"scans.tar/{name}", data) for name, data in CONTENT.items()]
    *before, last = found(whole[: len(whole) // 2])
    assert all(each.error is None for each in before)
    assert "damaged or cut short" in str(last.error)
    if packing:
        assert codes(whole[:-5])[-1] == "archive_damaged"
    else:
        assert codes(whole[: 1024 + 100]) == [None, "archive_damaged"]
        assert codes(whole[:1024]) == [None, "archive_damaged"]  # cut between two entries: the end mark is missing


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_and_names_of_any_bytes_survive(form: int) -> None:
    names = ["a" * 150 + "/" + "b" * 150 + ".png", "f\udcfcnf.png", "fünf.png", "五" * 60 + ".png"]
    packed = tarred(dict.fromkeys(names, b"data"), form=form)
    assert [each.name for each in found(packed)] == [f"scans.tar/{name}" for name in names]


def test_folders_and_what_is_hidden_are_left_out() -> None:
    data = {"./": special("./", tarfile.DIRTYPE), "./1.png": b"one", "./._1.png": b"-", "./.git/a.png": b"-"}
    assert found(tarred(data)) == [Found("scans.tar/1.png", b"one")]


def test_what_is_refused_costs_no_other() -> None:
    types = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE)
    links = {f"{kind!r}.png": special(f"{kind!r}.png", kind, "/etc/passwd") for kind in types}
    assert codes(tarred({**links, "../2.png": b"-", "2.png": b"two"})) == ["name_refused"] * 6 + [None]
    sparse = {"a.png": special("a.png", tarfile.GNUTYPE_SPARSE), "b.png": b"b"}
    assert codes(tarred(sparse)) == ["archive_refused", None]
    within = {"a.zip": zipped({"a": b"a"}), "b.tar": tarred({"a": b"a"}), "c.tgz": tarred({"a": b"a"}, "gz"), "d": b"d"}
    assert codes(tarred(within)) == ["archive_refused"] * 3 + [None]


def test_archives_strung_together_are_read_to_the_end_and_anything_else_behind_one_is_noticed() -> None:
    one = tarred({"1.png": b"one"})
    assert [each.data for each in found(one + tarred({"2.png": b"two"}))] == [b"one", b"two"]
    assert codes(one + b"rubbish" * 100) == [None, "archive_damaged"]


@pytest.mark.parametrize("packing", ["gz", "bz2", "xz"])
def test_a_bomb_costs_its_own_row(packing: str) -> None:
    assert codes(bomb(45_000_000, packing)) == ["archive_refused", None]


@pytest.mark.slow
def test_what_an_archive_unpacks_to_is_limited_even_where_nothing_of_it_is_wanted() -> None:
    limits = Limits(1_000_000, 100_000_000, 50_000_000)
    assert codes(bomb(120_000_000, "gz"), limits) == ["too_large", "archive_refused"]
    assert codes(gzip.compress(bytes(80_000_000)), limits) == ["archive_refused"]
    without_end = header("././@LongLink", tarfile.GNUTYPE_LONGNAME, 50_000_000) + bytes(50_000_000)
    assert codes(gzip.compress(without_end)) == ["archive_refused"]
    name_before_a_name = header("././@LongLink", tarfile.GNUTYPE_LONGNAME, 500_000) + b"a" * 500_224
    assert codes(gzip.compress(name_before_a_name * 200), Limits(10, 10, 50_000_000)) == ["archive_refused"]


def test_a_size_below_zero_is_damage() -> None:
    data = bytearray(header("a.png", tarfile.REGTYPE, 0))
    data[124:136] = b"\xff" * 11 + b"\x00"
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data)
    assert codes(bytes(data) + bytes(1024)) == ["archive_damaged"]


def test_a_pax_header_that_lies_is_damage() -> None:
    body = b"999 path=a.png\n"
    data = header("pax", tarfile.XHDTYPE, len(body)) + body.ljust(512, b"\0") + bytes(1024)
    assert codes(data) == ["archive_damaged"]
    assert codes(data.replace(b"999", b"015")) == ["archive_damaged"]  # right, but of no entry
