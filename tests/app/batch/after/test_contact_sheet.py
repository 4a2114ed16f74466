import base64
import io
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.batch.after.contact_sheet import SheetError, Shown, check_sheet, least_confident, save_sheet
from app.batch.after.labels import FOLDERS, labels_from
from app.batch.after.score import score
from app.batch.inputs.input import Failure, Input
from app.batch.output.row import Row
from tests.app.batch.after.test_labels import DIGITS
from tests.hand import render

ROWS = [
    Row("1/a", "ok", "1", confidence=0.9),
    Row("1/b", "ok", "7", confidence=0.99),
    Row("2/a", "unsure", "2", confidence=0.4),
    Row("2/b", "unsure", "3", confidence=0.45),
    Row("2/c", "blank"),
    Row("2/d", "error"),
    Row("2/e", "ok", "2", confidence=0.3),
]


def test_wrong_ones_come_first_then_unsure_ones_then_the_least_confident() -> None:
    assert [shown.row.path for shown in least_confident(ROWS)] == ["2/a", "2/b", "2/e", "1/a", "1/b"]
    assert [shown.index for shown in least_confident(iter(ROWS), count=2)] == [2, 3]
    found = least_confident(ROWS, labels_from(FOLDERS, DIGITS))
    assert [shown.row.path for shown in found] == ["2/c", "2/b", "1/b", "2/a", "2/e", "1/a"]
    assert [shown.is_wrong for shown in found] == [True, True, True, False, False, False]


def shown_of(path: str, index: int = 0, label: str | None = None) -> Shown:
    top = (("5", 0.5), ("<b>", 0.25), ("7", 0.15), ("not shown", 0.1))
    return Shown(index, Row(path, "unsure", "5", "5", 5, 0.5, top, ("a note & more",)), label)


def page(tmp_path: Path, chosen: list[Shown], items: list[Input], **how: object) -> str:
    save_sheet(str(tmp_path / "sheet.html"), chosen, items, "table.csv · <model>", 1234, **how)  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.glob("sheet*")] == ["sheet.html"]
    return (tmp_path / "sheet.html").read_text(encoding="utf-8")


def test_pictures_come_from_files_bytes_and_pixels(tmp_path: Path) -> None:
    render("5").save(tmp_path / "5.png")
    pixels = np.arange(784, dtype=np.uint8).reshape(28, 28)

    def items():
        yield Input(str(tmp_path / "5.png"))
        yield Input("scans.zip/5.png", (tmp_path / "5.png").read_bytes())
        yield Input("t10k#0", pixels)
        yield Input("not wanted")
        yield Input("damaged", b"no picture")
        yield Input("gone", Failure("damaged", "gone"))
        yield Input("another")
        raise AssertionError("inputs behind the last one shown are not asked for")

    names = [str(tmp_path / "5.png"), "scans.zip/5.png", "t10k#0", None, "damaged", "gone", "what it was"]
    text = page(tmp_path, [shown_of(name, index) for index, name in enumerate(names) if name], items())
    pictures = [base64.b64decode(found) for found in re.findall(r'src="data:image/webp;base64,([^"]+)"', text)]
    assert [Image.open(io.BytesIO(data)).size for data in pictures] == [(176, 176), (176, 176), (28, 28)]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(pictures[2])).convert("L")), pixels)
    assert text.count("<img class=tiny") == 1
    assert text.count("the picture is no longer there") == 3


def test_what_the_page_says(tmp_path: Path) -> None:
    labels = labels_from(FOLDERS, DIGITS)
    chosen = [shown_of("7/a.png", 0, "7"), shown_of("5/b.png", 1, "5")]
    text = page(tmp_path, chosen, [], score=score([shown.row for shown in chosen], labels))
    for words in (
        *("2 of 1,234 answers, 1 of them wrong, 2 unsure", "table.csv · &lt;model&gt;", "<b>labelled 7</b>"),
        *("50.0 %", "a note &amp; more", "<span>&lt;b&gt;</span>", "What was taken for what"),
    ):
        assert words in text
    assert text.count("<b>unsure</b>") == 1
    assert "not shown" not in text
    assert "No answer to show." in page(tmp_path, [], [])


def test_of_a_long_number_the_least_certain_digits_are_shown(tmp_path: Path) -> None:
    digits = tuple((str(place), 0.9 - place / 100, 0, 0, 1, 1) for place in range(9))
    text = page(tmp_path, [Shown(0, Row("n", "ok", "012345678", confidence=0.8, digits=digits))], [])
    assert re.findall(r"<span>(\d)</span>", text) == list("345678")


def test_a_number_is_shown_as_it_is_written_and_blank_as_a_word(tmp_path: Path) -> None:
    rows = (Row("n", "ok", "710", "7,-\n<10", confidence=0.8), Row("b", "blank"))
    text = page(tmp_path, [Shown(index, row) for index, row in enumerate(rows)], [])
    assert re.findall("<h2>(.*?)</h2>", text) == ["7,-<br>&lt;10", "blank"]


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>.png',
    "'onmouseover='alert(1)",
    "</article></main><iframe src=https://example.com>",
    "a\u202egnp.exe",
    os.fsdecode(b"f\xfcnf.png"),
    "new\nline\x00\x1b[31m",
    "&lt;b&gt;",
]


def test_a_hostile_name_is_shown_and_does_nothing(browser, tmp_path: Path) -> None:
    rows = [Row(f"a/{name}", "unsure", name, name, 1, 0.5, ((name, 0.5),), (name,)) for name in HOSTILE]
    chosen = [Shown(index, row, f"{row.label}!") for index, row in enumerate(rows)]
    page(tmp_path, chosen, [], score=score(rows, labels_from(FOLDERS, ("a", *HOSTILE))))
    asked: list[str] = []
    tab = browser.new_page()
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("dialog", lambda dialog: asked.append(dialog.message))
    tab.goto((tmp_path / "sheet.html").as_uri())
    names = tab.locator(".path > b").all_text_contents()
    elements = tab.evaluate("[...new Set([...document.body.querySelectorAll('*')].map(e => e.localName))].sort()")
    tab.hover("article:nth-child(3)")
    tab.close()
    assert asked == [(tmp_path / "sheet.html").as_uri()]
    assert not {"script", "iframe", "img"} & set(elements)
    assert names[0].endswith("script>")
    assert names[4:] == ["a\\u202egnp.exe", "f\\xfcnf.png", "new\\nline\\x00\\x1b[31m", "&lt;b&gt;"]


def test_a_sheet_that_cannot_be_written_is_refused_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "there.html").touch()
    (tmp_path / "folder.html").mkdir()
    for name, overwrite, reason in (
        ("sheet.pdf", False, "the ending must be .html"),
        ("there.html", False, "already there"),
        ("folder.html", True, "already there"),
        ("nowhere/sheet.html", False, "no such folder"),
    ):
        with pytest.raises(SheetError, match=reason):
            check_sheet(str(tmp_path / name), overwrite)
    check_sheet(str(tmp_path / "there.html"), overwrite=True)


def test_a_disk_that_is_full_leaves_no_half_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(SheetError, match=r"cannot be written: No space left on device\. The table is complete"):
        save_sheet(str(tmp_path / "sheet.html"), [], [], "", 0)
    assert list(tmp_path.iterdir()) == []
