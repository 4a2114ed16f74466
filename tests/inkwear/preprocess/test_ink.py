"""Which way a picture takes: a drawing, a picture within margins, or one in which ink has to be found."""

import cv2
import numpy as np
import pytest

from inkwear.preprocess.framing import frame
from inkwear.preprocess.ink import find_ink
from tests.hand import render
from training.datasets import DATASETS

DIGIT = DATASETS["mnist"].input

FIVE = np.asarray(render("5"))


def photograph(drawing: np.ndarray, light: np.ndarray | float = 1, noise: float = 2, ink: int = 60) -> np.ndarray:
    """The drawing in ink of a gray level on a light gray sheet, as a camera sees it: (H, W) uint8."""
    paper = ink + (drawing / 255.0) * (220 - ink)
    grain = np.random.default_rng(0).normal(0, noise, drawing.shape)
    return np.clip(paper * light + grain, 0, 255).astype(np.uint8)


def likeness(picture: np.ndarray, drawing: np.ndarray = FIVE) -> float:
    """Correlation of what the network would see of both."""
    return float(np.corrcoef(*(frame(one, DIGIT).pixels.ravel() for one in (picture, drawing)))[0, 1])


def recovered(picture: np.ndarray, drawing: np.ndarray = FIVE) -> tuple[float, float]:
    """Share of the drawing's ink that is found, and share of what is found that is ink or its edge."""
    foreground, _ = find_ink(picture, DIGIT)
    found = cv2.resize(foreground, drawing.shape[::-1], interpolation=cv2.INTER_LINEAR) >= 128
    near = cv2.dilate((drawing < 250).astype(np.uint8), np.ones((7, 7))) > 0
    return float(found[drawing < 60].mean()), float(near[found].mean())


def codes(picture: np.ndarray) -> list[str]:
    return [note.code for note in find_ink(picture, DIGIT)[1]]


Y, X = np.mgrid[:400, :400]

HARD_SHADOW = 1 - 0.5 / (1 + np.exp(-np.clip((X + 0.6 * Y - 300) / 2, -30, 30)))
"""Half the light in a corner, across the digit, its edge two pixels wide."""

BULGING_SHADOW = 1 - 0.45 / (1 + np.exp(-np.clip((340 - 60 * np.cos((Y - 150) / 40) - X) / -2, -30, 30)))

ACROSS = np.linspace(0.7, 1, 400)[None, :]


def ruled(level: int = 170, squared: bool = False) -> np.ndarray:
    """Lines lighter than the ink, a little tilted, across the whole sheet."""
    lines = np.full(FIVE.shape, 255, np.uint8)
    for at in range(10, 500, 60):
        cv2.line(lines, (0, at), (400, at - 20), level, 2, cv2.LINE_AA)
        if squared:
            cv2.line(lines, (at - 20, 0), (at, 400), level, 2, cv2.LINE_AA)
    return np.minimum(FIVE, lines)


def beside_a_table(level: int) -> np.ndarray:
    """A sheet that ends a little before the picture does, on wood."""
    picture = photograph(FIVE)
    grain = cv2.GaussianBlur(np.random.default_rng(1).normal(0, 1, picture.shape), (0, 0), 3)
    wood = (level * (1 + 0.1 * grain / grain.std())).clip(0, 255).astype(np.uint8)
    return np.where(np.linspace(355, 375, 400)[:, None] < X, wood, picture)


