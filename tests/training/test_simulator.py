from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from inkwear.preprocess.grayscale import ORIENTATION
from inkwear.preprocess.spec import Pixels
from tests.hand import DIGITS, render
from training.simulator import CONDITIONS, simulate
from training.simulator.glyphs import Glyph, Hand, write
from training.simulator.habits import with_habits
from training.simulator.numbers import LENGTHS, choose, numbers, stroke_widths, write_line
from training.simulator.photographs import SCENES, photograph

MNIST = CONDITIONS["mnist"]
SIDES = {"photographs/crop": (75, 205), "photographs/large": (895, 1605), "drawings/large": (895, 1405)}


def image_of(digit: str, pen: int = 26) -> Pixels:
    """A digit as MNIST stores it: 28×28, bright on black, 20 pixels high."""
    picture = render(digit, canvas=280, side=200, pen=pen, ink=255, sheet=0)
    return np.asarray(picture.resize((28, 28), Image.Resampling.BOX))


@pytest.fixture(scope="module")
def pixels() -> Pixels:
    return np.stack([image_of(digit) for digit in DIGITS])


def content(image: Image.Image) -> tuple[str, bytes]:
    return image.mode, image.tobytes()


def ink(glyph: Glyph) -> int:
    return int((glyph.field > 0).sum())


def parts(glyph: Glyph) -> int:
    return cv2.connectedComponents((glyph.field > 0).astype(np.uint8))[0] - 1


