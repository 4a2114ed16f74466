import numpy as np
import pytest

from inkwear.numbers.score import Line
from inkwear.numbers.segment import split, whole
from inkwear.preprocess.framing import find, frame
from inkwear.preprocess.spec import SIZE
from tests.hand import DIGITS, render, write_number
from training.datasets import DATASETS

DIGIT = DATASETS["mnist"].input


def lines_of(picture) -> list[Line]:
    return split(find(np.asarray(picture), DIGIT)[0], DIGIT)


@pytest.mark.parametrize("digit", DIGITS)
def test_one_digit_is_not_even_split(digit: str) -> None:
    assert lines_of(render(digit)) == []


def test_a_blank_foreground_has_no_lines() -> None:
    assert split(np.zeros((50, 90), np.float32), DIGIT) == []


def test_each_digit_apart_is_a_candidate_framed_by_itself() -> None:
    [line] = lines_of(write_number("307"))
    framed = [np.asarray(each.pixels) for each in line.candidates]
    for digit in "307":
        alone = frame(np.asarray(write_number(digit)), DIGIT).pixels
        assert any(np.abs(alone.astype(int) - pixels).max() <= 1 for pixels in framed)


def test_ink_of_many_pixels_is_split_as_if_it_had_few() -> None:
    foreground = find(np.asarray(write_number("307")), DIGIT)[0]
    [few] = split(foreground, DIGIT)
    [many] = split(np.repeat(np.repeat(foreground, 2, axis=0), 2, axis=1), DIGIT)
    assert [each.box for each in many.candidates] == [tuple(2 * side for side in each.box) for each in few.candidates]
    assert all(
        np.array_equal(each.pixels, other.pixels) for each, other in zip(few.candidates, many.candidates, strict=True)
    )


def test_lines_come_from_top_to_bottom() -> None:
    above, below = lines_of(write_number("12\n345"))
    assert max(each.box[3] for each in above.candidates) < min(each.box[1] for each in below.candidates)


def test_touching_digits_are_cut() -> None:
    touching = write_number("00", apart=62)
    [line] = lines_of(touching)
    middle = touching.width / 2
    assert line.pieces > 1
    assert any(abs(each.box[2] - middle) < 12 and each.first == 0 for each in line.candidates)


def test_the_whole_picture_as_one() -> None:
    foreground = find(np.asarray(write_number("11")), DIGIT)[0]
    single = whole(foreground, np.zeros((SIZE, SIZE), np.uint8))
    assert single.gap > 0.5
    assert single.width > 1
