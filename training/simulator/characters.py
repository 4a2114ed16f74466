"""Characters to write lines with: digits of a data set, printed and drawn ones, signs, and marks that are neither.

Each character is a distance field (``training.simulator.glyphs``) on a grid where a digit is ``HEIGHT`` cells high, so
that it can be given any pen, slant and size in one step.
"""

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from inkwear.preprocess.normalize import scale_to_one
from inkwear.preprocess.spec import Floats, Pixels
from training.datasets import Part, find_dataset, load_pixels
from training.simulator.allographs import ALLOGRAPHS
from training.simulator.chance import between
from training.simulator.glyphs import CELLS, FAR, Hand, write
from training.simulator.habits import with_habits
from training.simulator.numbers import stroke_widths
from training.simulator.strokes import LETTERS, STROKES, Strokes, other_mark

HEIGHT = 50
"""Cells of a digit's height."""

ROOM = 12
"""Cells of true distances kept around the ink, for thick pens and soft edges."""

THIN_PEN = 0.03
"""Pen of the stored fields, as a fraction of a digit's height."""

SIGNS = ".,-/:'+=% "
"""Characters that a line may hold beside the digits; the last, a space, has no ink."""

OTHER = "?"
"""Stands for a mark that is neither a digit nor a sign: a letter, a scribble, a digit crossed out."""

MARKS = LETTERS + "a@#$*ΓΔΞΠαεηλμπτχψωИЛПЦШЩйлцшщЯя§¶£€¥∞≈≠≤←↑↓↔☀☁☃♠♦✂✈✉✓♀♂☼"
"""Characters that look like no digit and no sign; a typeface that lacks one has a box or a question mark for it."""

PRINTED = "0123456789" + SIGNS.strip() + MARKS
"""Characters and other marks that each typeface has."""

FACES = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSansMono-Bold"),
    *("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic"),
    *("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic"),
    *("cmr10", "cmss10", "cmtt10", "cmb10", "DejaVuSansMono-Oblique"),
)
"""Typefaces that matplotlib ships."""

OPENCV_FACES = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_PLAIN)
"""Typefaces that OpenCV ships, at three quarters of a digit's height."""

BOLD = 2
"""Thickness from which OpenCV draws these typefaces bold."""

DRAWINGS, OTHER_DRAWINGS, ALLOGRAPH_DRAWINGS = 200, 1_500, 60
"""Drawings of each digit and sign, of ``OTHER``, and of each allograph."""


@dataclass(frozen=True)
class Character:
    """A character to write.

    Attributes:
        field: (H, W) float16, cells of distance within the ink, negative outside.
        top: of the field, in cells below the top of a digit.
        pen: width of its strokes in cells.
        printed: whether its strokes keep their width.
    """

    field: np.ndarray
    top: float
    pen: float
    printed: bool = False


@dataclass(frozen=True)
class Characters:
    """All that lines are written with.

    Attributes:
        written: of each digit, handwritten, in the order of stroke width, so that neighbors may be of one hand.
        drawn: of each digit, sign and ``OTHER``, from strokes.
        allographs: of each digit, shapes that only other digits beside them explain, each drawn many times.
        printed: of each typeface, the characters by name.
    """

    written: dict[str, list[Character]]
    drawn: dict[str, list[Character]]
    allographs: dict[str, list[list[Character]]]
    printed: list[dict[str, Character]]


@cache
def load_characters(dataset: str, digits: int, seed: int, data_dir: Path, part: Part = "train") -> Characters:
    """Make all characters, which takes some 3 ms for each digit.

    Args:
        dataset: name of a data set of digits.
        digits: images of the data set that are used.
        seed: decides everything.
        data_dir: torchvision's folder of data sets.
        part: of the data set.
    """
    pixels, labels = load_pixels(find_dataset(dataset), part, data_dir)
    chosen = np.random.default_rng(seed).permutation(len(labels))[:digits]
    pixels, labels = with_habits(pixels[chosen], labels[chosen], seed), labels[chosen]
    order = np.argsort(stroke_widths(pixels), kind="stable")
    rng = np.random.default_rng([seed, 7])
    written: dict[str, list[Character]] = {str(digit): [] for digit in range(10)}
    for index in order:
        written[str(labels[index])].append(_handwritten(pixels[index], rng))
    drawn = {name: [_drawn(maker(rng)) for _ in range(DRAWINGS)] for name, maker in STROKES.items()}
    drawn[OTHER] = [_drawn(other_mark(rng)) for _ in range(OTHER_DRAWINGS)]
    allographs = {
        digit: [[_drawn(maker(rng)) for _ in range(ALLOGRAPH_DRAWINGS)] for maker in makers]
        for digit, makers in ALLOGRAPHS.items()
    }
    faces = [_printed(_typeface_masks(face)) for face in FACES]
    faces += [_printed(_opencv_masks(face)) for face in OPENCV_FACES for _ in range(2)]  # twice as likely as others
    return Characters(written, drawn, allographs, faces)


