"""Digits drawn in apps: on canvases of any size and color, with any pen, in any file format."""

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

Color = tuple[int, int, int]
Colors = Literal["black on white", "white on black", "colored", "grayish", "ink alone", "white ink alone"]
Saved = Literal["RGB", "L", "1", "P", "RGBA", "JPEG"]

BLACK, WHITE = (0, 0, 0), (255, 255, 255)

TWO_TONES: tuple[Colors, ...] = ("black on white", "white on black")

MIN_DIFFERENCE = 60
"""Gray levels between ink and ground; with less, some people can hardly see colored ink."""

MIN_PEN = 1.5
"""Pixels of a stroke; no app has a thinner pen."""

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in lightness (ITU-R BT.601)."""


MIDDLING = Placing(fill=(0.4, 0.85), astray=0.5)


@dataclass(frozen=True)
class Canvas:
    """Ranges and chances from which a drawing is made.

    Attributes:
        side: longest side in pixels.
        square: chance of a square canvas; others have an ``aspect`` (width to height).
        placing: of the digit.
        pen: stroke width as a fraction of the digit's height.
        colors: of ink and ground, one of which is drawn.
        saved: modes and formats, one of which is drawn.
        mouse: chance of lines in straight pieces, as a mouse draws them.
        smooth: chance that edges are antialiased.
        framed: chance of a thin line around the canvas.
    """

    side: Range = (200, 640)
    square: float = 0.6
    aspect: Range = (0.6, 1.8)
    placing: Placing = MIDDLING
    pen: Range = (0.05, 0.2)
    colors: tuple[Colors, ...] = ("black on white",)
    saved: tuple[Saved, ...] = ("RGB",)
    mouse: float = 0
    smooth: float = 1
    framed: float = 0


def draw(pixels: Pixels, rng: np.random.Generator, canvas: Canvas) -> Image.Image:
    """Draw the digit of an image (28, 28) uint8 on a canvas.

    Args:
        pixels: the image.
        rng: draws everything that is left to chance.
        canvas: ranges and chances.
    """
    hand = random_hand(rng, pen=between(rng, canvas.pen), turn=10)
    if happens(rng, canvas.mouse):
        hand = mouse(hand, rng)
    return draw_glyph(write(pixels, hand, rng), rng, canvas)


def draw_glyph(glyph: Glyph, rng: np.random.Generator, canvas: Canvas) -> Image.Image:
    """Draw a glyph on a canvas and save it.

    Args:
        glyph: the writing.
        rng: draws everything that is left to chance.
        canvas: ranges and chances.
    """
    aspect = (1, 1) if happens(rng, canvas.square) else canvas.aspect
    shape = draw_shape(rng, canvas.side, aspect)
    view = place(glyph, shape, canvas.placing, rng)
    scale = scale_of(view)
    cover = render(glyph, view, shape, ragged=max(0, MIN_PEN / scale - glyph.stroke) / 2)
    if not happens(rng, canvas.smooth):
        cover = np.rint(cover)
    colors, saved = pick(rng, canvas.colors), pick(rng, canvas.saved)
    if saved == "1" and colors not in TWO_TONES:
        colors = pick(rng, TWO_TONES)  # one bit cannot store colors
    if colors == "ink alone" or colors == "white ink alone":
        return _transparent(cover, _dark(rng) if colors == "ink alone" else WHITE)
    ink, ground = _ink_and_ground(colors, rng)
    picture = _blend(cover, ink, ground)
    if happens(rng, canvas.framed):
        _frame(picture, ink, rng)
    return _save(picture, saved, rng)


def mouse(hand: Hand, rng: np.random.Generator) -> Hand:
    """Return a hand that draws with a mouse: straight pieces, no pressure, a trembling line."""
    return replace(hand, corners=between(rng, (1.2, 3.2)), pressure=0, wobble=between(rng, (0.8, 2)))


def _blend(cover: Floats, ink: Color, ground: Color) -> Pixels:
    """Blend ink over ground by its cover: (H, W) -> (H, W, 3) uint8."""
    return cv2.merge(
        [(cover * (light - dark) + (dark + 0.5)).astype(np.uint8) for light, dark in zip(ink, ground, strict=True)]
    )


def _ink_and_ground(colors: Colors, rng: np.random.Generator) -> tuple[Color, Color]:
    if colors == "black on white":
        return BLACK, WHITE
    if colors == "white on black":
        return WHITE, BLACK
    if colors == "grayish":
        return _gray(rng, (0, 70)), _gray(rng, (200, 250))
    while True:
        ink, ground = _any_color(rng), _any_color(rng)
        if abs(np.dot(LUMA, ink) - np.dot(LUMA, ground)) >= MIN_DIFFERENCE:
            return ink, ground


def _gray(rng: np.random.Generator, limits: Range) -> Color:
    value = round(between(rng, limits))
    return value, value, value


def _any_color(rng: np.random.Generator) -> Color:
    red, green, blue = rng.integers(0, 256, 3).tolist()
    return red, green, blue


def _dark(rng: np.random.Generator) -> Color:
    return BLACK if happens(rng, 0.7) else _gray(rng, (0, 90))


def _transparent(cover: Floats, ink: Color) -> Image.Image:
    """Draw ink on a transparent ground: RGBA, black where alpha is 0, as in a browser's canvas."""
    alpha = np.rint(cover * WHITE[0]).astype(np.uint8)
    return Image.fromarray(cv2.merge([*(np.where(alpha > 0, np.uint8(value), np.uint8(0)) for value in ink), alpha]))


