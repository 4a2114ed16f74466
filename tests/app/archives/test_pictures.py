import io

import pytest

from app.archives import pictures
from app.archives.pictures import Found, pictures_in
from tests.app.archives.packed import tarred, zipped


def found(data: bytes, name: str = "scans.zip") -> list[Found]:
    return list(pictures_in(name, io.BytesIO(data)))


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_gives_its_pictures_without_what_is_hidden_and_a_file_itself(pack) -> None:
    entries = {"b.png": b"b", "deep/a.png": b"a", "__MACOSX/b.png": b"-", "deep/.DS_Store": b"-", "Thumbs.db": b"-"}
    assert found(pack(entries)) == [Found("scans.zip/b.png", b"b"), Found("scans.zip/deep/a.png", b"a")]
    assert found(pack({})) == []
    assert found(b"no archive", "five.png") == [Found("five.png", b"no archive")]


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    data = zipped({f"{index}.png": b"12345" for index in range(4)})
    monkeypatch.setattr(pictures, "MAX_UNPACKED", 12)
    assert [bool(each.error) for each in found(data)] == [False, False, True]
    monkeypatch.setattr(pictures, "MAX_PICTURE_BYTES", 4)
    assert all("accepted of one picture" in str(each.error) for each in found(data)[:2])
    assert "accepted of one picture" in str(found(b"12345", "five.png")[0].error)
    monkeypatch.setattr(pictures, "MAX_ENTRIES", 3)
    [refused] = found(data)
    assert "4 entries; 3 are accepted" in str(refused.error)
