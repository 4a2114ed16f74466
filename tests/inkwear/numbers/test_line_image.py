import numpy as np

from inkwear.numbers.line_image import DIGIT_ROWS, to_strip
from inkwear.numbers.line_reader import ROWS


def upright(*heights: int) -> np.ndarray:
    """Bars of these heights, side by side on one line."""
    ink = np.zeros((max(heights) + 20, 30 * len(heights) + 20), np.float32)
    for place, height in enumerate(heights):
        ink[-10 - height : -10, 10 + 30 * place : 16 + 30 * place] = 255
    return ink


def heights_in(strip: np.ndarray) -> list[int]:
    """Rows of the bars of a strip, from left to right."""
    rows = (strip > 128).sum(axis=0)
    starts = np.flatnonzero((rows[1:] > 0) & (rows[:-1] == 0)) + 2
    return rows[starts].tolist()


def test_one_tall_digit_does_not_make_the_others_small() -> None:
    assert heights_in(to_strip(upright(50, 50, 50, 50, 50))) == [DIGIT_ROWS] * 5
    with_tall = heights_in(to_strip(upright(50, 50, 90, 50, 50)))
    assert with_tall[:2] + with_tall[3:] == [DIGIT_ROWS] * 4
    assert with_tall[2] > 1.3 * DIGIT_ROWS


def test_what_stands_out_of_a_strip_is_cut_off() -> None:
    strip = to_strip(upright(50, 50, 80, 50, 50))
    assert strip.shape[0] == ROWS
    assert heights_in(strip)[:2] == [DIGIT_ROWS, DIGIT_ROWS]
    assert strip[0].any()


def test_a_line_much_higher_than_its_digits_stays_on_its_strip() -> None:
    ink = np.zeros((400, 100), np.float32)
    ink[10:390:20, 10:90] = 255
    assert to_strip(ink).shape[0] == ROWS


def test_a_strip_is_level_and_as_high_as_the_reader_expects() -> None:
    ink = np.zeros((200, 400), np.float32)
    for left in range(20, 380, 40):
        ink[left // 4 : left // 4 + 60, left : left + 12] = 255
    strip = to_strip(ink)
    rows = [np.flatnonzero(strip[:, column] > 128) for column in range(strip.shape[1])]
    tops = [each[0] for each in rows if len(each)]
    assert strip.shape[0] == ROWS
    assert strip.shape[1] > 3 * ROWS
    assert max(tops) - min(tops) <= 14  # unlevelled it would be 32


def test_the_size_of_a_line_does_not_change_its_strip() -> None:
    ink = np.zeros((60, 150), np.float32)
    ink[10:50, 10:16] = ink[10:50, 60:66] = ink[44:50, 10:100] = 255
    large = to_strip(np.kron(ink, np.ones((3, 3), np.float32)))
    assert large.shape == to_strip(ink).shape
    assert np.abs(large.astype(int) - to_strip(ink)).mean() < 6
