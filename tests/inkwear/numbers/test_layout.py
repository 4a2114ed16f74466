from collections.abc import Sequence

import pytest

from inkwear.numbers.components import Box, Piece
from inkwear.numbers.layout import group_in_lines, tall_pieces, without_cut_off

COLUMN_OF_ONES = [(50, 10 + 60 * row, 58, 50 + 60 * row) for row in range(4)]
ROWS = [(10 + 40 * column, 10 + 70 * row, 40 + 40 * column, 60 + 70 * row) for row in range(2) for column in range(3)]
FALLING = [(10 + 40 * column, 10 + 12 * column, 40 + 40 * column, 60 + 12 * column) for column in range(8)]
TALL_BESIDE_LOW = [(10, 10, 40, 90), (50, 50, 80, 90), (90, 20, 120, 90)]


def pieces_in(boxes: Sequence[Box]) -> list[Piece]:
    return [Piece(label, box, (box[2] - box[0]) * (box[3] - box[1]) // 3) for label, box in enumerate(boxes, start=1)]


def labels_of(boxes: Sequence[Box]) -> list[list[int]]:
    return [sorted(piece.label for piece in line) for line in group_in_lines(pieces_in(boxes))]


@pytest.mark.parametrize(
    ("boxes", "lines"),
    [
        ([(10, 10, 40, 60)], [[1]]),
        (COLUMN_OF_ONES, [[1], [2], [3], [4]]),
        (COLUMN_OF_ONES[::-1], [[4], [3], [2], [1]]),
        (ROWS, [[1, 2, 3], [4, 5, 6]]),
        (FALLING, [[1, 2, 3, 4, 5, 6, 7, 8]]),
        (TALL_BESIDE_LOW, [[1, 2, 3]]),
    ],
    ids=["one", "a column of ones", "the same from below", "rows", "a falling line", "uneven heights"],
)
def test_what_stands_side_by_side_is_a_line(boxes: Sequence[Box], lines: list[list[int]]) -> None:
    assert labels_of(boxes) == lines


@pytest.mark.parametrize(
    ("low", "line"),
    [((78, 54, 83, 60), 0), ((90, 2, 118, 6), 0), ((14, 124, 36, 128), 1), ((300, 100, 306, 106), 1)],
    ids=["a point", "the bar of a 5", "a dash", "a speckle far off"],
)
def test_a_low_piece_joins_the_nearest_line(low: Box, line: int) -> None:
    lines = labels_of([*ROWS, low])
    assert len(lines) == 2
    assert len(ROWS) + 1 in lines[line]


def test_tall_pieces_have_nearly_half_the_height_of_a_line() -> None:
    assert [piece.height for piece in tall_pieces(pieces_in([(0, 0, 9, 20), (0, 0, 9, 24)]), 50)] == [24]


FIVE_AND_ITS_BAR = [(50, 40, 80, 90), (55, 5, 78, 31), (90, 40, 120, 90)]
"""The bar stands above the 5 and shares no rows with it."""


def test_a_detached_part_of_a_digit_joins_it() -> None:
    assert labels_of(FIVE_AND_ITS_BAR) == [[1, 2, 3]]
    five, (left, top, right, bottom), seven = FIVE_AND_ITS_BAR
    assert labels_of([five, (left, top - 45, right, bottom - 45), seven]) == [[2], [1, 3]]
    assert labels_of([five, (left - 25, top, right - 25, bottom), seven]) == [[2], [1, 3]]


def test_a_broken_stroke_is_one_digit_and_close_rows_are_not() -> None:
    assert labels_of([(50, 10, 58, 45), (50, 49, 58, 90)]) == [[1, 2]]
    assert labels_of([(10, 10, 40, 60), (10, 80, 40, 130)]) == [[1], [2]]
    close = [(left, top + (4 if top > 10 else 0), left + 30, top + 50) for top in (10, 60) for left in (10, 60, 110)]
    assert labels_of(close) == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("boxes", "kept"),
    [
        ([(10, 0, 30, 15), (10, 40, 30, 80), (10, 90, 30, 100)], [2]),
        ([(10, 0, 30, 38), (10, 45, 30, 85)], [1, 2]),
        ([(10, 0, 30, 100)], [1]),
        ([(10, 10, 30, 15), (10, 40, 30, 80)], [1, 2]),
    ],
    ids=["above and below", "nearly whole", "alone", "low, but not at the border"],
)
def test_what_the_border_has_left_of_lines_is_left_out(boxes: Sequence[Box], kept: list[int]) -> None:
    lines = [[piece] for piece in pieces_in(boxes)]
    assert [line[0].label for line in without_cut_off(lines, (100, 40))] == kept
