import io
from pathlib import Path

import pytest

from app.batch.inputs.input import Input
from app.batch.inputs.lists import BLOCK, NameList


def names(data: bytes) -> list[str | Input]:
    return list(NameList("-", io.BytesIO(data)))


def test_a_line_is_a_name_as_it_stands() -> None:
    for data, expected in {
        b"a.png\nb.png\n": ["a.png", "b.png"],
        b"a.png\r\n\r\nb.png": ["a.png", "b.png"],
        b"\xef\xbb\xbfa.png\n\n  b.png \n": ["a.png", "  b.png "],
        b"a\nb.png\0c.png\0\0d.png": ["a\nb.png", "c.png", "d.png"],
        b"f\xfcnf.png\nf\xc3\xbcnf.png\n": ["f\udcfcnf.png", "fünf.png"],
        b"@a.txt\n-\n*.png\n": ["@a.txt", "-", "*.png"],
    }.items():
        assert names(data) == expected


@pytest.mark.parametrize("end", ["\n", "\0"])
def test_a_list_is_read_block_by_block(end: str) -> None:
    expected = [f"folder/{'x' * (index % 300)}{index}.png" for index in range(5000)]
    data = end.join(expected).encode()
    assert len(data) > 10 * BLOCK
    assert names(data) == expected


def test_stdin_is_read_once_and_given_any_number_of_times() -> None:
    listed = NameList("-", io.BytesIO(b"a.png\nb.png\n"))
    digest = listed.digest()
    one, other = iter(listed), iter(listed)
    assert [next(one), next(other), next(one), next(other)] == ["a.png", "a.png", "b.png", "b.png"]
    assert listed.digest() == digest
    assert digest != NameList("-", io.BytesIO(b"a.png\n")).digest()


def test_what_is_no_list_is_said() -> None:
    for data, reason in (
        (b"", "the list is empty"),
        (b"\n\n\r\n", "the list is empty"),
        ("a.png\n".encode("utf-16"), "UTF-16"),
        (b"a.png\n" + b"x" * 100_000, "a line of"),
        (b"a.png\n" + b"x" * 70_000 + b"\0.png\n", "a line of"),
    ):
        sentence = names(data)[-1].source.sentence
        assert reason in sentence
        assert "one a line" in sentence


def test_a_list_that_is_not_there_or_no_file_is_said(tmp_path: Path) -> None:
    for path, code in ((tmp_path / "nowhere.txt", "missing"), (tmp_path, "unreadable")):
        [item] = NameList(str(path))
        assert (item.path, item.source.code) == (f"@{path}", code)
        assert NameList(str(path)).digest()