def seven_segments(digit: str, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw a digit of a display, lit and unlit segments: (H, W) cover from 0 to 1 each, 100 rows high."""
    thick, width, gap = between(rng, (9, 20)), between(rng, (42, 62)), between(rng, (0, 5))
    half = thick / 2
    x0, x1, y0, y1, y2 = half, width - half, half, 50.0, 100 - half
    ends = {
        "a": (x0, y0, x1, y0), "b": (x1, y0, x1, y1), "c": (x1, y1, x1, y2), "d": (x0, y2, x1, y2),
        "e": (x0, y1, x0, y2), "f": (x0, y0, x0, y1), "g": (x0, y1, x1, y1),
    }  # fmt: skip
    segments = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")
    lit, unlit = (np.zeros((100, math.ceil(width)), np.uint8) for _ in range(2))
    for name, (xa, ya, xb, yb) in ends.items():
        dx, dy = (gap + half * 0.6, 0) if ya == yb else (0, gap + half * 0.6)
        canvas = lit if name in segments[int(digit)] else unlit
        a, b = (round(xa + dx), round(ya + dy)), (round(xb - dx), round(yb - dy))
        cv2.line(canvas, a, b, 255, max(1, round(thick * 0.8)), cv2.LINE_AA)
    return scale_to_one(lit), scale_to_one(unlit)


def _handwritten(image: Pixels, rng: np.random.Generator) -> Character:
    glyph = write(image, Hand(THIN_PEN, wobble=between(rng, (0, 1.2))), rng)
    shrink = HEIGHT / (20 * CELLS)
    field = cv2.copyMakeBorder(glyph.field, 8, 8, 8, 8, cv2.BORDER_CONSTANT, value=-FAR)
    field = cv2.resize(field, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) * np.float32(shrink)
    return _with_room(field, HEIGHT * THIN_PEN)


def _with_room(field: Floats, pen: float) -> Character:
    """Cut the field of a digit to its ink, surround it with true distances and set it on the baseline."""
    field = cv2.copyMakeBorder(field, ROOM, ROOM, ROOM, ROOM, cv2.BORDER_CONSTANT, value=-FAR)
    ink = field > -0.5
    outside = cv2.distanceTransform((~ink).astype(np.uint8), cv2.DIST_L2, 5)
    field = np.where(field > -1, field, -outside)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    cut = field[rows[0] - ROOM : rows[-1] + 1 + ROOM, columns[0] - ROOM : columns[-1] + 1 + ROOM]
    return Character(cut.astype(np.float16), HEIGHT + ROOM - cut.shape[0], pen)


def _from_mask(mask: Pixels, scale: int, origin: float, printed: bool) -> Character:
    """Measure the distances of a mask drawn ``scale`` times as large, whose row ``origin`` is the top of a digit."""
    solid = (mask >= 128).astype(np.uint8)
    inside = cv2.distanceTransform(solid, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - solid, cv2.DIST_L2, 5)
    small = cv2.resize(inside, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA) / np.float32(scale)
    ridge = small[small > 0]
    pen = 2 * float(np.percentile(ridge, 80)) if ridge.size else 2.0
    rows, columns = np.flatnonzero((small > -0.5).any(axis=1)), np.flatnonzero((small > -0.5).any(axis=0))
    room = cv2.copyMakeBorder(small, ROOM, ROOM, ROOM, ROOM, cv2.BORDER_REPLICATE)
    cut = room[rows[0] : rows[-1] + 1 + 2 * ROOM, columns[0] : columns[-1] + 1 + 2 * ROOM]
    return Character(cut.astype(np.float16), rows[0] - ROOM - origin / scale, pen, printed)


def _drawn(strokes: Strokes) -> Character:
    """Draw strokes with a thin pen."""
    scale, margin = 4, 1.2
    unit = HEIGHT * scale
    xs = [x for stroke in strokes for x, _ in stroke]
    left, width = min(xs) - 0.1, max(xs) - min(xs) + 0.2
    mask = np.zeros((round((1 + 2 * margin) * unit), max(8, round(width * unit))), np.uint8)
    for stroke in strokes:
        points = np.array([((x - left) * unit, (y + margin) * unit) for x, y in stroke])
        cv2.polylines(mask, [np.rint(points).astype(np.int32)], False, 255, max(1, round(THIN_PEN * unit)))
    character = _from_mask(mask, scale, margin * unit, printed=False)
    return Character(character.field, character.top, HEIGHT * THIN_PEN)


def _printed(masks: dict[str, tuple[Pixels, float, float]]) -> dict[str, Character]:
    """Turn masks, each with the rows of a digit's top and baseline, into characters."""
    characters = {}
    for name, (mask, top, base) in masks.items():
        scale = 4
        fitted = cv2.resize(mask, None, fx=scale * HEIGHT / (base - top), fy=scale * HEIGHT / (base - top))
        characters[name] = _from_mask(fitted, scale, top * scale * HEIGHT / (base - top), printed=True)
    return characters


def _typeface_masks(face: str) -> dict[str, tuple[Pixels, float, float]]:
    font = ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{face}.ttf"), 120)
    _, top, _, base = font.getbbox("8")
    masks = {}
    for name in PRINTED:
        left, _, right, _ = font.getbbox(name)
        image = Image.new("L", (max(8, math.ceil(right - left) + 8), 240))
        ImageDraw.Draw(image).text((4 - left, 40), name, 255, font)
        if image.getbbox():
            masks[name] = (np.array(image), top + 40.0, base + 40.0)
    return masks


def _opencv_masks(face: int) -> dict[str, tuple[Pixels, float, float]]:
    scale = 4.0 if face != cv2.FONT_HERSHEY_PLAIN else 8.0
    (_, high), _ = cv2.getTextSize("8", face, scale, 1)
    masks = {}
    for name in PRINTED:
        (width, _), _ = cv2.getTextSize(name, face, scale, BOLD)
        mask = np.zeros((high * 2 + 80, width + 20), np.uint8)
        cv2.putText(mask, name, (10, 40 + high), face, scale, 255, BOLD, cv2.LINE_AA)
        masks[name] = (mask, 40.0, 40.0 + high)
    return masks
