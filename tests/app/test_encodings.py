"""One drawing in encodings a program may save it in: the answer is the same (for its gray, see ``test_grayscale``)."""

import numpy as np
import pytest
from PIL import Image

from inkwear.classifier import Classifier
from inkwear.images.decode import open_image
from tests.conftest import EXPORTS
from tests.hand import encoded, held, render

FOUR = render("4")

MODES = {
    "PNG": ("1", "LA", "P", "RGBA"),
    "TIFF": ("1", "LA", "P", "RGBA", "CMYK", "F"),  # not YCbCr: Pillow does not read its own
    "WEBP": ("L", "RGBA"),
    "JPEG": ("L", "RGB", "CMYK", "YCbCr"),
    "GIF": ("1", "L", "P", "RGB"),
    "BMP": ("1", "L", "P", "RGB"),
}

ENCODINGS = {
    **{f"{form} {mode}": encoded(FOUR.convert(mode), form) for form, modes in MODES.items() for mode in modes},
    **{
        f"{form} turned": encoded(FOUR.transpose(Image.Transpose.ROTATE_90).convert("RGB"), form, exif=held(6))
        for form in ("JPEG", "PNG", "WEBP", "TIFF")
    },
    **{f"JPEG of quality {quality}": encoded(FOUR, "JPEG", quality=quality) for quality in (20, 50, 80)},
    "a negative": encoded(Image.fromarray(255 - np.asarray(FOUR))),
}


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(EXPORTS / "mnist-sturdy.onnx", "cpu")


@pytest.mark.parametrize("name", ENCODINGS)
def test_the_answer_is_the_same_in_every_encoding(name: str, classifier: Classifier) -> None:
    [prediction] = classifier.predict([open_image(ENCODINGS[name])])
    assert (prediction.status, prediction.label) == ("ok", "4")
