"""Pictures that are opened in a process of their own."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from inkwear.classifier import Classifier
from inkwear.errors import ImageError
from inkwear.images import subprocess as large
from inkwear.images.decode import FULL_SIZE, open_image
from inkwear.images.subprocess import is_large, open_picture
from tests.hand import encoded, held, png_of, render

pytestmark = pytest.mark.slow


def bomb(width: int, height: int) -> bytes:
    """A small PNG of many black pixels in four channels."""
    packer, row = zlib.compressobj(9), bytes(1 + 4 * width)
    packed = b"".join([packer.compress(row) for _ in range(height)] + [packer.flush()])
    return png_of(struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0), packed)


SHEET = render("5", canvas=3000)


def deep() -> Image.Image:
    return Image.fromarray(np.asarray(SHEET, np.uint16) * 257)


def on_nothing() -> Image.Image:
    ink = Image.eval(SHEET, lambda value: 255 - value)
    return Image.merge("RGBA", [*Image.new("RGB", SHEET.size).split(), ink])


def indexed() -> Image.Image:
    return SHEET.convert("RGB").quantize(16)


LARGE = {
    "gray": lambda: encoded(SHEET),
    "color": lambda: encoded(SHEET.convert("RGB")),
    "16 bit": lambda: encoded(deep()),
    "ink on nothing": lambda: encoded(on_nothing()),
    "gray on nothing": lambda: encoded(on_nothing().convert("LA")),
    "a palette": lambda: encoded(indexed()),
    "a palette with a hole": lambda: encoded(indexed(), transparency=3),
    "1 bit": lambda: encoded(SHEET.convert("1")),
    "CMYK": lambda: encoded(SHEET.convert("CMYK"), "TIFF", compression="tiff_lzw"),
    "float": lambda: encoded(Image.fromarray(np.asarray(SHEET, np.float32) / 255), "TIFF"),
    "WebP": lambda: encoded(SHEET.convert("RGB"), "WEBP", quality=80),
    "GIF": lambda: encoded(SHEET, "GIF"),
    "turned": lambda: encoded(SHEET.transpose(Image.Transpose.ROTATE_90), exif=held(6)),
}


@pytest.mark.parametrize("kind", LARGE)
def test_a_large_picture_gets_the_answer_that_it_would_have_got(kind: str, classifier: Classifier) -> None:
    data = LARGE[kind]()
    assert is_large(data)
    whole, small = open_image(data), open_picture(data, "five")
    assert max(small.size) < 2 * large.REDUCED_SIDE
    assert small.info[FULL_SIZE] == whole.size
    expected, found = (classifier.predict([image])[0] for image in (whole, small))
    assert (found.label, found.status) == (expected.label, expected.status) == ("5", "ok")
    codes = [[note.code for note in prediction.notes if note.code != "deep"] for prediction in (expected, found)]
    assert codes[0] == codes[1]
    assert np.abs(found.pixels.astype(int) - expected.pixels).mean() < 1


def test_phone_photographs_and_everyday_pictures_are_opened_here() -> None:
    assert not is_large(encoded(Image.new("RGB", (8160, 6120)), "JPEG"))  # 50 megapixels, at an eighth
    assert not is_large(encoded(Image.new("RGB", (1280, 720))))
    assert not is_large(b"no picture")
    assert is_large(encoded(Image.new("RGB", (6000, 4000)), "JPEG", progressive=True))


def test_what_is_wrong_is_said_of_the_picture_by_its_name() -> None:
    data = encoded(SHEET.convert("RGB"))
    with pytest.raises(ImageError, match=r"five\.png: the picture is damaged or cut short"):
        open_picture(data[: len(data) // 2], "five.png")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("sys.executable", "/bin/false", "it takes more memory to open than is given"),
        ("MAX_CHILD_SECONDS", 0.001, "it takes more than"),
    ],
)
def test_a_bomb_costs_its_sender_an_answer_and_nobody_else_anything(
    name: str, value: object, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{large.__name__}.{name}", value)
    with pytest.raises(ImageError, match=rf"bomb\.png: {reason}"):
        open_picture(bomb(3000, 3000), "bomb.png")


def test_a_hundred_megapixels_are_opened_in_the_memory_that_a_child_has() -> None:
    assert max(open_picture(bomb(10_000, 10_000), "all").size) < 2 * large.REDUCED_SIDE