def _frame(picture: Pixels, ink: Color, rng: np.random.Generator) -> None:
    """Draw a line around the canvas, at its edge or a little inside."""
    height, width = picture.shape[:2]
    inset = int(rng.integers(0, 4))
    color = ink if happens(rng, 0.5) else (128, 128, 128)
    corner = (width - 1 - inset, height - 1 - inset)
    cv2.rectangle(picture, (inset, inset), corner, color, thickness=int(rng.integers(1, 4)))


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
    "white_on_black": replace(PLAIN, colors=("white on black",)),
    "colored": replace(PLAIN, colors=("colored",)),
    "grayish": replace(PLAIN, colors=("grayish",)),
    "transparent": replace(PLAIN, colors=("ink alone",)),
    "white_transparent": replace(PLAIN, colors=("white ink alone",)),
    "mouse": replace(PLAIN, pen=(0.02, 0.12), mouse=1, smooth=0.7),
    "jagged": replace(PLAIN, smooth=0),
    "few_colors": replace(PLAIN, saved=("1", "P", "L"), colors=("black on white", "white on black", "colored")),
    "jpeg": replace(PLAIN, saved=("JPEG",), colors=("black on white", "white on black", "grayish")),
    "framed": replace(PLAIN, framed=1, colors=("black on white", "white on black", "grayish")),
    "wide": replace(PLAIN, square=0, aspect=(1.8, 3)),
    "large": replace(PLAIN, side=(900, 1400)),
}
"""Canvases with one difficulty each."""

ALL_COLORS: tuple[Colors, ...] = (
    *("black on white", "black on white", "white on black", "white on black", "colored"),
    *("grayish", "ink alone", "white ink alone"),
)

MIXED = Canvas(
    square=0.55,
    aspect=(0.5, 2.2),
    placing=Placing(fill=(0.12, 1.02), astray=0.7),
    pen=(0.015, 0.26),
    colors=ALL_COLORS,
    saved=("RGB", "RGB", "RGB", "RGBA", "L", "1", "P", "JPEG", "JPEG"),
    mouse=0.2,
    smooth=0.8,
    framed=0.06,
)
"""A canvas with several difficulties at once."""

CONDITIONS: dict[str, Callable[[Pixels, np.random.Generator], Image.Image]] = {
    "drawings": partial(draw, canvas=MIXED),
    **{f"drawings/{name}": partial(draw, canvas=canvas) for name, canvas in CANVASES.items()},
}
