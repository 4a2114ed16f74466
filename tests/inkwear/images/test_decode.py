import contextlib
import re

import pytest
from PIL import Image

from inkwear.errors import ImageError
from inkwear.images.decode import open_image
from inkwear.preprocess.grayscale import to_colors
from tests.hand import encoded, held, render
from tests.mutations import mutants


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


@pytest.mark.parametrize(("name", "reason"), [("nowhere.png", r"cannot be read \(No such file"), ("folder", "cannot")])
def test_what_is_no_file_is_named(name: str, reason: str, tmp_path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ImageError, match=f"{name}: {reason}"):
        open_image(tmp_path / name)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_decompression_bomb_is_refused_unopened() -> None:
    bomb = encoded(Image.new("1", (13000, 13000)), "PNG")
    assert len(bomb) < 50_000
    with pytest.raises(ImageError, match="more than the 100 megapixels accepted"):
        open_image(bomb)


@pytest.mark.parametrize(
    ("width", "height", "decoded"),
    [(1024, 768, (512, 384)), (768, 1024, (384, 512)), (1023, 1023, (1023, 1023)), (8160, 6120, (1020, 765))],
)
def test_a_jpeg_is_decoded_at_no_more_than_ink_is_looked_for_in(
    width: int, height: int, decoded: tuple[int, int]
) -> None:
    assert open_image(encoded(Image.new("RGB", (width, height)), "JPEG")).size == decoded


SMALL = render("5", canvas=60, side=40)

TO_BE_BROKEN = {
    "JPEG": encoded(SMALL, "JPEG", exif=held(6)),
    "PNG": encoded(SMALL, "PNG", exif=held(6)),
    "WebP": encoded(SMALL, "WEBP", exif=held(6)),
    "TIFF of two pages": encoded(SMALL, "TIFF", save_all=True, append_images=[SMALL.rotate(30)]),
    "animated GIF": encoded(SMALL, "GIF", save_all=True, append_images=[SMALL.rotate(30), SMALL.rotate(60)]),
    "palette": encoded(SMALL.convert("RGB").quantize(8), "PNG", transparency=0),
}


@pytest.mark.filterwarnings("ignore")  # Pillow warns of much that is broken here on purpose
@pytest.mark.parametrize("name", TO_BE_BROKEN)
def test_every_damage_ends_in_gray_pixels_or_an_image_error(name: str) -> None:
    for mutant in mutants(TO_BE_BROKEN[name], 600, seed=0):
        with contextlib.suppress(ImageError):
            to_colors(open_image(mutant))


def test_no_bit_of_a_pngs_pixels_can_be_another() -> None:
    data = encoded(render("5", canvas=40, side=30, pen=4), "PNG")
    start, end = data.index(b"IDAT") + 4, data.index(b"IEND") - 8
    for place in range(start, end):
        with pytest.raises(ImageError, match="damaged or cut short"):
            open_image(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
