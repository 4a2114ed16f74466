"""Gray pictures of lines of digits on all kinds of grounds, with the ink and the text that each holds.

The reader of lines and the finder of ink learn from them. Everything is drawn at the size of the picture and in gray,
so that a core makes some hundred pictures a second; ``training.simulator.photographs`` takes more care and more time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from inkwear.preprocess.spec import Floats, Pixels
from training.simulator import grounds
from training.simulator.chance import Range, Shape, around, between, happens
from training.simulator.characters import Characters
from training.simulator.writing import Manner, Style, Written, any_text, write_line

Box = tuple[int, int, int, int]
"""Left, top, right and bottom."""


STYLES: tuple[Style, ...] = ("written", "printed", "display")

RULINGS: tuple[grounds.Ruling, ...] = ("one", "ruled", "squared", "table")


@dataclass(frozen=True)
class TextLine:
    """A line in a picture: the box of its ink and the characters."""

    box: Box
    text: str


@dataclass(frozen=True)
class Scene:
    """A simulated picture.

    Attributes:
        gray: (H, W) uint8.
        ink: (H, W) float32 from 0 to 1, the cover of each pixel by ink of any kind.
        lines: from top to bottom.
    """

    gray: Pixels
    ink: Floats
    lines: tuple[TextLine, ...]


@dataclass(frozen=True)
class _Sheet:
    """What a picture is composed of.

    Attributes:
        contrast: of the ink, as a fraction of the paper's level.
        ground: (H, W) gray levels of the paper and what is printed on it.
        ink: (H, W) from 0 to 1, cover by ink.
        unlit: (H, W) from 0 to 1, cover by segments of a display that are not lit.
    """

    contrast: float
    ground: Floats
    ink: Floats
    unlit: Floats


def line_scene(characters: Characters, rng: np.random.Generator) -> Scene:
    """Draw a picture of one line, cropped with any margin: photographed, scanned, in boxes, or of a meter."""
    height = math.exp(between(rng, (math.log(11), math.log(64))))
    style = STYLES[rng.choice(3, p=[0.8, 0.14, 0.06])]
    boxed = style != "display" and happens(rng, 0.16)
    text = any_text(rng)
    pitch = None
    if boxed or (style == "printed" and happens(rng, 0.3)):
        text = text.replace(" ", "") or "0"
        pitch = between(rng, (0.75, 1.7)) * height
    manner = Manner(style, height, pitch)
    written = write_line(characters, text, manner, rng)
    left, top, right, bottom = _margins(height, rng)
    rows, columns = written.cover.shape
    shape = rows + top + bottom, columns + left + right
    sheet = _blank(shape, height, rng)
    box = (left, top, left + columns, top + rows)
    _put(sheet, written, box)
    _print(sheet, [(written, box)], manner, boxed, rng)
    if happens(rng, 0.25):
        _intruders(characters, sheet, box, manner, rng)
    gray = _inked(sheet, manner, rng)
    box = _clipped(box, shape)
    crop = _cut(box, shape, height, rng)
    gray, ink = gray[crop], sheet.ink[crop]
    box = _clipped(_moved(box, -crop[1].start, -crop[0].start), gray.shape)
    return _finished(gray, ink, [TextLine(box, written.text)], height, rng)


def page_scene(characters: Characters, rng: np.random.Generator, side: Range = (96, 224)) -> Scene:
    """Draw a picture of one digit, some lines, a grid of boxes, or nothing at all, of the shape of a photograph.

    Args:
        characters: to write with.
        rng: draws everything.
        side: range of height and width in pixels.
    """
    shape = round(between(rng, side)), round(between(rng, side))
    height, texts = _page_texts(shape, rng)
    style = STYLES[rng.choice(3, p=[0.82, 0.14, 0.04])]
    sheet = _blank(shape, height, rng)
    placed: list[tuple[Written, Box]] = []
    top = between(rng, (-0.1, 0.8)) * height
    boxed = happens(rng, 0.15)
    manner = Manner(style, height, between(rng, (0.9, 1.6)) * height if boxed else None)
    for text in texts:
        if boxed:
            text = text.replace(" ", "") or "0"
        written = write_line(characters, text[: max(1, int(shape[1] / (0.6 * height)))], manner, rng)
        rows, columns = written.cover.shape
        if len(texts) == 1:
            top = around(rng, 0.6) * max(0, shape[0] - rows) + (shape[0] - rows) / 2
        if top + 0.6 * rows > shape[0]:
            break
        left = around(rng, 0.9) * max(4, shape[1] - columns) / 2 + (shape[1] - columns) / 2
        box = _moved((0, 0, columns, rows), round(left), round(top))
        _put(sheet, written, box)
        placed.append((written, box))
        top += rows + between(rng, (0.05, 1.0)) * height
    _print(sheet, placed, manner, boxed, rng)
    gray = _inked(sheet, manner, rng)
    lines = [TextLine(_clipped(box, shape), written.text) for written, box in placed]
    return _finished(gray, sheet.ink, lines, height, rng)


def _page_texts(shape: Shape, rng: np.random.Generator) -> tuple[float, list[str]]:
    """Draw the height of a page's digits, and its lines: a single character, as many as have room, or none."""
    draw = rng.random()
    if draw < 0.45:
        height, text = between(rng, (0.1, 1.0)) * min(shape), any_text(rng)[0]
        return height, [text if text != " " else "0"]
    if draw < 0.95:
        height = between(rng, (9, 40))
        return height, [any_text(rng) for _ in range(rng.integers(1, max(2, int(shape[0] / (1.6 * height)) + 1)))]
    return between(rng, (10, 40)), []


