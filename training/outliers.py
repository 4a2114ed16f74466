"""``python -m training.outliers``: images that belong to no class of a data set, to learn not to be sure of.

A network that has seen only digits is sure of a shoe. If its training includes some images of other things, with no
class as the answer, it learns to be unsure of yet others too (Hendrycks, Mazeika, Dietterich, "Deep anomaly detection
with outlier exposure", 2019).
"""

import string
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from PIL import Image, ImageDraw, ImageFont

from inkwear.preprocess.spec import Pixels
from inkwear.preprocess.steps import frame
from training.console import DEFAULT_DATA_DIR, DataDir, exit_codes_for_errors
from training.datasets import DATASETS, Dataset, Part, find_dataset, load_pixels
from training.extra_images import NO_CLASS, ExtraImages, save_extra_images

KINDS = ("other", "scribble", "letter", "noise")
"""Kinds of outliers: images of the other data set, scribbles, letters, and noise."""

MISCUT = ("joined", "fragment")
"""Outliers that splitting numbers makes, used in training only: two digits taken for one, and a part of a digit."""

KEPT = (0.3, 0.65)
"""Range of the share of a digit's ink that a fragment keeps."""

MAX_BREADTH_OF_ONE = 0.3
"""Ratio of breadth to length, both as deviations of the ink, up to which a shape may well be a 1."""

CANVAS = 112
"""Pixels a side of the canvas that outliers are drawn on."""

LIKE_DIGITS = set("OoQDIlijJSsZzBbGgqyTtLAUu")
"""Letters that some people write like a digit, of which a network may be sure."""

FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)

cli = typer.Typer(add_completion=False)


