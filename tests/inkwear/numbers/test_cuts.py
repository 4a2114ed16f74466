from itertools import pairwise

import cv2
import numpy as np
import pytest

from inkwear.numbers.cuts import find_cuts
from inkwear.preprocess.spec import Floats

HEIGHT, STROKE = 90, 8


def ink(*strokes: tuple[tuple[int, int], ...]) -> Floats:
    """Strokes through points (x, y) of a field 160 wide."""
    field = np.zeros((HEIGHT, 160), np.uint8)
    for stroke in strokes:
        cv2.polylines(field, [np.array(stroke, np.int32)], isClosed=False, color=1, thickness=STROKE)
    return field.astype(np.float32)


def parts(mask: Floats, columns: Floats) -> tuple[float, float]:
    """Ink to the left and to the right of a cut."""
    left = np.arange(mask.shape[1]) < columns[:, None]
    return float(mask[left].sum()), float(mask[~left].sum())


@pytest.mark.parametrize("mirrored", [False, True])
def test_leaning_strokes_that_a_bar_joins_are_cut_through_the_bar_alone(mirrored: bool) -> None:
    mask = ink(((60, 4), (15, 85)), ((110, 4), (65, 85)), ((38, 45), (88, 45)))
    mask = mask[:, ::-1].copy() if mirrored else mask
    cuts = find_cuts(mask, HEIGHT, STROKE)
    assert any(cost < 1.7 and min(parts(mask, columns)) > 0.45 * mask.sum() for columns, cost in cuts)


def test_a_cut_follows_a_bow() -> None:
    mask = ink(((10, 4), (34, 10), (56, 45), (34, 80), (10, 85)), ((62, 4), (86, 10), (108, 45), (86, 80), (62, 85)))
    bar = ink(((56, 45), (108, 45)))
    cuts = find_cuts(np.maximum(mask, bar), HEIGHT, STROKE)
    assert any(cost < 1.7 and min(parts(mask, columns)) > 0.42 * mask.sum() for columns, cost in cuts)


def test_cuts_come_from_left_to_right() -> None:
    mask = ink(((10, 45), (150, 45)), ((40, 4), (40, 85)), ((110, 4), (110, 85)))
    amounts = [parts(mask, columns)[0] for columns, _ in find_cuts(mask, HEIGHT, STROKE)]
    assert len(amounts) > 2
    assert all(before < after * 1.05 for before, after in pairwise(amounts))
