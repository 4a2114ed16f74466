"""The parts of ``benchmarks.number_peers`` that need neither a peer nor real pictures."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.number_peers import pages as simulated_pages
from benchmarks.number_peers import table
from benchmarks.number_peers.__main__ import networks_beside
from benchmarks.number_peers.answers import Answer, read_all
from benchmarks.number_peers.no_digits import MARKS, marks
from benchmarks.number_peers.peer import write_upright
from benchmarks.number_peers.pictures import MARGINS, Kind, Picture, digits_in_name, letterboxed, real_kinds
from benchmarks.number_peers.rapidocr_reader import digits_of, in_reading_order
from benchmarks.number_peers.sheet import CAPTION, COLUMNS, SIDE, failures, rank, save_sheet
from inkwear.classifier import Classifier
from tests.conftest import EXPORTS
from tests.hand import render

PAPER, INK = 255, 0


def answer(read: str, status: str = "ok", confidence: float = 0.9, milliseconds: float = 10) -> Answer:
    return Answer("name", "42", read, milliseconds, status, confidence)


def picture(shade: int = PAPER, size: tuple[int, int] = (8, 8)) -> Picture:
    file = io.BytesIO()
    Image.new("L", size, shade).save(file, "PNG")
    return Picture("name", "42", file.getvalue())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of pictures whose digits are in the names or in a CSV file, and some that have none."""
    files = (
        *("cheques/orandcar__1050__000312.jpg", "digits/juliorod__7__1.png", "digits/tablet__3__1.png"),
        *(
            "sudoku/r0c0.png",
            "sudoku/r0c1.png",
            "sudoku/empty.png",
            "elsewhere/shop__77__1.bmp",
            "clothing/4__shirt.png",
        ),
    )
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        Image.new("RGB", (30, 20)).save(tmp_path / file)
    rows = ['sudoku/r0c0.png,8,,"sudoku cell, handwritten"', 'sudoku/r0c1.png,9,,"sudoku cell, printed"']
    (tmp_path / "cells.csv").write_text("\n".join(["file,label,source,kind", *rows]))
    (tmp_path / "others.csv").write_text("image,kids\nclothing/4__shirt.png,1")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "digits"),
    [
        ("orandcar__000312__000313.jpg", "000312"),
        ("shop__504__1.png", "504"),
        ("shop__5a__1.png", None),
        ("504__1.png", None),
        ("504.png", None),
    ],
)
def test_the_name_of_a_file_holds_its_digits(name: str, digits: str | None) -> None:
    assert digits_in_name(Path(name)) == digits


def test_kinds_are_found_by_subfolder_and_by_csv(folder: Path) -> None:
    found = {kind.name: [picture.digits for picture in kind.make()] for kind in real_kinds([folder])}
    assert list(found) == [
        *("cheques", "digits", "sudoku handwritten", "sudoku printed", "elsewhere"),
        *(f"digits, {margin} margins" for margin in MARGINS),
    ]
    assert found["cheques"] == ["1050"]
    assert found["digits"] == ["7", "3"]
    assert (found["sudoku handwritten"], found["sudoku printed"]) == (["8"], ["9"])
    assert all(found[f"digits, {margin} margins"] == ["7"] for margin in MARGINS)


def test_pictures_of_several_folders_share_their_kinds(folder: Path) -> None:
    kinds = {kind.name: kind for kind in real_kinds([folder, folder / "cheques"])}
    assert len(list(kinds["cheques"].make())) == 2
    assert len(list(kinds["cheques"].make())) == 2, "a kind yields its pictures whenever it is asked"


@pytest.mark.parametrize(("margin", "shade"), [("white", 255), ("black", 0), ("gray", 128), ("blurred", 200)])
def test_margins_make_a_square_half_as_large_again(margin: str, shade: int) -> None:
    square = np.asarray(letterboxed(Image.new("RGB", (40, 20), (200, 200, 200)), margin))
    assert square.shape == (60, 60, 3)
    assert (square[:15] == shade).all()
    assert (square[20:40, 10:50] == 200).all()


