from lzma import LZMAError

import pytest

from app.archives.entry import MEGABYTE, ArchiveError, check_name, check_ratio, explain, read_in_pieces

REFUSED_NAMES = {
    "leads out": ["../evil.png", "a/../../evil.png", "..\\evil.png", "../.hidden"],
    "absolute": ["/etc/passwd", "\\\\server\\share\\a.png", "//"],
    "drive": ["C:\\evil.png", "c:evil.png"],
    "NUL": ["a.png\0.txt"],
    "no name": [""],
}


def test_names_that_point_outside_are_refused_and_others_are_not() -> None:
    for reason, names in REFUSED_NAMES.items():
        for name in names:
            with pytest.raises(ArchiveError, match=reason) as caught:
                check_name("scans.zip", name)
            assert caught.value.code == "name_refused"
            assert "\0" not in str(caught.value)
    for name in ("a.png", "./a/b.png", "a..b.png", "...", "f\udcfcnf.png"):
        check_name("scans.zip", name)


@pytest.mark.parametrize(
    ("most", "compressed"),
    [(MEGABYTE, 1), (2 * MEGABYTE, MEGABYTE // 100), (32 * MEGABYTE, MEGABYTE), (90 * MEGABYTE, 9 * MEGABYTE)],
)
def test_what_compresses_better_than_pictures_is_refused(most: int, compressed: int) -> None:
    check_ratio("a.png", most, compressed)
    with pytest.raises(ArchiveError, match="as no picture of that size does"):
        check_ratio("a.png", most + 1, compressed)


def test_large_entries_are_read_and_checked_in_pieces() -> None:
    sizes: list[int] = []
    pieces = iter([b"a" * MEGABYTE, b"b" * MEGABYTE, b""])
    assert read_in_pieces(lambda _: next(pieces), 5 * MEGABYTE, sizes.append) == b"a" * MEGABYTE + b"b" * MEGABYTE
    assert sizes == [MEGABYTE, 2 * MEGABYTE]


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (ArchiveError("a: mine", "too_large"), "too_large", "a: mine"),
        (PermissionError(13, "Permission denied"), "unreadable", "cannot be read (Permission denied)"),
        (NotImplementedError("method 9"), "archive_refused", "not known here (method 9)"),
        (LZMAError("Memory usage limit exceeded"), "archive_refused", "takes too much memory"),
        (EOFError(), "archive_damaged", "damaged or cut short (EOFError)"),
    ],
)
def test_errors_of_readers_are_explained(error: Exception, code: str, reason: str) -> None:
    explained = explain("a", error)
    assert explained.code == code
    assert reason in str(explained)
    assert ("damaged in the archive" in str(explain("a", error, is_entry=True))) == (code == "archive_damaged")
