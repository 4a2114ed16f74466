"""One drawing in encodings a program may save it in: the answer is the same (for its gray, see ``test_grayscale``)."""

import numpy as np
import pytest
from PIL import Image

from inkwear.classifier import Classifier
from inkwear.images.decode import open_image
from inkwear.preprocess.grayscale import UPRIGHT
from tests.conftest import EXPORTS
from tests.hand import encoded, held, render

FOUR = render("4")

STORED = {turn: undo for turn, undo in UPRIGHT.items() if turn in (2, 3, 4, 5, 7)} | {
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera that was held another way stores what stands upright; all but two undo themselves."""

MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"),  # not YCbCr: Pillow does not read its own
    "WEBP": ("L", "RGB", "RGBA"),
    "JPEG": ("L", "RGB", "CMYK", "YCbCr"),
    "GIF": ("1", "L", "P", "RGB"),
    "BMP": ("1", "L", "P", "RGB"),
}


def in_mode(mode: str) -> Image.Image:
    return Image.fromarray(np.asarray(FOUR).astype(np.uint16) * 257) if mode == "I;16" else FOUR.convert(mode)


def on_nothing(ink: str) -> Image.Image:
    """Return the drawing as an app with layers saves it: ink, and no background at all."""
    picture = Image.new("RGBA", FOUR.size, ink)
    picture.putalpha(Image.fromarray(255 - np.asarray(FOUR)))
    return picture


ENCODINGS = {
    **{f"{form} {mode}": encoded(in_mode(mode), form) for form, modes in MODES.items() for mode in modes},
    **{
        f"{form} turned {turn}": encoded(FOUR.transpose(stored).convert("RGB"), form, exif=held(turn))
        for form in ("JPEG", "PNG", "WEBP", "TIFF")
        for turn, stored in STORED.items()
    },
    **{f"{ink} ink on nothing": encoded(on_nothing(ink)) for ink in ("black", "white", "navy")},
    **{f"JPEG of quality {quality}": encoded(FOUR, "JPEG", quality=quality) for quality in (20, 50, 80)},
    "a negative": encoded(Image.fromarray(255 - np.asarray(FOUR))),
    "floats to 1": encoded(Image.fromarray(np.asarray(FOUR, np.float32) / 255), "TIFF"),
}


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(EXPORTS / "mnist-sturdy.onnx", "cpu")


@pytest.mark.parametrize("name", ENCODINGS)
def test_the_answer_is_the_same_in_every_encoding(name: str, classifier: Classifier) -> None:
    [prediction] = classifier.predict([open_image(ENCODINGS[name])])
    assert (prediction.status, prediction.label) == ("ok", "4")
