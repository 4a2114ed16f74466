"""Digits drawn in apps: on canvases of any size and colour, with any pen, saved in any way."""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import cv2
import numpy as np
from PIL import Image

from inkwear.preprocess.spec import Floats, Pixels
from training.simulator.chance import Range, between, happens, pick
from training.simulator.glyphs import Glyph, Hand, random_hand, render, scale_of, write
from training.simulator.placing import Placing, draw_shape, place

Colour = tuple[int, int, int]
Colours = Literal["black on white", "white on black", "coloured", "grayish", "ink alone", "white ink alone"]
Saved = Literal["RGB", "L", "1", "P", "RGBA", "JPEG"]

BLACK, WHITE = (0, 0, 0), (255, 255, 255)

TWO_TONES: tuple[Colours, ...] = ("black on white", "white on black")

LEAST_DIFFERENCE = 60
"""Gray levels between ink and ground; with less, coloured ink is hard to see for some people's eyes."""

LEAST_PEN = 1.5
"""Pixels; no app has a thinner one."""

LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601."""


MIDDLING = Placing(fill=(0.4, 0.85), astray=0.5)


@dataclass(frozen=True)
class Canvas:
    """Ranges and chances from which a drawing is made.

    Attributes:
        side: longest side in pixels.
        square: chance that the canvas is a square; else it is up to ``aspect`` (width to height).
        placing: where the digit lies.
        pen: stroke width as a fraction of the digit's height.
        colours: of ink and ground, one is drawn.
        saved: as what, one is drawn.
        mouse: chance of lines in straight pieces, as a mouse draws them.
        smooth: chance that edges are antialiased.
        framed: chance of a thin line around the canvas.
    """

    side: Range = (200, 640)
    square: float = 0.6
    aspect: Range = (0.6, 1.8)
    placing: Placing = MIDDLING
    pen: Range = (0.05, 0.2)
    colours: tuple[Colours, ...] = ("black on white",)
    saved: tuple[Saved, ...] = ("RGB",)
    mouse: float = 0
    smooth: float = 1
    framed: float = 0


def draw(pixels: Pixels, rng: np.random.Generator, canvas: Canvas) -> Image.Image:
    """Draw the digit of an image (28, 28) uint8 on a canvas."""
    hand = random_hand(rng, pen=between(rng, canvas.pen), turn=10)
    if happens(rng, canvas.mouse):
        hand = mouse(hand, rng)
    return draw_glyph(write(pixels, hand, rng), rng, canvas)


def draw_glyph(glyph: Glyph, rng: np.random.Generator, canvas: Canvas) -> Image.Image:
    """Lay what is written on a canvas and save that."""
    aspect = (1, 1) if happens(rng, canvas.square) else canvas.aspect
    shape = draw_shape(rng, canvas.side, aspect)
    view = place(glyph, shape, canvas.placing, rng)
    scale = scale_of(view)
    cover = render(glyph, view, shape, ragged=max(0, LEAST_PEN / scale - glyph.stroke) / 2)
    if not happens(rng, canvas.smooth):
        cover = np.rint(cover)
    colours, saved = pick(rng, canvas.colours), pick(rng, canvas.saved)
    if saved == "1" and colours not in TWO_TONES:
        colours = pick(rng, TWO_TONES)  # nobody stores a coloured drawing in one bit
    if colours == "ink alone" or colours == "white ink alone":
        return _transparent(cover, _dark(rng) if colours == "ink alone" else WHITE)
    ink, ground = _ink_and_ground(colours, rng)
    picture = _blend(cover, ink, ground)
    if happens(rng, canvas.framed):
        _frame(picture, ink, rng)
    return _save(picture, saved, rng)


def mouse(hand: Hand, rng: np.random.Generator) -> Hand:
    """Let the same digit be drawn with a mouse: straight pieces, no pressure, a trembling line."""
    return replace(hand, corners=between(rng, (1.2, 3.2)), pressure=0, wobble=between(rng, (0.8, 2)))


def _blend(cover: Floats, ink: Colour, ground: Colour) -> Pixels:
    """Mix ink into ground where it covers it: (H, W) -> (H, W, 3) uint8."""
    return cv2.merge(
        [(cover * (light - dark) + (dark + 0.5)).astype(np.uint8) for light, dark in zip(ink, ground, strict=True)]
    )


def _ink_and_ground(colours: Colours, rng: np.random.Generator) -> tuple[Colour, Colour]:
    if colours == "black on white":
        return BLACK, WHITE
    if colours == "white on black":
        return WHITE, BLACK
    if colours == "grayish":
        return _gray(rng, (0, 70)), _gray(rng, (200, 250))
    while True:
        ink, ground = _any_colour(rng), _any_colour(rng)
        if abs(np.dot(LUMA, ink) - np.dot(LUMA, ground)) >= LEAST_DIFFERENCE:
            return ink, ground


def _gray(rng: np.random.Generator, limits: Range) -> Colour:
    value = round(between(rng, limits))
    return value, value, value


def _any_colour(rng: np.random.Generator) -> Colour:
    red, green, blue = rng.integers(0, 256, 3).tolist()
    return red, green, blue


def _dark(rng: np.random.Generator) -> Colour:
    return BLACK if happens(rng, 0.7) else _gray(rng, (0, 90))


def _transparent(cover: Floats, ink: Colour) -> Image.Image:
    """Ink on nothing: RGBA, and black below an alpha of 0, as a browser's canvas leaves it."""
    alpha = np.rint(cover * WHITE[0]).astype(np.uint8)
    return Image.fromarray(cv2.merge([*(np.where(alpha > 0, np.uint8(value), np.uint8(0)) for value in ink), alpha]))


