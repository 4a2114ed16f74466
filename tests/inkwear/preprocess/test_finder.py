"""The finder on papers that a test draws itself, so that it knows where the ink is."""

import cv2
import numpy as np
import pytest

from inkwear.preprocess.finder import MAX_SIDE, MIN_SIDE, find, logits, standardized
from inkwear.preprocess.spec import Floats, Pixels
from tests.hand import render

SIDE = 240
Y, X = np.mgrid[:SIDE, :SIDE].astype(np.float32)


def cover(digit: str, pen: int = 10) -> Floats:
    """How much of each pixel is ink, from 0 to 1."""
    return 1 - np.asarray(render(digit, canvas=SIDE, side=140, pen=pen, ink=0), np.float32) / 255


def printed(step: int, squared: bool = False) -> Floats:
    """Paper with lines a little tilted, lighter than ink."""
    paper = np.full((SIDE, SIDE), 225, np.float32)
    for at in range(12, SIDE, step):
        cv2.line(paper, (0, at), (SIDE, at - 4), 165.0, 1)
        if squared:
            cv2.line(paper, (at - 3, 0), (at, SIDE), 165.0, 1)
    return paper


PAPERS = {
    "plain": np.full((SIDE, SIDE), 225, np.float32),
    "ruled": printed(30),
    "squared": printed(24, squared=True),
    "waves": 205 + 18 * np.sin(Y / 4 + 5 * np.sin(X / 23)),
    "guilloche": 205 + 12 * np.sin(Y / 3 + 5 * np.sin(X / 17)) + 12 * np.sin(X / 3 + 4 * np.cos(Y / 19)),
    "shadow": 225 * (1 - 0.45 / (1 + np.exp(-(X + 0.5 * Y - 150) / 4))),
    "falling light": 225 * np.linspace(0.45, 1, SIDE)[None] * np.ones((SIDE, 1)),
    "a dark desk beside it": np.where(X > 205, 45, 225),
}


def photograph(paper: Floats, ink: Floats | float, dark: int = 50, noise: float = 3) -> Pixels:
    """The paper as a camera sees it with ink on it."""
    grain = np.random.default_rng(0).normal(0, noise, paper.shape)
    return (paper + (dark - paper) * ink + grain).clip(0, 255).astype(np.uint8)


def found_and_true(gray: Pixels, ink: Floats) -> tuple[float, float]:
    """Share of the ink that is found, and share of what is found that is ink or its edge."""
    found = find(gray)[0] >= 128
    near = cv2.dilate((ink > 0.05).astype(np.uint8), np.ones((5, 5))) > 0
    return float(found[ink >= 0.6].mean()), float(near[found].mean())


@pytest.mark.parametrize("digit", "583")
@pytest.mark.parametrize("name", PAPERS)
def test_ink_is_told_from_any_paper(name: str, digit: str) -> None:
    ink = cover(digit)
    recall, precision = found_and_true(photograph(PAPERS[name], ink), ink)
    assert recall >= 0.93
    assert precision >= 0.85


@pytest.mark.parametrize("name", PAPERS)
def test_chalk_is_told_from_any_board(name: str) -> None:
    ink = cover("3")
    recall, precision = found_and_true(255 - photograph(PAPERS[name], ink), ink)
    assert recall >= 0.8
    assert precision >= 0.85


@pytest.mark.parametrize(("ink", "sheet"), [(20, 240), (240, 20), (110, 150), (200, 120)])
def test_ink_of_any_contrast_is_found_on_an_even_sheet(ink: int, sheet: int) -> None:
    picture = np.asarray(render("7", canvas=SIDE, side=170, pen=18, ink=ink, sheet=sheet))
    recall, precision = found_and_true(picture, np.abs(picture.astype(np.float32) - sheet) / abs(ink - sheet))
    assert recall >= 0.9
    assert precision >= 0.95


def test_a_note_says_which_is_darker() -> None:
    gray = photograph(PAPERS["ruled"], cover("3"))
    assert [note.code for note in find(gray)[1]] == ["ink", "inverted"]
    assert [note.code for note in find(255 - gray)[1]] == ["ink"]


