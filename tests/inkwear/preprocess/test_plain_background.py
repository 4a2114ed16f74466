"""Garments before plain backgrounds: small ones, shadows, holes, hangers."""

import cv2
import numpy as np

from inkwear.preprocess.plain_background import SIDE, before_plain

PAPER, NAVY = (225, 222, 218), (40, 50, 110)


def cut(picture: np.ndarray) -> np.ndarray:
    found = before_plain(np.rint(picture.clip(0, 255)).astype(np.uint8))
    assert found is not None
    return found[1]


def size(picture: np.ndarray) -> tuple[int, int]:
    """Height and width of the garment that is found."""
    mask = cut(picture)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def paper(height: int, width: int) -> np.ndarray:
    picture = np.full((height, width, 3), PAPER, np.float32)
    return picture + np.random.default_rng(0).normal(0, 2, picture.shape).astype(np.float32)


def test_a_small_garment_gets_as_many_pixels_as_a_large_one() -> None:
    picture = paper(1200, 900)
    picture[700:850, 100:220] = NAVY
    height, width = size(picture)
    assert height > 0.6 * SIDE
    assert abs(width / height - 120 / 150) < 0.04


def test_a_cast_shadow_is_not_garment() -> None:
    shadow = np.zeros((190, 190), np.float32)
    shadow[50:150, 58:148] = 0.14
    picture = paper(190, 190) * (1 - cv2.GaussianBlur(shadow, (0, 0), 4)[..., None])
    picture[40:140, 50:140] = NAVY
    np.testing.assert_allclose(size(picture), (100, 90), atol=6)


def test_a_light_part_with_a_sharp_edge_is_no_shadow() -> None:
    picture = paper(190, 190)
    picture[40:140, 50:140] = NAVY
    picture[120:140, 50:140] = [0.85 * value for value in PAPER]
    assert size(picture)[0] >= 98


def test_holes_are_closed_but_where_the_background_shows() -> None:
    picture = paper(190, 190)
    picture[40:140, 50:140] = NAVY
    picture[60:80, 60:90] = [value - 7 for value in PAPER]  # cloth hardly darker than the background
    picture[100:120, 60:90] = paper(20, 30)
    mask = cut(picture)
    top, left = np.flatnonzero(mask.any(axis=1))[0], np.flatnonzero(mask.any(axis=0))[0]
    assert mask[top + 30, left + 25]
    assert not mask[top + 70, left + 25]


def test_the_hook_of_a_hanger_does_not_count() -> None:
    picture = paper(190, 190)
    picture[60:160, 50:140] = NAVY
    cv2.line(picture, (95, 40), (95, 70), (60, 60, 60), 2)
    assert size(picture)[0] <= 103


def test_a_handle_as_wide_as_a_bag_counts() -> None:
    picture = paper(190, 190)
    picture[80:160, 50:140] = NAVY
    cv2.ellipse(picture, (95, 80), (40, 40), 0, 180, 360, NAVY, 3)
    assert size(picture)[0] >= 115
