import numpy as np
import pytest

from inkwear.numbers.line_image import DIGIT_ROWS, INK_LEVEL, MAX_WIDTH, Strip, to_strip
from inkwear.numbers.line_reader import ROWS
from tests.hand import write_number

INK, PAPER = 60, 220


def upright(*heights: int, apart: int = 30) -> np.ndarray:
    """Ink of bars of these heights, side by side on one line."""
    ink = np.zeros((max(heights) + 120, apart * len(heights) + 100), np.float32)
    for place, height in enumerate(heights):
        ink[-60 - height : -60, 50 + apart * place : 56 + apart * place] = 255
    return ink


def photograph(ink: np.ndarray, dark: int = INK, light: int = PAPER) -> np.ndarray:
    return np.where(ink >= 128, dark, light).astype(np.uint8)


def strip_of(ink: np.ndarray) -> np.ndarray:
    return to_strip(photograph(ink), ink).pixels


def bars_in(strip: np.ndarray) -> list[np.ndarray]:
    """Rows of each bar of a strip, from left to right."""
    inked = strip > INK_LEVEL / 2
    starts = np.flatnonzero(inked.any(axis=0)[1:] & ~inked.any(axis=0)[:-1]) + 2
    return [np.flatnonzero(inked[:, start]) for start in starts]


def heights_in(strip: np.ndarray) -> list[int]:
    return [len(rows) for rows in bars_in(strip)]


def test_one_tall_digit_does_not_make_the_others_small() -> None:
    np.testing.assert_allclose(heights_in(strip_of(upright(50, 50, 50, 50, 50))), DIGIT_ROWS, atol=1)
    with_tall = heights_in(strip_of(upright(50, 50, 80, 50, 50)))
    np.testing.assert_allclose(with_tall[:2] + with_tall[3:], DIGIT_ROWS, atol=1)
    assert with_tall[2] > 1.2 * DIGIT_ROWS


def test_what_stands_out_of_a_strip_is_cut_off() -> None:
    strip = strip_of(upright(50, 50, 120, 50, 50, apart=60))
    assert strip.shape[0] == ROWS
    assert strip[0].any()


def test_low_zeros_leave_room_for_the_digits_beside_them() -> None:
    tall, *zeros = heights_in(strip_of(upright(100, 40, 40, 40, 40, 40, 40)))
    assert tall >= ROWS - 2
    np.testing.assert_allclose(zeros, ROWS * 0.4, atol=1)


def test_a_strip_shows_ink_bright_on_dark_whichever_is_darker() -> None:
    ink = upright(50, 40, 50)
    strips = [to_strip(photograph(ink, dark, light), ink).pixels for dark, light in ((60, 220), (200, 40), (120, 140))]
    for strip in strips:
        assert np.abs(strip.astype(int) - strips[0]).mean() < 3
        assert np.median(strip) == 0
        assert abs(int(np.median(strip[strip > 100])) - INK_LEVEL) <= 25


def test_a_shadow_across_the_paper_is_left_out() -> None:
    ink = upright(50, 50, 50, 50)
    light = np.linspace(0.5, 1, ink.shape[1])
    strip = to_strip((photograph(ink) * light).astype(np.uint8), ink).pixels
    assert np.abs(strip.astype(int) - strip_of(ink)).mean() < 12


@pytest.mark.parametrize("slope", [-0.2, 0.2])
def test_a_strip_is_level(slope: float) -> None:
    ink = np.zeros((240, 420), np.float32)
    for left in range(30, 390, 40):
        top = round(90 + slope * (left - 210))
        ink[top : top + 60, left : left + 12] = 255
    tops = [rows[0] for rows in bars_in(strip_of(ink))]
    assert len(tops) == 9
    assert max(tops) - min(tops) <= 12  # 25 if it were not leveled


def test_the_size_of_a_line_does_not_change_its_strip() -> None:
    ink = upright(40, 30, 40)
    large = np.kron(ink, np.ones((3, 3), np.float32))
    assert strip_of(large).shape == strip_of(ink).shape
    assert np.abs(strip_of(large).astype(int) - strip_of(ink)).mean() < 6


def test_a_picture_larger_than_its_map_is_averaged_and_not_sampled() -> None:
    number = np.asarray(write_number("4725", side=16, apart=18, pen=3))
    ink = 255 - number.astype(np.float32)
    large = np.kron(number, np.ones((8, 8)))
    noisy = (large + np.random.default_rng(0).normal(0, 60, large.shape)).clip(0, 255).astype(np.uint8)
    strips = [to_strip(picture, ink).pixels.astype(int) for picture in (noisy, number)]
    assert np.abs(strips[0] - strips[1]).mean() < 12


def test_a_long_line_is_squeezed() -> None:
    strip = to_strip(photograph(line := upright(*[30] * 70)), line)
    assert strip.pixels.shape == (ROWS, MAX_WIDTH)
    assert len(bars_in(strip.pixels)) == 70


@pytest.mark.parametrize("count", [1, 5, 70], ids=["one", "some", "squeezed"])
def test_a_column_of_a_strip_is_one_of_the_map(count: int) -> None:
    ink = upright(*[40] * count)
    strip = to_strip(photograph(ink), ink)
    inked = np.flatnonzero((strip.pixels > INK_LEVEL / 2).any(axis=0))
    on_map = np.flatnonzero(ink.any(axis=0))
    assert strip.column(inked[0]) == pytest.approx(on_map[0], abs=2)
    assert strip.column(inked[-1] + 1) == pytest.approx(on_map[-1] + 1, abs=2)
    assert Strip(strip.pixels, 7, 2.0).column(10) == 12


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 3), (2, 90)])
def test_ink_of_any_shape_becomes_a_strip(shape: tuple[int, int]) -> None:
    strip = to_strip(np.zeros(shape, np.uint8), np.full(shape, 255, np.float32))
    assert strip.pixels.shape[0] == ROWS
    assert 8 <= strip.pixels.shape[1] <= MAX_WIDTH


def test_without_ink_there_is_no_line() -> None:
    with pytest.raises(IndexError, match="no line"):
        to_strip(np.zeros((20, 20), np.uint8), np.full((20, 20), 100, np.float32))