def _blank(shape: Shape, height: float, rng: np.random.Generator) -> _Sheet:
    contrast = 1 - 0.8 * float(rng.random()) ** 1.6
    ground = grounds.plain(shape, height, rng)
    return _Sheet(contrast, ground, np.zeros(shape, np.float32), np.zeros(shape, np.float32))


def _margins(height: float, rng: np.random.Generator) -> list[int]:
    """Draw the margins at the left, the top, the right and the bottom, generously: a crop is cut from them later."""
    return [round(between(rng, (0.3, 1.2)) * height) + 2 for _ in range(4)]


def _cut(box: Box, shape: Shape, height: float, rng: np.random.Generator) -> tuple[slice, slice]:
    """Draw a crop: with a margin of any size, tight, or through the outermost ink."""
    draw = rng.random()
    low, high = (0.1, 1.2) if draw < 0.55 else (0.0, 0.1) if draw < 0.88 else (-0.08, 0.05)
    left, top, right, bottom = (round(between(rng, (low, high)) * height) for _ in range(4))
    rows = slice(max(0, box[1] - top), min(shape[0], box[3] + bottom))
    columns = slice(max(0, box[0] - left), min(shape[1], box[2] + right))
    if rows.stop - rows.start < 4 or columns.stop - columns.start < 3:
        return slice(0, shape[0]), slice(0, shape[1])
    return rows, columns


def _put(sheet: _Sheet, written: Written, box: Box) -> None:
    """Write a line at a place, of which a part may lie outside."""
    for target, source in ((sheet.ink, written.cover), (sheet.unlit, written.unlit)):
        if source is None:
            continue
        left, top, right, bottom = _clipped(box, target.shape)
        if right <= left or bottom <= top:
            continue
        region = target[top:bottom, left:right]
        np.maximum(region, source[top - box[1] : bottom - box[1], left - box[0] : right - box[0]], out=region)


def _moved(box: Box, right: int, down: int) -> Box:
    return box[0] + right, box[1] + down, box[2] + right, box[3] + down


def _clipped(box: Box, shape: tuple[int, ...]) -> Box:
    return max(0, box[0]), max(0, box[1]), min(shape[1], box[2]), min(shape[0], box[3])


def _print(
    sheet: _Sheet, placed: Sequence[tuple[Written, Box]], manner: Manner, boxed: bool, rng: np.random.Generator
) -> None:
    """Print what the sheet carries beside the writing, and light it."""
    height = manner.height
    if happens(rng, 0.35):
        strength = sheet.contrast * float(sheet.ground.mean())
        grounds.security_print(sheet.ground, height, strength, rng)
    if placed:
        written, box = placed[0]
        base = box[1] + written.top + height
    else:
        base = between(rng, (0, sheet.ground.shape[0]))
    if boxed:
        for written, box in placed:
            _print_boxes(sheet.ground, written, box, height, rng)
    elif happens(rng, 0.35):
        grounds.rule(sheet.ground, height, base, rng, RULINGS[rng.choice(4, p=[0.5, 0.2, 0.18, 0.12])])
    if happens(rng, 0.18) or (manner.style != "written" and happens(rng, 0.4)):
        grounds.edge(sheet.ground, _free_sides(sheet.ink), rng)
    grounds.shade(sheet.ground, rng)


def _print_boxes(ground: Floats, written: Written, box: Box, height: float, rng: np.random.Generator) -> None:
    """Print a box around each character of a line, and sometimes empty boxes after the last."""
    middles = [box[0] + (start + end) / 2 for start, end in written.ends]
    pitch = (middles[-1] - middles[0]) / (len(middles) - 1) if len(middles) > 1 else 1.3 * height
    pitch = max(pitch, 0.4 * height)
    walls = [middle - pitch / 2 for middle in middles] + [middles[-1] + pitch / 2]
    if happens(rng, 0.5):  # an even pitch, whatever the digits do
        walls = [walls[0] + index * pitch + around(rng, 0.03) * pitch for index in range(len(walls))]
    for _ in range(int(rng.integers(0, 3)) if happens(rng, 0.25) else 0):
        walls.append(walls[-1] + pitch)
    top = box[1] + written.top
    room = between(rng, (0.02, 0.5)) * height
    grounds.boxes(ground, walls, (top - room, top + height + room), height, rng)


