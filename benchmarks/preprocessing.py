"""How long a picture takes to become 28×28: ``python -m benchmarks.preprocessing``, on one core."""

import io
import platform
import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np
import typer
from PIL import Image

from inkwear.images.decode import open_image
from inkwear.preprocess.steps import frame, to_colors
from tests.hand import render
from training.datasets import DATASETS
from training.simulator import CONDITIONS

ROUNDS = 51


def median_milliseconds(call: Callable[[], object]) -> float:
    """Time a call, after two that warm up."""
    times = []
    for _ in range(ROUNDS + 2):
        started = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times[2:])


def main() -> None:
    """Print the medians of a drawing, of photographs of digits, of a phone's JPEG and of clothing."""
    cv2.setNumThreads(1)
    digit, clothing = DATASETS["mnist"].input, DATASETS["fashion_mnist"].input
    drawing = np.asarray(render("5", canvas=400))
    print(f"400×400 drawing, framed                     {median_milliseconds(lambda: frame(drawing, digit)):6.1f} ms")
    five = frame(drawing, digit).pixels
    for name in ("photographs/plain", "photographs/ruled", "photographs/hard_shadow"):
        picture = to_colors(CONDITIONS["mnist"][name](five, np.random.default_rng(0)))[0]
        size = f"{picture.shape[1]}×{picture.shape[0]}"
        print(f"{name:28} {size:>9}, framed {median_milliseconds(lambda p=picture: frame(p, digit)):6.1f} ms")
    phone = phone_jpeg(five)
    print(
        f"12-megapixel JPEG, decoded and framed       "
        f"{median_milliseconds(lambda: frame(to_colors(open_image(phone))[0], digit)):6.1f} ms"
    )
    for name in ("plain", "textured"):
        picture = to_colors(CONDITIONS["fashion_mnist"][name](cv2.resize(five, (28, 28)), np.random.default_rng(1)))[0]
        print(f"clothing/{name:29} framed {median_milliseconds(lambda p=picture: frame(p, clothing)):6.1f} ms")
    print(f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, OpenCV {cv2.__version__}")


def phone_jpeg(five: np.ndarray) -> bytes:
    """A photograph of a digit on paper, 4000×3000 pixels."""
    picture = CONDITIONS["mnist"]["photographs/plain"](five, np.random.default_rng(2)).convert("RGB")
    file = io.BytesIO()
    picture.resize((4000, 3000), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


if __name__ == "__main__":
    typer.run(main)