def test_pages_come_from_their_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated_pages, "LINES", (2, 3))
    monkeypatch.setattr(simulated_pages, "DIGITS", (1, 2))
    images = np.stack([np.asarray(render(digit, canvas=28)) for digit in "0123456789"])
    labels = np.arange(10)
    made = list(simulated_pages.pages(255 - images, labels, 2, seed=3))
    again = list(simulated_pages.pages(255 - images, labels, 2, seed=3))
    for (digits, page), (digits_again, page_again) in zip(made, again, strict=True):
        assert digits == digits_again
        assert np.array_equal(page, page_again)
        assert 2 * 1 <= len(digits) <= 3 * 2
    assert made[0][0] != made[1][0]


@pytest.mark.parametrize(("text", "digits"), [("1.050,-", "1050"), ("Ｏ１２", "12"), ("①²", ""), ("", "")])
def test_only_digits_of_a_text_count(text: str, digits: str) -> None:
    assert digits_of(text) == digits


def box(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def test_boxes_are_read_line_by_line() -> None:
    boxes = [box(60, 12, 90, 32), box(0, 40, 30, 60), box(0, 10, 50, 30), box(40, 36, 70, 56)]
    assert in_reading_order(boxes, list("bcad")) == list("abcd")


def test_a_row_states_shares_and_times() -> None:
    ours = [
        *(answer("42", milliseconds=1), answer("42", "unsure", milliseconds=2)),
        *(answer("4", milliseconds=3), answer("", "blank", milliseconds=4), answer("", "error", milliseconds=90)),
    ]
    peer = [answer("42", ""), answer("", "")]
    assert table.row("cheques", ours, {"RapidOCR": peer}) == (
        "| cheques | 5 | 40.0 | 20.0 | 20.0 | 40.0 | 3.0 | 4.0 | 50.0 | 10.0 | 10.0 |"
    )
    columns = table.head(["RapidOCR"]).splitlines()
    assert {heading.count("|") for heading in columns} == {12}


def test_a_crash_costs_one_picture(capsys: pytest.CaptureFixture[str]) -> None:
    classifier = Classifier(EXPORTS / "mnist-lenet.onnx", "cpu")
    broken = Picture("broken", "1", b"no picture")
    answers = read_all(classifier, [picture(PAPER, (64, 64)), broken])
    assert [answer.status for answer in answers] == ["blank", "error"]
    assert "broken: ImageError" in capsys.readouterr().err
    assert read_all(classifier, []) == []


def test_the_networks_are_the_model_and_its_helpers() -> None:
    used = [path.name for path in networks_beside(EXPORTS / "mnist-lenet.onnx")]
    assert used[0] == "mnist-lenet.onnx"
    assert "lines.onnx" in used
    assert used[-1] == "finder.onnx"
    assert not [name for name in used[1:] if name.startswith(("mnist-", "fashion_mnist-"))]


def test_the_peer_sees_what_a_person_sees(tmp_path: Path) -> None:
    file = io.BytesIO()
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("L", (40, 20)).save(file, "JPEG", exif=turned)
    write_upright(Picture("turned", "1", file.getvalue()), tmp_path / "0.png")
    with Image.open(tmp_path / "0.png") as written:
        assert written.size == (20, 40)


def test_failures_that_say_ok_come_first(tmp_path: Path) -> None:
    answers = [answer("42"), answer("4", "unsure", 0.6), answer("2", "ok", 0.9), answer("", "blank", 0)]
    kind = Kind("cheques", lambda: iter([picture()] * 9))
    found = sorted(failures([kind], {"cheques": answers}), key=rank)
    assert [failed.read for _, _, failed in found] == ["2", "4", ""]
    save_sheet(tmp_path / "sheet.png", [kind], {"cheques": answers})
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (COLUMNS * SIDE, SIDE + CAPTION)


@pytest.mark.parametrize("kind", MARKS)
def test_marks_hold_no_digits_and_come_from_their_seed(kind: str) -> None:
    images = np.stack([255 - np.asarray(render(digit, canvas=28)) for digit in "0123456789"])
    once, again = (list(marks(kind, images, np.arange(10), 3, seed=3)) for _ in range(2))
    for (digits, mark), (_, mark_again) in zip(once, again, strict=True):
        assert digits == ""
        assert np.array_equal(mark, mark_again)


def test_a_mark_that_is_surely_read_is_surely_wrong() -> None:
    assert Answer("name", "", "7", 1, "ok").is_surely_wrong
    assert not Answer("name", "", "7", 1, "unsure").is_surely_wrong