def _free_sides(ink: Floats) -> tuple[float, float, float, float]:
    """Measure the pixels without ink at the left, the top, the right and the bottom; a third where there is none."""
    rows, columns = ink.shape
    inked = ink > 0.1
    if not inked.any():
        return columns / 3, rows / 3, columns / 3, rows / 3
    down, across = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    return float(across[0]), float(down[0]), float(columns - 1 - across[-1]), float(rows - 1 - down[-1])


def _intruders(characters: Characters, sheet: _Sheet, box: Box, manner: Manner, rng: np.random.Generator) -> None:
    """Let pieces of other lines come in from above, from below or from the sides, clear of the line itself."""
    columns = sheet.ground.shape[1]
    for side in rng.permutation(4)[: rng.integers(1, 3)]:
        written = write_line(characters, any_text(rng), replace(manner, pitch=None), rng)
        high, wide = written.cover.shape
        gap = round(between(rng, (0.05, 0.4)) * manner.height)
        along = round(between(rng, (-0.5, 1)) * columns)
        left, top = (
            (box[0] - gap - wide, box[1]), (along, box[1] - gap - high), (box[2] + gap, box[1]), (along, box[3] + gap)
        )[side]  # fmt: skip
        _put(sheet, written, _moved((0, 0, wide, high), left, top))


def _inked(sheet: _Sheet, manner: Manner, rng: np.random.Generator) -> Floats:
    """Lay ink on the ground: dark or bright, strong or faint, even or with grain."""
    ground, cover, style = sheet.ground, sheet.ink, manner.style
    shape = (ground.shape[0], ground.shape[1])
    near = ground[cover > 0.5]
    paper = float(np.median(near)) if near.size else float(np.median(ground))
    contrast = max(14.0, 0.97 * sheet.contrast * paper)
    if happens(rng, 0.4):
        lost = between(rng, (0.05, 0.45)) * np.abs(grounds.grain(shape, rng, between(rng, (1, 4))))
        cover = cover * np.clip(1 - lost, 0.25, 1)
    if happens(rng, 0.3):
        uneven = between(rng, (0.05, 0.3)) * grounds.grain(shape, rng, manner.height)
        cover = cover * np.clip(1 + uneven, 0.35, 1.3)
    picture = ground + np.minimum(cover, 1) * np.minimum(paper - contrast - ground, 0)
    if style == "display":
        picture -= sheet.unlit * (1 - cover) * min(0.25 * contrast, between(rng, (0, 40)))
    if happens(rng, 0.08):  # the back shines through
        back = cv2.GaussianBlur(np.ascontiguousarray(sheet.ink[:, ::-1]), (0, 0), 1 + 0.05 * manner.height)
        picture -= back * between(rng, (0.05, 0.2)) * contrast * (1 - np.minimum(cover, 1))
    bright = {"display": 0.6, "printed": 0.35, "written": 0.12}[style]
    return 255 - picture if happens(rng, bright) else picture


def _finished(picture: Floats, ink: Floats, lines: list[TextLine], height: float, rng: np.random.Generator) -> Scene:
    """Photograph and save a picture: blur, noise, size, margins and JPEG."""
    if happens(rng, 0.5):
        picture = cv2.GaussianBlur(picture, (0, 0), max(0.3, between(rng, (0.01, 0.045)) * height))
    if happens(rng, 0.08):  # the camera moved
        length = max(2, round(between(rng, (0.03, 0.1)) * height))
        kernel = np.zeros((length, length), np.float32)
        cv2.line(kernel, (0, int(rng.integers(length))), (length - 1, int(rng.integers(length))), 1)
        picture = cv2.filter2D(picture, -1, kernel / kernel.sum())
    if happens(rng, 0.5):
        picture = picture + between(rng, (0.5, 9)) * grounds.grain((picture.shape[0], picture.shape[1]), rng, 1)
    if happens(rng, 0.1):
        picture, (left, top) = grounds.letterbox(picture, rng)
        below, right = picture.shape[0] - ink.shape[0] - top, picture.shape[1] - ink.shape[1] - left
        ink = cv2.copyMakeBorder(ink, top, below, left, right, cv2.BORDER_CONSTANT)
        lines = [replace(line, box=_moved(line.box, left, top)) for line in lines]
    gray = np.clip(picture + np.float32(0.5), 0, 255).astype(np.uint8)
    if happens(rng, 0.45):
        _, saved = cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 96))])
        gray = cv2.imdecode(saved, cv2.IMREAD_GRAYSCALE)
    return Scene(gray, ink, tuple(lines))