TROUBLES = {
    "a hard shadow": photograph(FIVE, HARD_SHADOW),
    "a shadow that bulges into the light": photograph(FIVE, BULGING_SHADOW),
    "a quick fall of light": photograph(FIVE, np.linspace(0.35, 1, 400)[None, :] ** 1.5),
    "a dark table beside the sheet": beside_a_table(35),
    "a gray table beside the sheet": beside_a_table(120),
    "ruled paper": photograph(ruled()),
    "squared paper": photograph(ruled(squared=True)),
    "something rubbed out": photograph(cv2.line(FIVE.copy(), (20, 380), (360, 330), 200, 5)),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_a_trouble_is_left_out_and_the_ink_is_not(name: str) -> None:
    recall, precision = recovered(TROUBLES[name])
    assert recall >= 0.8
    assert precision >= 0.5
    assert codes(TROUBLES[name]) == ["ink", "inverted"]


@pytest.mark.parametrize("digit", "147")
def test_a_straight_stroke_is_no_printed_line(digit: str) -> None:
    drawing = np.asarray(render(digit, side=370, pen=8))
    assert recovered(photograph(drawing), drawing)[0] >= 0.9


@pytest.mark.parametrize("negated", [False, True])
def test_small_thin_and_faint_is_found_in_noise(negated: bool) -> None:
    drawing = np.asarray(render("3", side=70, pen=4))
    picture = photograph(drawing, noise=5, ink=120)
    recall, precision = recovered(255 - picture if negated else picture, drawing)
    assert recall >= 0.9
    assert precision >= 0.85


def test_digits_in_a_row_all_stay_even_one_at_the_border() -> None:
    row = np.hstack([np.asarray(render(digit, canvas=240, side=150, pen=12)) for digit in "354"])[:, 60:]
    row = np.hstack([np.asarray(render("7", canvas=240, side=150, pen=12))[50:, 30:205], row[:190]])[:, :-60]
    foreground, _ = find_ink(photograph(row), DIGIT)
    assert cv2.connectedComponents((foreground >= 128).astype(np.uint8))[0] - 1 >= 4


def test_hardly_anything_is_found_on_a_blank_sheet() -> None:
    blank = photograph(np.full((400, 400), 255, np.uint8), ACROSS, noise=4)
    assert (find_ink(blank, DIGIT)[0] >= 128).mean() <= 0.02


# --------------------------------------------------------------------------------------------------------- margins


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("margins", [((0, 0), (160, 160)), ((160, 160), (0, 0)), ((60, 60), (60, 60))])
def test_margins_around_a_photograph_are_left_out(level: int, margins: tuple[tuple[int, int], ...]) -> None:
    picture = np.pad(photograph(FIVE, ACROSS), margins, constant_values=level)
    foreground, notes = find_ink(picture, DIGIT)
    assert [note.code for note in notes] == ["margins", "ink", "inverted"]
    assert likeness(picture) >= 0.95
    assert foreground.shape[1] / foreground.shape[0] == pytest.approx(picture.shape[1] / picture.shape[0], rel=0.01)
    scale = max(picture.shape) / max(foreground.shape)
    rows, columns = (np.flatnonzero((foreground >= 128).any(axis=axis)) * scale for axis in (1, 0))
    assert margins[0][0] + 60 <= rows[0] < rows[-1] <= margins[0][0] + 340
    assert margins[1][0] + 60 <= columns[0] < columns[-1] <= margins[1][0] + 340


@pytest.mark.parametrize(("screen", "window"), [(30, 235), (255, 40)])
def test_a_digit_in_a_flat_window_on_a_screen_is_found(screen: int, window: int) -> None:
    drawing = np.full((400, 640), 255, np.uint8)
    drawing[60:340, 180:460] = render("5", canvas=280, side=160, pen=14, ink=0)
    picture = np.full(drawing.shape, screen, np.float32)
    picture[60:340, 120:520] = window
    picture += (255 - 2 * window) * (1 - drawing / 255)
    picture = picture.astype(np.uint8)
    assert codes(picture)[0] == "margins"
    recall, precision = recovered(picture, drawing)
    assert recall >= 0.8
    assert precision >= 0.95


def drawn(shape: str) -> np.ndarray:
    """A stroke so thick that it nearly fills its box."""
    picture = np.full((280, 280), 255, np.uint8)
    if shape == "upright":
        picture[40:240, 100:170] = 20
    elif shape == "slanted":
        cv2.line(picture, (120, 50), (150, 230), 20, 60)
    else:
        cv2.ellipse(picture, (140, 140), (80, 100), 0, 0, 360, 20, 60)
    return picture


@pytest.mark.parametrize("shape", ["upright", "slanted", "round"])
def test_a_thick_stroke_is_a_drawing(shape: str) -> None:
    assert codes(drawn(shape)) == ["inverted"]
    assert codes(255 - drawn(shape)) == []
    _, encoded = cv2.imencode(".jpg", drawn(shape), [cv2.IMWRITE_JPEG_QUALITY, 75])
    assert "margins" not in codes(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE))


# -------------------------------------------------------------------------------------------------------- drawings


@pytest.mark.parametrize("lines", ["across", "down"])
def test_a_drawing_on_a_form_is_searched_for_ink(lines: str) -> None:
    form = FIVE.copy()
    for at in (50, 350):
        cv2.line(form, *(((0, at), (399, at)) if lines == "across" else ((at, 0), (at, 399))), 120, 2)
    assert codes(form)[0] == "ink"
    assert likeness(form) >= 0.9


def test_a_tall_one_is_no_form() -> None:
    assert codes(cv2.line(np.full((400, 400), 255, np.uint8), (200, 10), (200, 390), 20, 12)) == ["inverted"]


@pytest.mark.parametrize("level", [0, 128])
@pytest.mark.parametrize("inset", [0, 4])
def test_a_frame_around_a_drawing_is_left_out(level: int, inset: int) -> None:
    framed = cv2.rectangle(FIVE.copy(), (inset, inset), (399 - inset, 399 - inset), level, 2)
    assert likeness(framed) >= 0.99
    assert codes(framed) == ["inverted", "frame"]


def test_a_bar_along_one_side_is_no_frame() -> None:
    assert "frame" not in codes(np.asarray(render("7", canvas=250, side=250, pen=22)))


def test_a_drawing_keeps_its_ink_pixel_by_pixel() -> None:
    foreground, notes = find_ink(FIVE, DIGIT)
    assert [note.code for note in notes] == ["inverted"]
    assert foreground.shape == FIVE.shape
    assert ((foreground >= 128) == (FIVE < 138)).mean() > 0.999