def loops(glyph: Glyph) -> int:
    outside = cv2.copyMakeBorder((glyph.field <= 0).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    return cv2.connectedComponents(outside, connectivity=4)[0] - 2


@pytest.mark.parametrize("name", ["drawings", "photographs"])
def test_the_same_seed_gives_the_same_picture_whatever_its_neighbors(name: str, pixels: Pixels) -> None:
    pictures = [content(image) for image in simulate(pixels[:4], MNIST[name], seed=5)]
    assert pictures == [content(image) for image in simulate(pixels[:4], MNIST[name], seed=5)]
    neighbors = np.stack([pixels[9], pixels[8], pixels[2]])
    assert content(list(simulate(neighbors, MNIST[name], seed=5))[2]) == pictures[2]
    assert content(next(simulate(pixels, MNIST[name], seed=6))) != pictures[0]


@pytest.mark.parametrize("name", MNIST)
def test_every_condition_gives_a_picture_of_the_promised_size_with_ink_on_it(name: str, pixels: Pixels) -> None:
    for image in simulate(pixels[3:5], MNIST[name], seed=1):
        least, greatest = SIDES.get(name, (75, 1605))
        assert least <= max(image.size) <= greatest
        assert np.ptp(np.asarray(image.convert("RGBA")).astype(int)) > 30


def test_a_thicker_pen_leaves_more_ink_and_neither_tears_a_digit_apart_nor_fills_its_loops(pixels: Pixels) -> None:
    for digit, expected in zip(pixels, (1, 0, 0, 0, 0, 0, 1, 0, 2, 1), strict=True):
        glyphs = [write(digit, Hand(pen), np.random.default_rng(0)) for pen in (0.02, 0.05, 0.1, 0.15, 0.2, 0.4)]
        assert all((parts(glyph), loops(glyph)) == (1, expected) for glyph in glyphs)
        assert all(ink(thinner) < ink(thicker) for thinner, thicker in pairwise(glyphs[:5]))


def test_a_loop_that_ran_full_is_not_drawn_as_a_line() -> None:
    full = cv2.circle(image_of("6").copy(), (13, 19), 4, 255, -1)
    thin = write(full, Hand(0.03), np.random.default_rng(0))
    assert ink(thin) > 1.5 * ink(write(image_of("6"), Hand(0.03), np.random.default_rng(0)))


def test_only_a_turned_photograph_says_so_and_it_is_upright_again() -> None:
    plain = photograph(image_of("7"), np.random.default_rng(0), SCENES["plain"])
    assert plain.format == "JPEG"
    assert ORIENTATION not in plain.getexif()
    scene = replace(SCENES["plain"], aspect=(1.4, 1.4), turned=1)
    for seed in range(6):
        stored = photograph(image_of("7"), np.random.default_rng(seed), scene)
        assert stored.getexif()[ORIENTATION] in (3, 6, 8)
        upright = ImageOps.exif_transpose(stored)
        assert upright.width > upright.height
        gray = np.asarray(upright.convert("L")).astype(float)
        rows, columns = np.nonzero(gray < np.median(gray) - 60)
        across = columns[rows < np.quantile(rows, 0.15)]  # the bar of a 7 is above
        assert np.ptp(across) > 1.5 * np.ptp(columns[rows > np.quantile(rows, 0.85)])


@pytest.mark.parametrize("name", ["drawings/transparent", "drawings/white_transparent"])
def test_there_is_nothing_below_what_is_transparent(name: str, pixels: Pixels) -> None:
    for image in simulate(pixels[:3], MNIST[name], seed=2):
        values = np.asarray(image)
        assert values.shape[2] == 4
        assert not values[values[..., 3] == 0].any()
        assert (values[..., 3] == 255).any()


def test_the_numbers_say_what_stands_in_them(pixels: Pixels) -> None:
    made, again = (list(numbers(pixels, np.arange(10), count=6, seed=3, touching=True)) for _ in range(2))
    for text, image in made:
        assert LENGTHS[0] <= len(text) <= LENGTHS[1]
        assert text.isdigit()
        assert 200 <= max(image.size) <= 1605
    assert [(text, content(image)) for text, image in made] == [(text, content(image)) for text, image in again]


def test_digits_stand_apart_or_touch(pixels: Pixels) -> None:
    for seed in range(5):
        for pen in (0.03, 0.12):
            apart, touching = (
                write_line(pixels[[0, 3, 6, 8]], pen, np.random.default_rng(seed), touch) for touch in (False, True)
            )
            assert parts(apart) == 4
            assert parts(touching) < 4


def test_the_digits_of_a_number_have_similar_strokes() -> None:
    several = np.stack([image_of(digit, pen) for digit in DIGITS for pen in (16, 26, 40)])
    widths = stroke_widths(several)
    assert widths[0] < widths[1] < widths[2]
    by_stroke = np.argsort(widths)
    chosen = choose(by_stroke, np.random.default_rng(0))
    ranks = np.argsort(by_stroke)[chosen]
    assert np.ptp(ranks) <= 9


PLAIN_ONE = np.pad(np.full((20, 3), 255, np.uint8), ((4, 4), (13, 12)))


def with_a_habit(image: Pixels, label: int) -> Pixels:
    """Return those of 200 copies that a habit changed."""
    made = with_habits(np.repeat(image[None], 200, axis=0), np.full(200, label), seed=3)
    assert np.array_equal(made[:10], with_habits(np.repeat(image[None], 10, axis=0), np.full(10, label), seed=3))
    return made[(made != image).any(axis=(1, 2))]


def test_a_third_of_plain_ones_get_a_flag_at_the_upper_left() -> None:
    flagged = with_a_habit(PLAIN_ONE, 1)
    assert 40 < len(flagged) < 100
    added = flagged.astype(int) - PLAIN_ONE
    assert (added >= 0).all()
    assert (added[:, :14, :13] > 100).any(axis=(1, 2)).all()
    assert not added[:, :14, 18:].any()


def test_sevens_get_a_bar_or_a_hook_and_other_digits_stay(pixels: Pixels) -> None:
    changed = [len(with_a_habit(image, label)) for label, image in enumerate(pixels)]
    assert 40 < changed[7] < 110
    assert sum(changed[label] for label in (0, 2, 3, 4, 5, 6, 8, 9)) == 0