@cli.command()
def outliers(
    dataset: Annotated[str, typer.Option(help="mnist or fashion_mnist.")],
    output: Annotated[Path, typer.Option(help="A file for python -m training.train --extra-images.")],
    count: Annotated[int, typer.Option(min=1, help="How many images.")] = 12_000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Make images that belong to no class: the other data set's, scribbles, letters, noise."""
    with exit_codes_for_errors():
        facts = find_dataset(dataset)
        shares = dict.fromkeys(KINDS, 1) | (dict.fromkeys(MISCUT, 2) if facts.input.stroke else {})
        made = [
            make_outliers(kind, facts, "train", share * count // len(KINDS), seed, data_dir)
            for kind, share in shares.items()
        ]
        pixels = np.concatenate(made)
        save_extra_images(ExtraImages(facts.name, pixels, np.full(len(pixels), NO_CLASS, np.uint8)), output)
        typer.echo(f"{output}  {len(pixels):,} images of no class")


def make_outliers(kind: str, dataset: Dataset, part: Part, count: int, seed: int, data_dir: Path) -> Pixels:
    """Make images of one kind, framed for ``dataset``, without those that come out empty: (≤ count, 28, 28) uint8.

    Args:
        kind: one of ``KINDS`` or ``MISCUT``.
        dataset: the data set of the network that should be unsure of them.
        part: of the data set that images are taken from; ``test`` also draws letters in a typeface that ``train``
            never uses.
        count: of images.
        seed: decides everything.
        data_dir: torchvision's folder of data sets.
    """
    rng = np.random.default_rng([seed, sum(map(ord, kind)), len(part)])
    if kind == "other":
        drawn = _others(dataset, part, count, rng, data_dir)
    elif kind in MISCUT:
        make = {"joined": _joined, "fragment": _fragments}[kind]
        drawn = make(*load_pixels(dataset, part, data_dir), count, rng)
    else:
        draw = {"scribble": _scribble, "letter": _print if part == "test" else _letter, "noise": _noise}[kind]
        drawn = (draw(rng) for _ in range(count))
    framed = np.stack([frame(picture, dataset.input).pixels for picture in drawn])
    return framed[framed.any(axis=(1, 2))]


def _others(dataset: Dataset, part: Part, count: int, rng: np.random.Generator, data_dir: Path) -> Iterator[Pixels]:
    """Yield images of the other data set, half of them as they are, half enlarged."""
    other = next(facts for facts in DATASETS.values() if facts.name != dataset.name)
    pixels, _ = load_pixels(other, part, data_dir)
    for image in pixels[rng.choice(len(pixels), count, replace=False)]:
        yield image if rng.random() < 0.5 else np.pad(cv2.resize(image, (84, 84), interpolation=cv2.INTER_CUBIC), 14)


def _joined(pixels: Pixels, labels: Pixels, count: int, rng: np.random.Generator) -> Iterator[Pixels]:
    """Yield two digits that touch or nearly do, enlarged."""
    for first, second in pixels[rng.integers(len(pixels), size=(count, 2))]:
        yield _enlarged(_side_by_side(first, second, rng))


def _fragments(pixels: Pixels, labels: Pixels, count: int, rng: np.random.Generator) -> Iterator[Pixels]:
    """Yield what is left of a digit on one side of a cut; half of the time a whole digit touches it."""
    made = 0
    while made < count:
        index, other = rng.integers(len(pixels), size=2)
        at_left = bool(rng.random() < 0.5)
        part = _cut(pixels[index], at_left, rng)
        if rng.random() < 0.5:
            first, second = (pixels[other], part) if at_left else (part, pixels[other])
            yield _enlarged(_side_by_side(first, second, rng))
        elif _may_be_a_digit(part, int(labels[index]), at_left):
            continue
        else:
            yield _enlarged(part)
        made += 1


def _may_be_a_digit(part: Pixels, label: int, at_left: bool) -> bool:
    """Tell whether a part of digit ``label`` looks like a 1 or, as the right part of an 8 does, like a 3."""
    return label == 1 or breadth(part) < MAX_BREADTH_OF_ONE or (label == 8 and not at_left)


def breadth(image: Pixels) -> float:
    """Return the ratio of breadth to length of the ink in an image: square roots of its moments of inertia."""
    places = np.argwhere(image >= 128)
    if len(places) < 3:
        return 0.0
    short, long = np.linalg.eigvalsh(np.cov(places.T))
    return float(np.sqrt(max(short, 0) / max(long, 1e-9)))


def _cut(image: Pixels, at_left: bool, rng: np.random.Generator) -> Pixels:
    """Keep the ink on one side of a line that is more or less upright."""
    y, x = np.mgrid[:28, :28] - 13.5
    across = x + rng.uniform(-0.5, 0.5) * y
    places, ink = across[image > 0], image[image > 0].astype(float)
    order = np.argsort(places)
    share = rng.uniform(*KEPT)
    passed = np.cumsum(ink[order]) / ink.sum()
    at = places[order][int(np.searchsorted(passed, share if at_left else 1 - share))]
    return np.where(across < at if at_left else across > at, image, 0).astype(np.uint8)


def _side_by_side(first: Pixels, second: Pixels, rng: np.random.Generator) -> Pixels:
    """Put two images on one canvas, (28, W), so near that their ink touches or nearly does."""
    left, right = (image[:, image.any(axis=0)] for image in (first, second))
    start = max(0, left.shape[1] - int(rng.integers(-2, 5)))
    canvas = np.zeros((28, max(left.shape[1], start + right.shape[1])), np.uint8)
    canvas[:, : left.shape[1]] = left
    place = canvas[:, start : start + right.shape[1]]
    np.maximum(place, right, out=place)
    return canvas


def _enlarged(image: Pixels) -> Pixels:
    return np.pad(cv2.resize(image, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC), 12)


def _scribble(rng: np.random.Generator) -> Pixels:
    """Draw a pen line that goes to and fro."""
    canvas = np.zeros((CANVAS, CANVAS), np.uint8)
    turns = np.cumsum(rng.normal(0, rng.uniform(10, 40), (rng.integers(6, 30), 2)), axis=0)
    span = np.ptp(turns, axis=0).max()
    points = (turns - turns.min(axis=0)) / max(span, 1) * rng.uniform(50, 95) + 8
    if rng.random() < 0.5:
        points = np.stack([np.interp(np.linspace(0, 1, 200), np.linspace(0, 1, len(points)), p) for p in points.T], 1)
        points = cv2.GaussianBlur(points.astype(np.float32), (1, 0), sigmaX=0.1, sigmaY=6)
    cv2.polylines(canvas, [np.rint(points).astype(np.int32)], False, 255, int(rng.integers(3, 11)), cv2.LINE_AA)
    return canvas


def _letter(rng: np.random.Generator) -> Pixels:
    """Draw a letter in one of OpenCV's stroke fonts, slanted and turned a little."""
    canvas = np.zeros((CANVAS, CANVAS), np.uint8)
    letter, font = _any_letter(rng), FONTS[rng.integers(len(FONTS))]
    scale, pen = rng.uniform(1.6, 2.6), int(rng.integers(4, 11))
    cv2.putText(canvas, letter, (28, 82), font, scale, 255, pen, cv2.LINE_AA)
    return _slanted(canvas, rng)


def _print(rng: np.random.Generator) -> Pixels:
    """Draw a letter in Pillow's own typeface."""
    image = Image.new("L", (CANVAS, CANVAS))
    font = ImageFont.load_default(int(rng.integers(50, 90)))
    ImageDraw.Draw(image).text((30, 10), _any_letter(rng), 255, font, stroke_width=int(rng.integers(0, 3)))
    return _slanted(np.asarray(image), rng)


def _any_letter(rng: np.random.Generator) -> str:
    letters = [letter for letter in string.ascii_letters if letter not in LIKE_DIGITS]
    return letters[rng.integers(len(letters))]


def _slanted(canvas: Pixels, rng: np.random.Generator) -> Pixels:
    move = cv2.getRotationMatrix2D((CANVAS / 2, CANVAS / 2), rng.uniform(-15, 15), 1)
    move[0, 1] += rng.uniform(-0.25, 0.25)
    return cv2.warpAffine(canvas, move, (CANVAS, CANVAS))


def _noise(rng: np.random.Generator) -> Pixels:
    """Draw noise of any grain, sometimes thresholded to blobs, sometimes only in a part of the picture."""
    noise = cv2.GaussianBlur(rng.standard_normal((CANVAS, CANVAS)), (0, 0), rng.uniform(1, 14))
    noise /= noise.std()
    if rng.random() < 0.5:
        noise = np.where(noise > rng.uniform(0.3, 1.5), 2.0, -2.0)
    noise = (127 + 64 * noise).clip(0, 255)
    if rng.random() < 0.7:
        y, x = np.mgrid[-1 : 1 : CANVAS * 1j, -1 : 1 : CANVAS * 1j]
        noise = np.where((x / rng.uniform(0.4, 0.9)) ** 2 + (y / rng.uniform(0.4, 0.9)) ** 2 < 1, noise, 0)
    return noise.astype(np.uint8)


if __name__ == "__main__":
    cli()
