import numpy as np
import pytest
from PIL import Image

from inkwear.images.decode import open_image
from inkwear.preprocess.grayscale import to_colors, to_grayscale
from tests.hand import encoded, held, render


def gray_of(image):
    pixels, notes = to_colors(image)
    return to_grayscale(pixels), notes


FIVE = render("5", canvas=120, side=80)
"""Dark ink (20) on a white sheet (255)."""

GRAY = np.asarray(FIVE)


def rgba(ink: tuple[int, int, int]) -> Image.Image:
    """The five in one color on nothing: where there is no ink, alpha is 0 and the color black."""
    picture = Image.new("RGBA", FIVE.size, (0, 0, 0, 0))
    picture.paste((*ink, 255), mask=FIVE.point(lambda value: 255 if value < 128 else 0))
    return picture


def codes(notes) -> list[str]:
    return [note.code for note in notes]


def stored(image: Image.Image, kind: str, **options: object) -> Image.Image:
    return open_image(encoded(image, kind, **options))


SIXTEEN = (GRAY.astype(np.uint16) * 257).astype(np.uint16)

SAME_PICTURE = {
    "L": FIVE,
    "RGB": FIVE.convert("RGB"),
    "palette": FIVE.convert("RGB").quantize(256),
    "CMYK": FIVE.convert("RGB").convert("CMYK"),
    "CMYK JPEG": stored(FIVE.convert("CMYK"), "JPEG", quality=100),
    "16-bit PNG": stored(Image.fromarray(SIXTEEN), "PNG"),
    "16-bit TIFF": stored(Image.fromarray(SIXTEEN), "TIFF"),
    "12 bits in 16": stored(Image.fromarray(SIXTEEN // 16), "TIFF"),
    "32-bit integers": Image.fromarray(SIXTEEN.astype(np.int32)),
    "floats to 1": Image.fromarray(GRAY.astype(np.float32) / 255),
    "floats to 255": stored(Image.fromarray(GRAY.astype(np.float32)), "TIFF"),
    "opaque alpha": FIVE.convert("RGBA"),
    "gray and alpha": FIVE.convert("LA"),
    "animated": stored(FIVE, "GIF", save_all=True, append_images=[Image.new("L", FIVE.size)]),
    "WebP": stored(FIVE, "WEBP", lossless=True),
    "BMP": stored(FIVE, "BMP"),
}


@pytest.mark.parametrize("name", SAME_PICTURE)
def test_the_same_picture_in_any_mode_is_the_same_gray(name: str) -> None:
    pixels, _ = gray_of(SAME_PICTURE[name])
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - GRAY).max() <= 4


def test_one_bit_pictures_are_black_and_white() -> None:
    pixels, _ = gray_of(stored(FIVE.convert("1"), "PNG"))
    assert set(np.unique(pixels)) == {0, 255}


@pytest.mark.parametrize(("ink", "backdrop"), [((0, 0, 0), 255), ((255, 255, 255), 0), ((200, 30, 30), 255)])
def test_ink_on_nothing_stays_visible(ink: tuple[int, int, int], backdrop: int) -> None:
    pixels, notes = gray_of(rgba(ink))
    assert pixels[0, 0] == backdrop
    assert np.ptp(pixels) > 100
    assert "transparency" in codes(notes)


@pytest.mark.parametrize(("sheet", "ink"), [(255, 20), (30, 240)], ids=["paper", "board"])
def test_soft_edges_continue_a_sheet(sheet: int, ink: int) -> None:
    gray = np.asarray(render("5", canvas=120, side=80, pen=10, ink=ink, sheet=sheet))
    alpha = np.full(gray.shape, 255, np.uint8)
    alpha[:6] = alpha[-6:] = alpha[:, :6] = alpha[:, -6:] = 3
    alpha[6:12] = alpha[-12:-6] = 120
    pixels, notes = gray_of(Image.merge("LA", [Image.fromarray(gray), Image.fromarray(alpha)]))
    assert codes(notes) == ["transparency"]
    assert np.abs(pixels.astype(int) - gray).max() <= 31  # a sheet of 30 is continued by black
    assert np.ptp(pixels[:6]) <= 1


def test_ink_with_soft_edges_on_nothing_stays_visible() -> None:
    coverage = 255 - np.asarray(render("5", canvas=120, side=80, ink=0))
    pixels, _ = gray_of(Image.merge("LA", [Image.new("L", FIVE.size, 0), Image.fromarray(coverage.astype(np.uint8))]))
    assert np.array_equal(pixels, 255 - coverage)


def test_a_palette_with_a_transparent_color_stays_visible() -> None:
    picture = Image.fromarray((GRAY < 128).astype(np.uint8), "P")
    picture.putpalette([0, 0, 0, 0, 0, 0])
    picture.info["transparency"] = 0
    pixels, _ = gray_of(stored(picture, "PNG"))
    assert np.ptp(pixels) == 255


AS_HELD = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera held so stores an upright picture."""


@pytest.mark.parametrize("orientation", AS_HELD)
def test_a_phones_orientation_is_followed(orientation: int) -> None:
    turned = FIVE.transpose(AS_HELD[orientation])
    pixels, notes = gray_of(stored(turned, "PNG", exif=held(orientation)))
    assert np.array_equal(pixels, GRAY)
    assert codes(notes) == ["turned"]


def test_a_gray_picture_needs_no_note() -> None:
    assert gray_of(FIVE)[1] == ()
    assert gray_of(FIVE.convert("RGB"))[1] == ()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(bad: float) -> None:
    values = GRAY.astype(np.float32)
    values[3, 3] = bad
    with pytest.raises(ValueError, match="not finite"):
        gray_of(Image.fromarray(values))
