import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from inkwear.images.fast_png import decode_tiny
from inkwear.preprocess.steps import Pixels
from tests.hand import encoded, png_of, render

PIXELS = np.asarray(render("7").convert("L").resize((28, 28)))


def filtered_png(rows: Pixels) -> bytes:
    """A PNG of filtered rows: (28, 29) uint8, the number of a row's filter first."""
    return png_of(struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0), zlib.compress(rows.tobytes()))


def test_the_quick_way_gives_what_pillow_gives() -> None:
    pictures = [(np.roll(PIXELS, shift), level) for shift in range(5) for level in (0, 1, 6, 9)]
    found = decode_tiny([encoded(Image.fromarray(pixels), compress_level=level) for pixels, level in pictures])
    assert all(
        quick is not None and np.array_equal(quick, pixels) for quick, (pixels, _) in zip(found, pictures, strict=True)
    )


def test_the_quick_way_undoes_every_filter_as_pillow_does() -> None:
    rng = np.random.default_rng(0)
    files = []
    for first in range(5):  # the filter of the first row, above which there is nothing
        rows = rng.integers(256, size=(28, 29), dtype=np.uint8)
        rows[:, 0] = [first, *rng.integers(5, size=27)]
        files.append(filtered_png(rows))
    unknown, short = filtered_png(np.full((28, 29), 5, np.uint8)), filtered_png(rows[:27])
    found = decode_tiny([files[0], unknown, *files[1:4], short, files[4]])
    assert [index for index, pixels in enumerate(found) if pixels is None] == [1, 5]
    quick = [pixels for pixels in found if pixels is not None]
    for pixels, data in zip(quick, files, strict=True):
        assert np.array_equal(pixels, np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize("mode", ["1", "LA", "P", "RGB", "RGBA", "I;16"])
def test_the_quick_way_leaves_other_modes_alone(mode: str) -> None:
    assert decode_tiny([encoded(Image.new(mode, (28, 28)))]) == [None]


def test_the_quick_way_leaves_damage_other_sizes_and_extra_chunks_alone() -> None:
    picture = Image.fromarray(PIXELS)
    data = encoded(picture)
    for place in range(len(data)):  # any changed byte is noticed
        assert decode_tiny([data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]]) == [None]
        assert decode_tiny([data[:place]]) == [None]
    assert decode_tiny([encoded(picture, dpi=(300, 300)), encoded(picture.resize((29, 28)))]) == [None, None]
