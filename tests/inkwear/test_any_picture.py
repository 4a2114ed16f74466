"""No picture ends in an exception: generated ones, from 1×1 to a thousand times as long as high, with random ink."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from inkwear.classifier import Classifier
from tests.conftest import EXPORTS
from tests.hand import write_number

pytestmark = pytest.mark.slow

MAX_SIDE = 700
"""Pixels; longer ones are reduced to 512 anyway."""


def size(generator: np.random.Generator) -> tuple[int, int]:
    """Width and height: each magnitude and each aspect up to 1:1000 as likely as any other."""
    longer = round(MAX_SIDE ** generator.random())
    shorter = max(1, round(longer / 1000 ** generator.random()))
    return (longer, shorter) if generator.random() < 0.5 else (shorter, longer)


def strokes(generator: np.random.Generator) -> Image.Image:
    """Lines on an even sheet, half of them thin, half of them along the picture's sides."""
    width, height = size(generator)
    picture = Image.new("L", (width, height), int(generator.integers(256)))
    for _ in range(generator.integers(1, 8)):
        start, end = generator.random((2, 2)) * (width, height)
        if generator.random() < 0.5:
            side = generator.integers(2)
            end[side] = start[side]
        pen = int(generator.choice([1, 1, 2, 3, 12]))
        ImageDraw.Draw(picture).line([*start, *end], fill=int(generator.integers(256)), width=pen)
    return picture


def noise(generator: np.random.Generator) -> Image.Image:
    """A sheet that is nowhere even, gray or in color, with a line across half of them."""
    width, height = size(generator)
    pixels = generator.normal(generator.integers(256), generator.uniform(1, 40), (height, width))
    if generator.random() < 0.5:
        pixels[generator.integers(height)] += 100
    gray = pixels.clip(0, 255).astype(np.uint8)
    return Image.fromarray(gray if generator.random() < 0.7 else np.stack([gray, gray // 2, 255 - gray], axis=-1))


def ruled_number(generator: np.random.Generator) -> Image.Image:
    """A number over, under or behind a ruled line of 1 to 6 pixels."""
    text = "".join(map(str, generator.integers(10, size=generator.integers(2, 4))))
    picture = write_number(text, side=80, apart=float(generator.uniform(60, 110)), pen=int(generator.integers(4, 12)))
    left, right, y = (float(part) for part in generator.uniform((5, 0.7 * picture.width, 20), (60, *picture.size)))
    ImageDraw.Draw(picture).line([left, y, right, y], fill=30, width=int(generator.integers(1, 7)))
    return picture


def apart(generator: np.random.Generator) -> Image.Image:
    """Two strokes, thin and long, one behind the other, along the picture or down it."""
    pixels = np.full((500, 40), 255, np.uint8)
    end = int(generator.integers(200, 350))
    pen = int(generator.integers(1, 4))
    pixels[5:end, 20 : 20 + pen] = pixels[end + 10 : 495, 20 : 20 + pen] = 0
    return Image.fromarray(pixels if generator.random() < 0.5 else pixels.T)


def small(generator: np.random.Generator) -> Image.Image:
    """A few strokes, some hardly darker or lighter than the sheet, on 1×1 to 44×44 pixels."""
    width, height = (int(side) for side in generator.integers(1, 45, 2))
    sheet = int(generator.integers(256))
    picture = Image.new("L", (width, height), sheet)
    for _ in range(generator.integers(1, 6)):
        points = (generator.random((2, 2)) * (width, height)).ravel().tolist()
        level = int(np.clip(sheet + generator.integers(-130, 130), 0, 255))
        ImageDraw.Draw(picture).line(points, fill=level, width=int(generator.integers(1, 5)))
    return picture


def mounted(generator: np.random.Generator) -> Image.Image:
    """Any of the others within margins of one color, on some of its sides."""
    kinds = (strokes, noise, ruled_number, small)
    inner = kinds[generator.integers(len(kinds))](generator).convert("RGB")
    left, top, right, bottom = (int(each) for each in generator.integers(0, 200, 4) * (generator.random(4) < 0.7))
    color = tuple(int(level) for level in generator.integers(0, 256, 3))
    picture = Image.new("RGB", (inner.width + left + right, inner.height + top + bottom), color)
    picture.paste(inner, (left, top))
    return picture


def see_through(generator: np.random.Generator) -> Image.Image:
    """Strokes with an even or a random alpha."""
    picture = strokes(generator).convert("RGBA")
    shape = picture.size[::-1]
    alpha = generator.integers(0, 256, shape) if generator.random() < 0.5 else np.full(shape, generator.integers(256))
    picture.putalpha(Image.fromarray(alpha.astype(np.uint8)))
    return picture


def texture(generator: np.random.Generator) -> Image.Image:
    """Squares at random places: up to thousands of pieces of ink."""
    side = int(generator.integers(1, 12))
    shape = [max(1, length // side) for length in size(generator)]
    squares = generator.random(shape) < generator.uniform(0.05, 0.6)
    return Image.fromarray(np.kron(squares, np.full((side, side), 255)).astype(np.uint8))


KINDS = {strokes: 60, noise: 120, ruled_number: 20, apart: 6, small: 150, mounted: 60, see_through: 40, texture: 40}


@pytest.mark.parametrize("export", ["mnist-inkwear_s", "fashion_mnist-mlp_small"])
@pytest.mark.parametrize(("kind", "count"), KINDS.items())
def test_every_picture_gets_an_answer(export: str, kind: Callable[..., Image.Image], count: int) -> None:
    classifier = Classifier(EXPORTS / f"{export}.onnx", "cpu")
    for seed in range(count):
        picture = kind(np.random.default_rng(seed))
        try:
            [prediction] = classifier.predict([picture])
        except Exception as error:
            pytest.fail(f"{kind.__name__}(np.random.default_rng({seed})), {picture.size}: {error!r}")
        assert prediction.status in ("ok", "unsure", "blank")
        assert (prediction.confidence is None) == (prediction.status == "blank")
        assert prediction.confidence is None or 0 <= prediction.confidence <= 1  # nor NaN
        assert all(left < right and top < bottom for left, top, right, bottom in (d.box for d in prediction.digits))


@pytest.mark.parametrize("over", [True, False], ids=["over", "under"])
@pytest.mark.parametrize("pen", [1, 2, 3])
def test_a_ruled_line_over_or_under_a_number_is_left_out(pen: int, over: bool) -> None:
    side = 70 * pen  # the line is thinner than half a row where its cuts would be looked for
    picture = write_number("75", side=side, apart=side, pen=7, room=27)
    y = 10 if over else picture.height - 10
    ImageDraw.Draw(picture).line([15, y, picture.width - 15, y], fill=30, width=pen)
    [prediction] = Classifier(EXPORTS / "mnist-inkwear_s.onnx", "cpu").predict([picture])
    assert prediction.label == "75"
