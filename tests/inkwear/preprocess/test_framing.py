from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from inkwear.preprocess.framing import find, frame, frame_found, framed_already
from inkwear.preprocess.spec import SIZE, InputSpec
from tests.hand import DIGITS, render
from training.datasets import DATASETS, load_pixels

DIGIT, CLOTHING = DATASETS["mnist"].input, DATASETS["fashion_mnist"].input


def codes(framed) -> list[str]:
    return [note.code for note in framed.notes]


def like(framed, other) -> float:
    """Correlation of two framed pictures."""
    return float(np.corrcoef(framed.pixels.ravel(), other.pixels.ravel())[0, 1])


@pytest.fixture(scope="module")
def five() -> np.ndarray:
    return np.asarray(render("5"))


@pytest.mark.parametrize("negated", [False, True])
def test_mnist_comes_back_bit_for_bit(real_data: Path, negated: bool) -> None:
    images, _ = load_pixels(DATASETS["mnist"], "test", real_data)
    same = [np.array_equal(frame(255 - image if negated else image, DIGIT).pixels, image) for image in images]
    assert np.mean(same) >= 0.999


def test_mnist_stored_as_jpeg_is_framed_as_before(real_data: Path) -> None:
    """JPEG leaves a halo that overflows the 20-box; scaled down to fit, the digit would no longer lie as it lay."""
    images, _ = load_pixels(DATASETS["mnist"], "test", real_data)
    alike = []
    for image in images[:300]:
        _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 75])
        stored = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)
        alike.append(np.corrcoef(frame(stored, DIGIT).pixels.ravel(), image.ravel())[0, 1])
    assert np.mean(np.array(alike) > 0.9) >= 0.8  # 0.007 where the halo stays


def test_fashion_mnist_comes_back_bit_for_bit_but_for_what_does_not_fill_the_frame(real_data: Path) -> None:
    images, _ = load_pixels(DATASETS["fashion_mnist"], "test", real_data)
    assert np.mean([np.array_equal(frame(image, CLOTHING).pixels, image) for image in images]) >= 0.97


@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_fills_the_20_box_about_its_centre_of_mass(digit: str) -> None:
    pixels = frame(np.asarray(render(digit, shift=(60, -50))), DIGIT).pixels
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    mass = pixels.astype(float)
    centre = np.array([(mass.sum(axis=1) * np.arange(SIZE)).sum(), (mass.sum(axis=0) * np.arange(SIZE)).sum()])
    assert np.abs(centre / mass.sum() - 14).max() <= 0.5
    assert pixels.max() >= 250
    assert pixels[0].max() == 0


@pytest.mark.parametrize(
    ("change", "least"),
    [
        (lambda image: 255 - image, 0.999),
        (lambda image: np.pad(image, ((300, 10), (20, 500)), constant_values=255), 0.97),
        (lambda image: cv2.resize(image, (1600, 1600), interpolation=cv2.INTER_CUBIC), 0.97),
        (lambda image: cv2.resize(image, (100, 100), interpolation=cv2.INTER_AREA), 0.95),
        (lambda image: (image * 0.2 + 150).astype(np.uint8), 0.99),
    ],
    ids=["negative", "off centre", "huge", "small", "faint"],
)
def test_the_same_drawing_is_framed_alike(five: np.ndarray, change, least: float) -> None:
    assert like(frame(change(five), DIGIT), frame(five, DIGIT)) >= least


@pytest.mark.parametrize("pen", [5, 10, 22, 44, 60])
def test_strokes_of_any_width_come_out_at_the_usual_one(pen: int) -> None:
    ink = [frame(np.asarray(render("3", pen=width)), DIGIT).pixels.sum() for width in (22, pen)]
    assert 0.65 <= ink[1] / ink[0] <= 1.5  # the pen alone would make it 0.23 to 2.7


def paper_photo(image: np.ndarray, seed: int = 0) -> np.ndarray:
    """Put a drawing on a grayish sheet lit from one side, with the noise of a camera."""
    generator = np.random.default_rng(seed)
    light = np.linspace(0.55, 0.95, image.shape[1])[None, :] * np.linspace(1, 0.85, image.shape[0])[:, None]
    noise = generator.normal(0, 3, image.shape)
    return np.clip((60 + image * 0.55) * light + noise, 0, 255).astype(np.uint8)


def test_a_photo_of_paper_is_read_as_the_drawing_on_it(five: np.ndarray) -> None:
    framed = frame(paper_photo(five), DIGIT)
    assert like(framed, frame(five, DIGIT)) >= 0.95
    assert {"lighting", "inverted", "background"} <= set(codes(framed))


