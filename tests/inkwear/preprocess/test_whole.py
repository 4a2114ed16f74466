import numpy as np
import pytest

from inkwear.preprocess.whole import MIN_CONTRAST, fit_whole, show_whole


@pytest.mark.parametrize("shape", [(300, 200), (200, 300), (40, 20), (128, 128), (1, 900), (900, 1), (1, 1)])
def test_a_picture_fills_the_middle_and_its_border_goes_on(shape: tuple[int, int]) -> None:
    gray = np.full(shape, 180, np.uint8)
    gray[:, : shape[1] // 2] = 60
    square = fit_whole(gray, 128)
    assert square.shape == (128, 128)
    if min(shape) > 1:
        assert abs(int(square[:, 0].mean()) - 60) < 2
        assert abs(int(square[:, -1].mean()) - 180) < 2
        assert abs(float(square.mean()) - 120) < 4


def test_colors_are_shown_in_gray() -> None:
    green = np.zeros((60, 90, 3), np.uint8)
    green[20:40, 30:60, 1] = 255
    shown = show_whole(green, 96)
    assert shown.dtype == np.float32
    assert abs(shown[48, 48] - 150) <= 1
    assert shown[2, 2] == 0


@pytest.mark.parametrize("contrast", [0, MIN_CONTRAST - 1])
def test_an_even_sheet_is_nothing(contrast: int) -> None:
    sheet = np.full((90, 90), 100, np.uint8)
    sheet[30:60, 30:60] += contrast
    assert not show_whole(sheet, 96).any()