def _frame(picture: Pixels, ink: Colour, rng: np.random.Generator) -> None:
    """Draw a line around the canvas, at its very edge or a little inside."""
    height, width = picture.shape[:2]
    inset = int(rng.integers(0, 4))
    colour = ink if happens(rng, 0.5) else (128, 128, 128)
    corner = (width - 1 - inset, height - 1 - inset)
    cv2.rectangle(picture, (inset, inset), corner, colour, thickness=int(rng.integers(1, 4)))


def _save(picture: Pixels, saved: Saved, rng: np.random.Generator) -> Image.Image:
    image = Image.fromarray(picture)
    if saved == "P":
        return image.quantize(int(rng.integers(2, 17)))
    if saved == "JPEG":
        file = io.BytesIO()
        image.save(file, "JPEG", quality=int(rng.integers(20, 95)))
        return Image.open(file)
    if saved == "RGBA":
        image.putalpha(WHITE[0])
    return image if saved in ("RGB", "RGBA") else image.convert(saved, dither=Image.Dither.NONE)


PLAIN = Canvas()

CANVASES = {
    "thin_pen": replace(PLAIN, pen=(0.015, 0.04)),
    "thick_pen": replace(PLAIN, pen=(0.18, 0.32)),
    "small": replace(PLAIN, side=(300, 900), placing=Placing(fill=(0.12, 0.25), astray=0.9)),
    "filling": replace(PLAIN, placing=Placing(fill=(0.94, 1.03), astray=0.5)),
    "astray": replace(PLAIN, placing=Placing(fill=(0.25, 0.6), astray=1)),
    "white_on_black": replace(PLAIN, colours=("white on black",)),
    "coloured": replace(PLAIN, colours=("coloured",)),
    "grayish": replace(PLAIN, colours=("grayish",)),
    "transparent": replace(PLAIN, colours=("ink alone",)),
    "white_transparent": replace(PLAIN, colours=("white ink alone",)),
    "mouse": replace(PLAIN, pen=(0.02, 0.12), mouse=1, smooth=0.7),
    "jagged": replace(PLAIN, smooth=0),
    "few_colours": replace(PLAIN, saved=("1", "P", "L"), colours=("black on white", "white on black", "coloured")),
    "jpeg": replace(PLAIN, saved=("JPEG",), colours=("black on white", "white on black", "grayish")),
    "framed": replace(PLAIN, framed=1, colours=("black on white", "white on black", "grayish")),
    "wide": replace(PLAIN, square=0, aspect=(1.8, 3)),
    "large": replace(PLAIN, side=(900, 1400)),
}
"""One trouble each."""

ALL_COLOURS: tuple[Colours, ...] = (
    *("black on white", "black on white", "white on black", "white on black", "coloured"),
    *("grayish", "ink alone", "white ink alone"),
)

MIXED = Canvas(
    square=0.55,
    aspect=(0.5, 2.2),
    placing=Placing(fill=(0.12, 1.02), astray=0.7),
    pen=(0.015, 0.26),
    colours=ALL_COLOURS,
    saved=("RGB", "RGB", "RGB", "RGBA", "L", "1", "P", "JPEG", "JPEG"),
    mouse=0.2,
    smooth=0.8,
    framed=0.06,
)
"""All troubles, several at once."""

CONDITIONS: dict[str, Callable[[Pixels, np.random.Generator], Image.Image]] = {
    "drawings": partial(draw, canvas=MIXED),
    **{f"drawings/{name}": partial(draw, canvas=canvas) for name, canvas in CANVASES.items()},
}
