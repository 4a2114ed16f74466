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


@pytest.mark.parametrize("export", ["mnist-inkwear_s", "fashion_mnist-mlp_small"])
@pytest.mark.parametrize(("kind", "count"), [(strokes, 60), (noise, 250), (ruled_number, 20), (apart, 6)])
def test_every_picture_gets_an_answer(export: str, kind: Callable[..., Image.Image], count: int) -> None:
    classifier = Classifier(EXPORTS / f"{export}.onnx", "cpu")
    for seed in range(count):
        picture = kind(np.random.default_rng(seed))
        try:
            [prediction] = classifier.predict([picture])
        except Exception as error:
            pytest.fail(f"{kind.__name__}(np.random.default_rng({seed})), {picture.size}: {error!r}")
        assert prediction.status in ("ok", "unsure", "blank")


@pytest.mark.parametrize("over", [True, False], ids=["over", "under"])
@pytest.mark.parametrize("pen", [1, 2, 3])
def test_a_ruled_line_over_or_under_a_number_is_left_out(pen: int, over: bool) -> None:
    side = 70 * pen  # the line is thinner than half a row where its cuts would be looked for
    picture = write_number("75", side=side, apart=side, pen=7, room=27)
    y = 10 if over else picture.height - 10
    ImageDraw.Draw(picture).line([15, y, picture.width - 15, y], fill=30, width=pen)
    [prediction] = Classifier(EXPORTS / "mnist-inkwear_s.onnx", "cpu").predict([picture])
    assert prediction.label == "75"
