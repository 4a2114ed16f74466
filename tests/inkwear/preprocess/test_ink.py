"""Pictures with one trouble each, every one of which is misread without a step of find_ink."""

import cv2
import numpy as np
import pytest

from inkwear.preprocess import illumination as sheet
from inkwear.preprocess.framing import frame
from inkwear.preprocess.ink import find_ink
from inkwear.preprocess.ruled_lines import erase_ruled_lines
from tests.hand import render
from training.datasets import DATASETS

DIGIT = DATASETS["mnist"].input


FIVE = np.asarray(render("5"))


def photograph(drawing: np.ndarray, light: np.ndarray | float = 1, noise: float = 2, ink: int = 60) -> np.ndarray:
    """The drawing in ink of a gray level on a light gray sheet, as a camera sees it: (H, W) uint8."""
    paper = ink + (drawing / 255.0) * (220 - ink)
    grain = np.random.default_rng(0).normal(0, noise, drawing.shape)
    return np.clip(paper * light + grain, 0, 255).astype(np.uint8)


def likeness(picture: np.ndarray, drawing: np.ndarray) -> float:
    """Correlation of what the network would see of both."""
    return float(np.corrcoef(*(frame(one, DIGIT).pixels.ravel() for one in (picture, drawing)))[0, 1])


def codes(picture: np.ndarray) -> list[str]:
    return [note.code for note in find_ink(picture, DIGIT)[1]]


Y, X = np.mgrid[:400, :400]

HARD_SHADOW = 1 - 0.5 / (1 + np.exp(-np.clip((X + 0.6 * Y - 300) / 2, -30, 30)))
"""Half the light in a corner, across the digit, its edge two pixels wide."""

BULGING_SHADOW = 1 - 0.45 / (1 + np.exp(-np.clip((340 - 60 * np.cos((Y - 150) / 40) - X) / -2, -30, 30)))


def ruled(level: int = 170, squared: bool = False, drawing: np.ndarray = FIVE) -> np.ndarray:
    """Lines lighter than the ink, a little tilted, across the whole sheet."""
    lines = np.full(drawing.shape, 255, np.uint8)
    for at in range(10, 500, 60):
        cv2.line(lines, (0, at), (400, at - 20), level, 2, cv2.LINE_AA)
        if squared:
            cv2.line(lines, (at - 20, 0), (at, 400), level, 2, cv2.LINE_AA)
    return np.minimum(drawing, lines)


def beside_a_table(level: int) -> np.ndarray:
    """A sheet that ends a little before the picture does, on wood."""
    picture = photograph(FIVE)
    grain = cv2.GaussianBlur(np.random.default_rng(1).normal(0, 1, picture.shape), (0, 0), 3)
    wood = (level * (1 + 0.1 * grain / grain.std())).clip(0, 255).astype(np.uint8)
    return np.where(np.linspace(355, 375, 400)[:, None] < X, wood, picture)


def with_traces() -> np.ndarray:
    """Something rubbed out, and a speck."""
    traces = cv2.line(FIVE.copy(), (20, 380), (360, 330), 200, 5)
    return cv2.circle(traces, (30, 30), 4, 40, -1)


TROUBLES = {
    "a hard shadow": (photograph(FIVE, HARD_SHADOW), None),
    "a shadow that bulges into the light": (photograph(FIVE, BULGING_SHADOW), None),
    "a quick fall of light": (photograph(FIVE, np.linspace(0.35, 1, 400)[None, :] ** 1.5), None),
    "a dark table beside the sheet": (beside_a_table(35), None),
    "a gray table beside the sheet": (beside_a_table(120), None),
    "ruled paper": (photograph(ruled()), "rulings"),
    "squared paper": (photograph(ruled(squared=True)), "rulings"),
    "faint traces and specks": (photograph(with_traces()), "marks"),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_a_trouble_is_left_out_and_the_ink_is_not(name: str) -> None:
    picture, note = TROUBLES[name]
    assert likeness(picture, FIVE) >= 0.95
    assert note is None or note in codes(picture)


@pytest.mark.parametrize("level", [0, 128])
@pytest.mark.parametrize("inset", [0, 4])
def test_a_frame_around_a_drawing_is_left_out(level: int, inset: int) -> None:
    framed = cv2.rectangle(FIVE.copy(), (inset, inset), (399 - inset, 399 - inset), level, 2)
    assert likeness(framed, FIVE) >= 0.99
    assert "frame" in codes(framed)


@pytest.mark.parametrize("digit", "147")
def test_a_straight_stroke_is_no_printed_line(digit: str) -> None:
    drawing = np.asarray(render(digit, side=370, pen=8))
    assert likeness(photograph(drawing), drawing) >= 0.95


def test_small_thin_and_faint_is_read_in_noise() -> None:
    drawing = np.asarray(render("3", side=70, pen=4))
    assert likeness(photograph(drawing, noise=5, ink=120), drawing) >= 0.85


def test_a_sheet_that_reaches_into_a_dark_table_is_no_chalk() -> None:
    drawing = np.asarray(render("0", side=180, pen=18))
    picture = photograph(drawing, ink=150) * 0.4
    picture[340:], picture[:, 330:] = 25, 25
    assert sheet.is_darker(picture.astype(np.uint8))


def test_lines_hardly_stronger_than_noise_are_erased_whole() -> None:
    drawing = np.asarray(render("5", side=60, pen=4))
    found = codes(photograph(ruled(190, drawing=drawing), noise=5))
    assert "rulings" in found
    assert "marks" not in found


def test_a_small_mark_belongs_to_what_it_is_near() -> None:
    drawing = np.asarray(render("5", side=100, pen=8)).copy()
    near, far = drawing.copy(), drawing.copy()
    near[148:152, 215:240] = 0
    far[375:379, 20:42] = 0
    with_mark, without = (np.count_nonzero(find_ink(photograph(one), DIGIT)[0]) for one in (near, drawing))
    assert with_mark > without
    assert likeness(photograph(far), drawing) >= 0.95


def test_ink_no_darker_than_the_line_under_it_is_mended() -> None:
    contrast = (255 - np.asarray(render("1", pen=10))).astype(np.float32)
    contrast[200:203] = 235
    erased, count = erase_ruled_lines(contrast, 16)
    assert count == 1
    assert erased[201, :150].max() == 0
    assert erased[201].max() >= 200


def test_a_bar_along_one_side_is_no_frame() -> None:
    seven = np.asarray(render("7", canvas=250, side=250, pen=22))
    assert "frame" not in codes(seven)


def test_digits_in_a_row_all_stay_even_one_at_the_border() -> None:
    row = np.hstack([np.asarray(render(digit, canvas=240, side=150, pen=12)) for digit in "354"])[:, 60:]
    row = np.hstack([np.asarray(render("7", canvas=240, side=150, pen=12))[50:, 30:205], row[:190]])[:, :-60]
    foreground, _ = find_ink(photograph(row), DIGIT)
    apart = cv2.connectedComponents((foreground >= 128).astype(np.uint8))[0] - 1
    assert apart >= 4


def test_chalk_is_lighter_than_its_board_and_ink_darker_than_its_sheet() -> None:
    small = np.asarray(render("5", side=60, pen=4))
    for drawing in (FIVE, small):
        assert sheet.is_darker(photograph(drawing))
        assert sheet.is_darker(photograph(drawing, HARD_SHADOW))
        assert not sheet.is_darker(255 - photograph(drawing, noise=5))


def test_noise_alone_is_nothing() -> None:
    blank = photograph(np.full((400, 400), 255, np.uint8), HARD_SHADOW, noise=4)
    assert not find_ink(blank, DIGIT)[0].any()
