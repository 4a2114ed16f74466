from itertools import pairwise

import cv2
import numpy as np
import pytest

from inkwear.numbers.components import Box
from inkwear.numbers.line_reader import LineReader, find_reader
from inkwear.numbers.reading import MAX_PIECES, ReadPage, read_page
from inkwear.preprocess.framing import find, frame
from inkwear.preprocess.spec import Floats, Pixels
from tests.conftest import EXPORTS
from tests.hand import write_number
from tests.inkwear.numbers.scripted import ScriptedReader
from training.datasets import DATASETS

DIGIT = DATASETS["mnist"].input


@pytest.fixture(scope="module")
def reader() -> LineReader:
    return find_reader(EXPORTS / "mnist-sturdy.onnx", tuple("0123456789"), "cpu")


def inked(text: str, **options: float) -> tuple[Pixels, Floats]:
    """A written number and its ink."""
    picture = np.asarray(write_number(text, **options))
    return picture, find(picture, DIGIT)[0]


def string_of(page: ReadPage) -> str:
    return "".join(digit.sign.name for line in page.lines for digit in line.digits)


def boxes_of(page: ReadPage) -> list[Box]:
    return [digit.box for line in page.lines for digit in line.digits]


def ink_in(foreground: Floats, box: Box) -> float:
    left, top, right, bottom = box
    return float(foreground[top:bottom, left:right].sum())


def bar(height: int, *lefts: int) -> Floats:
    ink = np.zeros((height + 40, max(lefts) + 60), np.float32)
    for left in lefts:
        ink[20 : 20 + height, left : left + 8] = 255
    return ink


@pytest.mark.parametrize("text", ["4711", "27\n935", "1\n1\n1\n1"])
def test_lines_are_read_from_top_to_bottom_each_digit_framed_by_itself(text: str, reader: LineReader) -> None:
    picture, foreground = inked(text)
    page = read_page(picture, foreground, DIGIT, reader)
    assert "\n".join(line.transcript.text for line in page.lines) == text
    assert (page.degrees, page.cut_off, page.is_known, page.notes) == (0, 0, True, ())
    assert sum(ink_in(foreground, box) for box in boxes_of(page)) == pytest.approx(float(foreground.sum()), rel=0.01)
    for digit in (digit for line in page.lines for digit in line.digits):
        alone = frame(np.asarray(write_number(digit.sign.name)), DIGIT).pixels
        assert np.corrcoef(alone.ravel(), digit.pixels.ravel())[0, 1] > 0.9


def test_touching_digits_are_cut_between_what_was_read() -> None:
    picture, foreground = inked("00", apart=62)
    [line] = read_page(picture, foreground, DIGIT, ScriptedReader("__00_00__")).lines
    first, second = line.digits
    assert first.box[2] == second.box[0] == pytest.approx(picture.shape[1] / 2, abs=8)
    for digit in (first, second):
        assert ink_in(foreground, digit.box) > 0.4 * foreground.sum()
        assert digit.pixels.any()


def test_loose_parts_belong_to_the_nearest_digit() -> None:
    ink = bar(80, 50, 130)
    ink[20:26, 62:80] = 255
    [line] = read_page(255 - ink.astype(np.uint8), ink, DIGIT, ScriptedReader("__5____7__")).lines
    assert [digit.box for digit in line.digits] == [(50, 20, 80, 100), (130, 20, 138, 100)]


def test_a_digit_that_was_read_where_no_ink_is_stays_empty() -> None:
    ink = bar(80, 50)
    [line] = read_page(255 - ink.astype(np.uint8), ink, DIGIT, ScriptedReader("____11_____________7")).lines
    one, seven = line.digits
    assert one.box == (50, 20, 58, 100)
    assert one.pixels.any()
    assert not seven.pixels.any()


def test_faint_ink_is_read_as_full_ink_is() -> None:
    full = bar(80, 50, 130)
    for level in (60, 100, 120):
        faint = full * (level / 255)
        [line] = read_page(255 - faint.astype(np.uint8), faint, DIGIT, ScriptedReader("__1____1__")).lines
        assert [digit.box for digit in line.digits] == [(50, 20, 58, 100), (130, 20, 138, 100)]
    faint_below = np.vstack([full, full * 0.4])  # a line of its own, where the first is full
    page = read_page(255 - faint_below.astype(np.uint8), faint_below, DIGIT, ScriptedReader("__1____1__"))
    assert string_of(page) == "1111"


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_number_that_stands_otherwise_is_turned(degrees: int, reader: LineReader) -> None:
    picture, foreground = (np.ascontiguousarray(np.rot90(each, degrees // 90)) for each in inked("3437"))
    page = read_page(picture, foreground, DIGIT, reader)
    assert (string_of(page), page.degrees) == ("3437", degrees)
    assert str(page.notes[0]) == f"turned by {degrees}°, as its digits stand that way"
    boxes = boxes_of(page)
    assert sum(ink_in(foreground, box) for box in boxes) == pytest.approx(float(foreground.sum()), rel=0.01)
    if degrees == 90:
        assert all(above[1] >= below[3] for above, below in pairwise(boxes))


def test_what_the_border_has_left_of_a_line_is_left_out_with_a_note() -> None:
    ink = np.vstack([bar(80, 50, 130), bar(80, 50, 130)[:65]])
    page = read_page(255 - ink.astype(np.uint8), ink, DIGIT, ScriptedReader("__1____1__"))
    assert (string_of(page), page.cut_off) == ("11", 1)
    assert [str(note) for note in page.notes] == ["lines cut off by the border left out: 1"]


def test_an_unknown_mark_makes_a_page_not_known() -> None:
    ink = bar(80, 50, 130)
    page = read_page(255 - ink.astype(np.uint8), ink, DIGIT, ScriptedReader("__1____?__"))
    assert (string_of(page), page.is_known) == ("1", False)


def test_of_two_ways_to_turn_a_number_the_likelier_is_taken() -> None:
    class Orientation(ScriptedReader):
        """Is sure of a line that begins with most of its ink, less of one that ends with it, and not of single bars."""

        def read(self, strip: Pixels) -> Floats:
            inked = (strip > 100).any(axis=0)
            begins = inked[: len(inked) // 2].sum() > inked[len(inked) // 2 :].sum()
            line = [*"1_1_", "1" if begins else {"7": 0.99, "1": 0.01}]
            self.script = line if inked.mean() < 0.5 else "?"
            return super().read(strip)

    ink = bar(80, 50, 90, 130, 230)
    sideways = np.ascontiguousarray(np.rot90(ink))
    for turned, degrees in ((sideways, 90), (np.ascontiguousarray(np.rot90(ink, 3)), 270)):
        page = read_page(255 - turned.astype(np.uint8), turned, DIGIT, Orientation(""))
        assert (string_of(page), page.degrees) == ("111", degrees)


def test_a_texture_is_no_page_of_numbers() -> None:
    texture = np.zeros((200, 200), np.float32)
    texture[::6, ::6] = 255
    assert cv2.connectedComponents((texture > 0).astype(np.uint8))[0] > MAX_PIECES
    assert read_page(texture.astype(np.uint8), texture, DIGIT, ScriptedReader("1")).lines == ()


def test_without_ink_there_is_nothing_to_read() -> None:
    nothing = np.zeros((50, 90), np.float32)
    assert read_page(nothing.astype(np.uint8), nothing, DIGIT, ScriptedReader("1")).lines == ()
