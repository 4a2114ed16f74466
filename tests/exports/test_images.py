import contextlib
import io
import re

import numpy as np
import pytest
from PIL import Image

from exports.images import ImageError, open_image
from tests.hand import render


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "MPO"])
def test_the_formats_people_have_are_read(format: str, tmp_path) -> None:
    path = tmp_path / "five"
    path.write_bytes(encoded(render("5", canvas=120, side=80), format))
    assert open_image(path).size == (120, 120)
    assert open_image(path.read_bytes()).size == (120, 120)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"hello", "not a picture of an accepted format; accepted are JPEG, PNG, WebP, GIF, BMP or TIFF"),
        (encoded(render("5"), "PNG")[:-900], "damaged or cut short"),
        (encoded(render("5"), "JPEG")[:-900], "damaged or cut short"),
        (encoded(render("5"), "PPM"), "not a picture of an accepted format"),
        (encoded(Image.new("LAB", (30, 30)), "TIFF"), "the colour mode LAB is not understood"),
    ],
)
def test_what_cannot_be_read_is_named_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=f"^five.png: .*{re.escape(reason)}"):
        open_image(content, name="five.png")


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(ImageError, match=r"nowhere.png: cannot be read \(No such file"):
        open_image(tmp_path / "nowhere.png")


def test_a_folder_is_no_picture(tmp_path) -> None:
    with pytest.raises(ImageError, match="cannot be read"):
        open_image(tmp_path)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_decompression_bomb_is_refused_unopened() -> None:
    bomb = encoded(Image.new("1", (13000, 13000)), "PNG")
    assert len(bomb) < 50_000
    with pytest.raises(ImageError, match="more than the 100 megapixels accepted"):
        open_image(bomb)


def test_a_phones_50_megapixels_are_decoded_at_a_smaller_scale() -> None:
    photo = encoded(Image.effect_noise((816, 612), 20).resize((8160, 6120)), "JPEG")
    assert max(open_image(photo).size) <= 1100


def test_every_single_flipped_byte_ends_in_an_image_or_an_image_error() -> None:
    whole = encoded(render("5", canvas=60, side=40), "PNG")
    generator = np.random.default_rng(0)
    for _ in range(300):
        broken = bytearray(whole)
        broken[generator.integers(len(whole))] ^= 1 << int(generator.integers(8))
        with contextlib.suppress(ImageError):
            open_image(bytes(broken))
