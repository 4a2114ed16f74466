import cv2
import numpy as np
import pytest

from training.simulator import grounds

SHAPE = (60, 200)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def sheet() -> np.ndarray:
    return np.full(SHAPE, 200, np.float32)


def test_a_sheet_is_of_the_shape_asked_for_and_differs_by_seed() -> None:
    one, other = (grounds.plain(SHAPE, 30, rng(seed)) for seed in (1, 2))
    assert one.shape == SHAPE
    assert one.dtype == np.float32
    assert np.array_equal(one, grounds.plain(SHAPE, 30, rng(1)))
    assert not np.array_equal(one, other)


def test_grain_is_noise_and_leaves_out_what_is_larger_than_the_bank() -> None:
    fine, coarse = (grounds.grain(SHAPE, rng(), size) for size in (1, 8))
    assert fine.std() == pytest.approx(1, abs=0.1)
    assert np.abs(np.diff(coarse)).mean() < 0.5 * np.abs(np.diff(fine)).mean()
    assert not grounds.grain((10, 3000), rng(), 1).any()


def test_print_and_boxes_only_darken() -> None:
    for seed in range(10):
        printed = sheet()
        grounds.security_print(printed, 30, 100, rng(seed))
        grounds.boxes(printed, (20, 60, 100), (10, 50), 30, rng(seed))
        assert (printed <= 200).all()
        assert (printed < 200).any()


@pytest.mark.parametrize(("kind", "directions"), [("one", 1), ("ruled", 1), ("squared", 2), ("table", 2)])
def test_rules_go_across_and_squares_and_tables_also_down(kind: grounds.Ruling, directions: int) -> None:
    for seed in range(5):
        ruled = sheet()
        grounds.rule(ruled, 30, 45, rng(seed), kind)
        darker = (ruled < 199).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(darker)
        assert len(stats) > 1
        if directions == 2:
            assert darker.any(axis=1).all()
        else:
            assert (stats[1:, cv2.CC_STAT_WIDTH] > 2 * stats[1:, cv2.CC_STAT_HEIGHT]).any()


def test_boxes_have_a_wall_between_neighbors() -> None:
    for seed in range(10):
        boxed = sheet()
        grounds.boxes(boxed, (40, 80, 120), (10, 50), 30, rng(seed))
        dark = np.flatnonzero((boxed[40:48] < boxed[40:48].max() - 20).any(axis=0))
        assert all(np.abs(dark - wall).min() <= 2 for wall in (40, 80, 120))


def test_what_lies_beyond_the_sheet_leaves_the_middle_free() -> None:
    changed = 0
    for seed in range(10):
        edged = sheet()
        grounds.edge(edged, (30, 20, 30, 20), rng(seed))
        assert (edged[25:35, 40:160] == 200).all()
        changed += (edged != 200).any()
    assert changed == 10


def test_shade_is_smooth_and_never_turns_light_to_ink() -> None:
    for seed in range(20):
        shaded = sheet()
        grounds.shade(shaded, rng(seed))
        assert 20 < shaded.min() <= shaded.max() < 320


def test_a_letterboxed_picture_is_still_there() -> None:
    picture = rng().uniform(0, 255, SHAPE).astype(np.float32)
    for seed in range(10):
        framed, (left, top) = grounds.letterbox(picture, rng(seed))
        assert np.array_equal(framed[top : top + SHAPE[0], left : left + SHAPE[1]], picture)
