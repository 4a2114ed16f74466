import io
import zipfile

import pytest

from app.archives import pictures as inbox
from app.archives.pictures import ArchiveError, Found, pictures_in
from tests.app.archives.packed import tarred


def archive(entries: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as written:
        for name, data in entries.items():
            written.writestr(name, data)
    return file.getvalue()


def found(data: bytes, name: str = "scans.zip") -> list[Found]:
    return list(pictures_in(name, io.BytesIO(data)))


def test_a_file_is_itself() -> None:
    assert found(b"not a ZIP", "five.png") == [Found("five.png", b"not a ZIP")]


def test_an_archive_gives_its_pictures_in_order_without_what_is_hidden() -> None:
    entries = {"b.png": b"b", "deep/a.png": b"a", "__MACOSX/b.png": b"-", "deep/.DS_Store": b"-", "Thumbs.db": b"-"}
    assert found(archive(entries)) == [Found("scans.zip/b.png", b"b"), Found("scans.zip/deep/a.png", b"a")]


def test_an_empty_archive_has_no_pictures() -> None:
    assert found(archive({})) == []


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (archive({"a.png": b"a"}), "an archive within an archive"),
        (b"\0" * 2_000_000, "unpacks to more than 200 times its size"),
    ],
)
def test_a_bad_entry_costs_no_other(entry: bytes, reason: str) -> None:
    first, bad, last = found(archive({"1.png": b"1", "bad": entry, "2.png": b"2"}))
    assert (first.data, last.data) == (b"1", b"2")
    assert isinstance(bad.error, ArchiveError)
    assert str(bad.error).startswith("scans.zip/bad: ")
    assert reason in str(bad.error)


def test_damage_is_said_where_it_is() -> None:
    data = archive({"1.png": b"1" * 50, "2.png": b"two" * 50}, zipfile.ZIP_STORED)
    first, second = found(data.replace(b"twotwo", b"tootoo"))
    assert first.error is None
    assert "damaged in the archive" in str(second.error)
    [cut] = found(data[: len(data) // 2])
    assert "scans.zip: the archive is damaged or cut short" in str(cut.error)


def test_a_locked_entry_is_said() -> None:
    data = bytearray(archive({"1.png": b"1"}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    [only] = found(bytes(data))
    assert "locked with a password" in str(only.error)


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    data = archive({f"{index}.png": b"12345" for index in range(4)})
    monkeypatch.setattr(inbox, "MAX_UNPACKED", 12)
    assert [bool(each.error) for each in found(data)] == [False, False, True]
    monkeypatch.setattr(inbox, "MAX_PICTURE_BYTES", 4)
    assert all("accepted of one picture" in str(each.error) for each in found(data)[:2])
    assert "accepted of one picture" in str(found(b"12345", "five.png")[0].error)
    monkeypatch.setattr(inbox, "MAX_ENTRIES", 3)
    [refused] = found(data)
    assert "4 entries; 3 are accepted" in str(refused.error)


@pytest.mark.parametrize("packing", ["", "gz", "bz2", "xz"])
def test_a_tar_is_an_archive_too(packing: str) -> None:
    data = tarred({"b.png": b"b", "../a.png": b"a", "._b.png": b"-"}, packing)
    first, outside = found(data, "scans.tar")
    assert first == Found("scans.tar/b.png", b"b")
    assert isinstance(outside.error, ArchiveError)
    assert "leads out of the archive" in str(outside.error)