@pytest.mark.parametrize("name", PAPERS)
def test_blank_paper_is_not_taken_for_ink(name: str) -> None:
    foreground, notes = find(photograph(PAPERS[name], 0))
    assert (foreground >= 128).mean() <= 0.005
    assert notes[0].code == "ink"


def test_a_plain_blank_sheet_is_nothing() -> None:
    foreground, notes = find(photograph(PAPERS["plain"], 0))
    assert not foreground.any()
    assert [note.code for note in notes] == ["ink"]


def test_faint_ink_is_raised_to_full() -> None:
    ink = cover("8")
    foreground, _ = find(photograph(PAPERS["plain"], ink, dark=190, noise=1))
    assert np.median(foreground[ink >= 0.9]) > 200


def test_ink_that_grows_fainter_keeps_its_faint_end() -> None:
    ink = cover("8") * np.linspace(0.6, 1, SIDE, dtype=np.float32)[:, None]
    foreground, _ = find(photograph(PAPERS["plain"], ink, noise=1))
    assert (foreground[:100][ink[:100] > 0.55] >= 128).mean() > 0.9


def test_a_speck_far_from_a_digit_is_left_out_with_a_note_and_a_dot_beside_it_stays() -> None:
    digit = cover("3")
    rows, columns = np.nonzero(digit)
    dotted = digit.copy()
    dotted[rows.max() - 4 : rows.max(), columns.max() + 12 : columns.max() + 16] = 1
    foreground, notes = find(photograph(PAPERS["plain"], dotted))
    assert foreground[rows.max() - 3, columns.max() + 14] > 100
    assert [note.code for note in notes] == ["ink", "inverted"]
    specked = np.pad(digit, ((0, 0), (200, 0)))
    specked[20:24, 10:14] = 1
    paper = np.pad(PAPERS["plain"], ((0, 0), (200, 0)), mode="reflect")
    foreground, notes = find(photograph(paper, specked))
    assert not foreground[:, :60].any()
    assert str(notes[-1]) == "specks left out: 1"


@pytest.mark.parametrize("scale", [0.4, 1, 2, 5])
def test_ink_is_found_at_any_size(scale: float) -> None:
    ink = cover("3", pen=14)
    gray = cv2.resize(photograph(PAPERS["ruled"], ink), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    foreground, _ = find(gray)
    assert MIN_SIDE <= max(foreground.shape) <= MAX_SIDE
    found = cv2.resize(foreground, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR) >= 128
    assert found[ink >= 0.9].mean() > 0.9
    assert not found[cv2.dilate(ink, np.ones((13, 13))) == 0].any()


@pytest.mark.parametrize(("side", "expected"), [(40, MIN_SIDE), (240, 240), (1000, MAX_SIDE)])
def test_pictures_are_brought_to_a_size_that_the_network_knows(side: int, expected: int) -> None:
    assert find(np.full((side, side), 222, np.uint8))[0].shape == (expected, expected)


def test_sides_need_be_no_multiples_of_the_stride() -> None:
    assert logits(np.full((33, 70), 200, np.uint8)).shape == (33, 70)


SHAPES = [(1, 1), (1, 2), (2, 2), (1, 1000), (1000, 1), (3, 90), (17, 33), (160, 16), (385, 384), (700, 501)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("levels", [(0, 256), (120, 121)], ids=["noise", "even"])
def test_a_foreground_is_float32_up_to_255_for_any_shape(shape: tuple[int, int], levels: tuple[int, int]) -> None:
    gray = np.random.default_rng(0).integers(*levels, shape).astype(np.uint8)
    foreground, _ = find(gray)
    assert foreground.dtype == np.float32
    assert max(foreground.shape) <= MAX_SIDE
    assert 0 <= foreground.min() <= foreground.max() <= 255  # nor NaN


def test_a_sheet_of_hardly_any_contrast_is_not_turned_into_noise() -> None:
    hardly = np.random.default_rng(0).integers(127, 130, (50, 50)).astype(np.uint8)
    assert np.abs(standardized(hardly)).max() < 0.3
    full = np.random.default_rng(0).integers(0, 256, (50, 50)).astype(np.uint8)
    assert standardized(full).std() == pytest.approx(1, abs=0.15)
    assert standardized(full).mean() == pytest.approx(0, abs=1e-4)
