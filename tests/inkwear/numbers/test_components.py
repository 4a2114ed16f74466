import numpy as np
import pytest

from inkwear.numbers.components import (
    Piece,
    box_of,
    find_pieces,
    grown,
    max_gap,
    max_missing_run,
    scaled_box,
    spread_to_faint,
    usual_height,
)


def test_pieces_have_a_label_a_box_and_their_ink_and_the_faint_ink_near_them() -> None:
    ink = np.zeros((20, 30), np.float32)
    ink[3:15, 5:9] = ink[9:15, 17:21] = 255
    ink[9:15, 21:23] = 40
    labels, pieces = find_pieces(ink > 100)
    assert sorted((piece.box, piece.ink) for piece in pieces) == [((5, 3, 9, 15), 48), ((17, 9, 21, 15), 24)]
    assert all((labels == piece.label).sum() == piece.ink for piece in pieces)
    assert find_pieces(ink > 255) == (pytest.approx(np.zeros_like(ink)), [])
    spread = spread_to_faint(labels, ink)
    assert (spread[9:15, 21:23] == labels[10, 18]).all()
    assert ((spread > 0) == (ink > 0)).all()


def test_specks_count_little_for_the_usual_height() -> None:
    specks = [Piece(label, (0, 0, 2, 2), 4) for label in range(5)]
    assert usual_height([*specks, Piece(9, (0, 0, 5, 30), 150)]) == 30
    assert usual_height([]) == 0


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (max_gap([(0, 0, 4, 9), (10, 0, 12, 9)]), 6),
        (max_gap([(0, 0, 4, 9), (3, 12, 12, 20)]), 3),
        (max_missing_run(np.array([1, 2, 7, 8])), 4),
        (max_missing_run(np.array([5])), 0),
        (scaled_box((1, 1, 3, 4), 1.5), (1, 1, 5, 6)),
        (grown((1, 5, 10, 19), (20, 30)), (0, 2, 13, 20)),
        (box_of(np.eye(3, dtype=bool)[:2], 10, 20), (10, 20, 12, 22)),
        (box_of(np.zeros((2, 2), bool), 0, 0), None),
    ],
)
def test_boxes_and_gaps(found: object, expected: object) -> None:
    assert found == expected