def test_chalk_on_a_board_is_read_too(five: np.ndarray) -> None:
    framed = frame(255 - paper_photo(five), DIGIT)
    assert like(framed, frame(five, DIGIT)) >= 0.95
    assert "inverted" not in codes(framed)


def test_a_speck_of_dirt_does_not_move_the_digit(five: np.ndarray) -> None:
    dirty = five.copy()
    dirty[380:386, 12:18] = 30
    assert like(frame(dirty, DIGIT), frame(five, DIGIT)) >= 0.999


BLANK = {
    "white": np.full((300, 300), 255, np.uint8),
    "black": np.zeros((300, 300), np.uint8),
    "28×28 of gray": np.full((28, 28), 128, np.uint8),
    "noise of a camera": np.random.default_rng(1).normal(180, 4, (300, 300)).clip(0, 255).astype(np.uint8),
    "sheet lit from one side": paper_photo(np.full((400, 400), 255, np.uint8)),
}


@pytest.mark.parametrize(
    ("name", "spec"),
    [(name, DIGIT) for name in BLANK] + [(name, CLOTHING) for name in BLANK if not name.startswith("sheet")],
)
def test_a_blank_picture_is_blank(name: str, spec: InputSpec) -> None:
    framed = frame(BLANK[name], spec)
    assert framed.blank
    assert codes(framed)[-1] == "blank"


@pytest.mark.parametrize("spec", [DIGIT, CLOTHING], ids=["digit", "clothing"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (2, 2), (3, 90), (28, 28), (29, 27), (2000, 3)])
def test_any_shape_is_framed(shape: tuple[int, int], spec: InputSpec) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    framed = frame(pixels, spec)
    assert framed.pixels.shape == (SIZE, SIZE)
    assert framed.pixels.dtype == np.uint8


def garment(background: int, cloth: int) -> np.ndarray:
    """A T-shirt, plain, in the middle of a plain background."""
    picture = np.full((400, 300), background, np.uint8)
    picture[100:320, 90:210] = cloth
    picture[100:160, 40:260] = cloth
    return picture


@pytest.mark.parametrize(("background", "cloth"), [(253, 60), (255, 120), (200, 40), (20, 200), (90, 250)])
def test_a_garment_is_bright_on_exactly_zero_and_fills_the_frame(background: int, cloth: int) -> None:
    pixels = frame(garment(background, cloth), CLOTHING).pixels
    assert pixels[-1, [0, -1]].max() == 0
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 28
    assert abs((rows[0] + rows[-1]) / 2 - 13.5) <= 1
    assert pixels[14, 14] > 60


def test_an_enlarged_garment_on_white_is_framed_as_in_the_set(real_data: Path) -> None:
    images, _ = load_pixels(DATASETS["fashion_mnist"], "test", real_data)
    alike = []
    for image in images[:200]:
        large = np.asarray(Image.fromarray(255 - image).resize((336, 336), Image.Resampling.BICUBIC))
        photo = np.pad(large, ((80, 40), (100, 160)), constant_values=255)
        alike.append(like(frame(photo, CLOTHING), frame(image, CLOTHING)))
    assert np.median(alike) >= 0.95  # enlarging has blurred them a little


def test_a_glance_at_images_that_touch_the_border_sees_what_the_whole_way_does(real_data: Path) -> None:
    spec = DATASETS["mnist"].input
    images, _ = load_pixels(DATASETS["mnist"], "test", real_data)
    at_border = images[[image.sum() > image[1:-1, 1:-1].sum() for image in images]]
    glances = [framed_already(image, spec) for image in at_border]
    assert sum(glance is not None for glance in glances) >= 100
    for image, glance in zip(at_border, glances, strict=True):
        if glance is not None:
            whole = frame_found(image, *find(image, spec), spec)
            assert np.array_equal(glance.pixels, whole.pixels)
            assert glance.notes == whole.notes


@pytest.mark.parametrize("digit", "0123456789")
def test_a_glance_at_a_framed_image_sees_what_the_whole_way_does(digit: str) -> None:
    spec = DATASETS["mnist"].input
    framed = frame(np.asarray(render(digit)), spec).pixels
    seen = framed_already(framed, spec)
    if seen is not None:
        whole = frame_found(framed, *find(framed, spec), spec)
        assert np.array_equal(seen.pixels, whole.pixels)
        assert seen.notes == whole.notes
    moved = np.roll(framed, 2, axis=1)
    assert framed_already(moved, spec) is None
    assert framed_already(255 - framed, spec) is None
    assert framed_already(framed // 2, spec) is None
