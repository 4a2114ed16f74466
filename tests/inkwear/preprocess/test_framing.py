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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "negated", "least"), [("mnist", False, 0.999), ("mnist", True, 0.999), ("fashion_mnist", False, 0.97)]
)
def test_images_of_the_sets_come_back_bit_for_bit(real_data: Path, name: str, negated: bool, least: float) -> None:
    images, _ = load_pixels(DATASETS[name], "test", real_data)
    framed = (frame(255 - image if negated else image, DATASETS[name].input).pixels for image in images)
    assert np.mean([np.array_equal(pixels, image) for pixels, image in zip(framed, images, strict=True)]) >= least


def test_mnist_stored_as_jpeg_is_framed_as_before(real_data: Path) -> None:
    # A halo of JPEG overflows the 20-box; scaled down to fit, the digit would no longer lie as it lay.
    images, _ = load_pixels(DATASETS["mnist"], "test", real_data)
    alike = []
    for image in images[:300]:
        _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 75])
        stored = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)
        alike.append(np.corrcoef(frame(stored, DIGIT).pixels.ravel(), image.ravel())[0, 1])
    assert np.mean(np.array(alike) > 0.9) >= 0.8  # 0.007 where the halo stays


@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_fills_the_20_box_about_its_center_of_mass(digit: str) -> None:
    pixels = frame(np.asarray(render(digit, shift=(60, -50))), DIGIT).pixels
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    mass = pixels.astype(float)
    center = np.array([(mass.sum(axis=1) * np.arange(SIZE)).sum(), (mass.sum(axis=0) * np.arange(SIZE)).sum()])
    assert np.abs(center / mass.sum() - 14).max() <= 0.5
    assert pixels.max() >= 250
    assert pixels[0].max() == 0


def paper_photo(image: np.ndarray) -> np.ndarray:
    """Put a drawing on a grayish sheet lit from one side, with the noise of a camera."""
    light = np.linspace(0.55, 0.95, image.shape[1])[None, :] * np.linspace(1, 0.85, image.shape[0])[:, None]
    noise = np.random.default_rng(0).normal(0, 3, image.shape)
    return np.clip((60 + image * 0.55) * light + noise, 0, 255).astype(np.uint8)


def with_speck(image: np.ndarray) -> np.ndarray:
    dirty = image.copy()
    dirty[380:386, 12:18] = 30
    return dirty


INVERTED = {"inverted"}


@pytest.mark.parametrize(
    ("change", "least", "notes"),
    [
        (lambda image: 255 - image, 0.999, set()),
        (lambda image: np.pad(image, ((300, 10), (20, 500)), constant_values=255), 0.97, INVERTED),
        (lambda image: cv2.resize(image, (1600, 1600), interpolation=cv2.INTER_CUBIC), 0.97, INVERTED),
        (lambda image: cv2.resize(image, (100, 100), interpolation=cv2.INTER_AREA), 0.95, INVERTED),
        (lambda image: (image * 0.2 + 150).astype(np.uint8), 0.99, INVERTED),
        (paper_photo, 0.95, {"ink", "inverted"}),
        (lambda image: 255 - paper_photo(image), 0.95, {"ink"}),
        (with_speck, 0.999, INVERTED),
    ],
    ids=["negative", "off center", "huge", "small", "faint", "paper", "chalk", "dirt"],
)
def test_the_same_drawing_is_framed_alike(five: np.ndarray, change, least: float, notes: set[str]) -> None:
    framed = frame(change(five), DIGIT)
    assert like(framed, frame(five, DIGIT)) >= least
    assert notes <= set(codes(framed))
    assert ("inverted" in codes(framed)) == ("inverted" in notes)


@pytest.mark.parametrize("pen", [5, 10, 22, 44, 60])
def test_strokes_of_any_width_come_out_at_the_usual_one(pen: int) -> None:
    ink = [frame(np.asarray(render("3", pen=width)), DIGIT).pixels.sum() for width in (22, pen)]
    assert 0.65 <= ink[1] / ink[0] <= 1.5  # the pen alone would make it 0.23 to 2.7


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


@pytest.mark.slow
def test_an_enlarged_garment_on_white_is_framed_as_in_the_set(real_data: Path) -> None:
    images, _ = load_pixels(DATASETS["fashion_mnist"], "test", real_data)
    alike = []
    for image in images[:200]:
        large = np.asarray(Image.fromarray(255 - image).resize((336, 336), Image.Resampling.BICUBIC))
        photo = np.pad(large, ((80, 40), (100, 160)), constant_values=255)
        alike.append(like(frame(photo, CLOTHING), frame(image, CLOTHING)))
    assert np.median(alike) >= 0.95  # enlarging has blurred them a little


def test_a_glance_at_images_that_touch_the_border_sees_what_the_whole_way_does(real_data: Path) -> None:
    images, _ = load_pixels(DATASETS["mnist"], "test", real_data)
    at_border = images[[image.sum() > image[1:-1, 1:-1].sum() for image in images]]
    assert sum(glance_is_right(image) for image in at_border) >= 100


@pytest.mark.parametrize("digit", DIGITS)
def test_a_glance_at_a_framed_image_sees_what_the_whole_way_does(digit: str) -> None:
    framed = frame(np.asarray(render(digit)), DIGIT).pixels
    glance_is_right(framed)
    for other in (np.roll(framed, 2, axis=1), 255 - framed, framed // 2):
        assert framed_already(other, DIGIT) is None


def glance_is_right(image: np.ndarray) -> bool:
    """Whether a glance is enough; where it is, it must see what the whole way does."""
    glance = framed_already(image, DIGIT)
    if glance is not None:
        whole = frame_found(image, *find(image, DIGIT), DIGIT)
        assert np.array_equal(glance.pixels, whole.pixels)
        assert glance.notes == whole.notes
    return glance is not None
