"""Digits written on paper or boards and photographed with a phone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from PIL import Image

from inkwear.preprocess.spec import Floats, Pixels
from training.simulator import camera, paper
from training.simulator.chance import Range, between, happens, noise, pick
from training.simulator.glyphs import Glyph, random_hand, render, scale_of, write
from training.simulator.paper import BLACKBOARD, PAPER, WHITEBOARD, Color, Printed, Surface
from training.simulator.placing import Matrix, Placing, draw_shape, place

MIN_PEN = 1.4
"""Pixels of a stroke; a thinner line is unreadable for people too."""

MIN_HEIGHT = 26
"""Pixels of a digit's height; a smaller one is unreadable for people too."""


@dataclass(frozen=True)
class Tool:
    """A writing tool.

    Attributes:
        pen: stroke width as a fraction of the digit's height.
        inks: colors, one of which is drawn.
        opacity: fraction of the paper that its stroke covers.
        grain: loss of opacity in the hollows of the paper.
        ragged: deviation of its edge, as a fraction of the stroke.
    """

    pen: Range
    inks: tuple[Color, ...]
    opacity: Range = (0.8, 0.97)
    grain: float = 0.1
    ragged: float = 0.05


BLACK_INKS: tuple[Color, ...] = ((28, 28, 32), (45, 42, 45), (20, 22, 40))
COLORED_INKS: tuple[Color, ...] = ((30, 50, 150), (185, 35, 45), (100, 45, 140), (25, 115, 70))

PENCIL = Tool(pen=(0.025, 0.07), inks=((75, 75, 80), (55, 55, 60)), opacity=(0.45, 0.85), grain=0.55, ragged=0.15)
BIRO = Tool(pen=(0.025, 0.065), inks=(*BLACK_INKS, COLORED_INKS[0]), opacity=(0.7, 0.95), grain=0.15)
COLORED = Tool(pen=(0.03, 0.1), inks=COLORED_INKS, opacity=(0.65, 0.95))
FELT = Tool(pen=(0.08, 0.2), inks=(*BLACK_INKS, *COLORED_INKS))
CHALK = Tool(pen=(0.05, 0.13), inks=((235, 235, 228), (235, 225, 150)), opacity=(0.65, 0.95), grain=0.45, ragged=0.15)
MARKER = Tool(pen=(0.06, 0.13), inks=(*BLACK_INKS, *COLORED_INKS[:2], COLORED_INKS[3]), opacity=(0.75, 0.97))

Medium = tuple[Surface, Tool]

FROM_ABOVE = Placing(fill=(0.3, 0.75), astray=0.4, turn=6, tilt=0.04)


@dataclass(frozen=True)
class Scene:
    """Ranges and chances from which a photograph is made.

    Attributes:
        side: longest side in pixels.
        aspect: width to height.
        placing: of the digit and the camera.
        media: surfaces and tools, one pair of which is drawn.
        printed: prints on the sheet, one of which is drawn.
        gradient: fraction by which the light falls off.
        shadow: chance of a shadow, whose edge has the width ``softness`` (a fraction of the picture).
        fold, table, seen_through, dirt, skips, shaken, turned: chances; ``turned`` is undone by the EXIF tag.
        blur: deviation in pixels, limited so that the stroke stays visible.
        noise: gray levels.
        quality: of the JPEG.
    """

    side: Range = (220, 560)
    aspect: Range = (0.7, 1.4)
    placing: Placing = FROM_ABOVE
    media: tuple[Medium, ...] = ((PAPER, BIRO), (PAPER, FELT))
    printed: tuple[Printed, ...] = ("nothing",)
    gradient: Range = (0, 0.15)
    shadow: float = 0
    softness: Range = (0.02, 0.6)
    fold: float = 0
    table: float = 0
    seen_through: float = 0
    dirt: float = 0.1
    skips: float = 0
    shaken: float = 0
    turned: float = 0
    blur: Range = (0.3, 0.9)
    noise: Range = (0.3, 2.5)
    quality: Range = (60, 95)


def photograph(pixels: Pixels, rng: np.random.Generator, scene: Scene) -> Image.Image:
    """Write the digit of an image (28, 28) uint8 on a surface and photograph it.

    Args:
        pixels: the image.
        rng: draws everything that is left to chance.
        scene: ranges and chances.
    """
    medium = pick(rng, scene.media)
    hand = random_hand(rng, pen=between(rng, medium[1].pen))
    if happens(rng, scene.skips):
        hand = replace(hand, skips=int(rng.integers(1, 4)))
    return photograph_glyph(write(pixels, hand, rng), medium, rng, scene)


def photograph_glyph(glyph: Glyph, medium: Medium, rng: np.random.Generator, scene: Scene) -> Image.Image:
    """Photograph a glyph that is written with the tool and on the surface of a medium.

    Args:
        glyph: the writing.
        medium: surface and tool.
        rng: draws everything else.
        scene: its ranges and chances.
    """
    shape = draw_shape(rng, scene.side, scene.aspect)
    view = _near_enough(place(glyph, shape, scene.placing, rng), glyph)
    surface, tool = medium
    picture = paper.sheet(surface, shape, rng)
    _prepare(picture, surface, glyph, view, rng, scene)
    cover = _ink(glyph, view, shape, tool, rng)
    paper.lay(picture, cover, pick(rng, tool.inks))
    if happens(rng, scene.table):
        paper.lay_on_table(picture, cover, rng)
    _light(picture, surface, rng, scene)
    return _taken(picture, max(glyph.stroke * scale_of(view), MIN_PEN), rng, scene)


def _near_enough(view: Matrix, glyph: Glyph) -> Matrix:
    """Move the camera nearer to a glyph that would be too small to read."""
    nearer = max(1.0, MIN_HEIGHT / (glyph.shape[0] * scale_of(view)))
    return view @ np.diag([nearer, nearer, 1])


def _prepare(
    picture: Floats, surface: Surface, glyph: Glyph, view: Matrix, rng: np.random.Generator, scene: Scene
) -> None:
    """Add print, writing on the back and dirt to an empty sheet, in place."""
    if surface is PAPER:
        paper.print_lines(picture, pick(rng, scene.printed), glyph, view, rng)
        if happens(rng, scene.seen_through):
            paper.show_through(picture, glyph, view, rng)
    if happens(rng, scene.dirt):
        paper.dirty(picture, max(glyph.stroke * scale_of(view), MIN_PEN), rng)


def _ink(glyph: Glyph, view: Matrix, shape: tuple[int, int], tool: Tool, rng: np.random.Generator) -> Floats:
    """Return the fraction of each pixel that the ink hides: (H, W) float32 from 0 to 1."""
    scale = scale_of(view)
    widened = max(0, MIN_PEN / scale - glyph.stroke) / 2
    grain = noise(shape, rng, min(2.5, max(1, glyph.stroke * scale / 5)))
    cover = render(glyph, view, shape, ragged=widened + tool.ragged * glyph.stroke / 2 * grain)
    hollow = np.clip(noise(shape, rng) * 0.5, 0, 1)
    pressure = 1 - 0.12 * np.abs(noise(shape, rng, max(shape) / 12))
    return cover * between(rng, tool.opacity) * (1 - tool.grain * hollow) * np.clip(pressure, 0.6, 1)


def _light(picture: Floats, surface: Surface, rng: np.random.Generator, scene: Scene) -> None:
    shape = (picture.shape[1], picture.shape[2])
    light = camera.gradient(shape, between(rng, scene.gradient), rng)
    if happens(rng, scene.shadow):
        light *= camera.shadow(shape, scene.softness, rng)
    if surface is PAPER and happens(rng, scene.fold):
        light *= paper.fold(shape, rng)
    light *= between(rng, (0.75, 1.04))
    for plane, lamp in zip(picture, rng.uniform(0.95, 1.03, 3).tolist(), strict=True):  # the lamp has a color
        plane *= light * np.float32(lamp)
    if surface is WHITEBOARD:
        picture += camera.glare(shape, rng)


def _taken(picture: Floats, stroke: float, rng: np.random.Generator, scene: Scene) -> Image.Image:
    """Apply lens, sensor and file; neither blur nor shake may hide a stroke of ``stroke`` pixels."""
    pixels = camera.defocus(paper.as_pixels(picture), min(between(rng, scene.blur), 0.5 * stroke))
    if happens(rng, scene.shaken):
        pixels = camera.shake(pixels, min(between(rng, (2, 9)), 1.1 * stroke), rng)
    pixels = camera.sensor_noise(pixels, between(rng, scene.noise), rng)
    quality = round(between(rng, scene.quality))
    return camera.develop(pixels, quality, happens(rng, scene.turned), rng)


CALM = Scene()

LINED: tuple[Printed, ...] = ("ruled", "squared")

SCENES = {
    "plain": CALM,
    "pencil": replace(CALM, media=((PAPER, PENCIL),)),
    "biro": replace(CALM, media=((PAPER, BIRO),)),
    "felt": replace(CALM, media=((PAPER, FELT),)),
    "colored_ink": replace(CALM, media=((PAPER, COLORED),)),
    "blackboard": replace(CALM, media=((BLACKBOARD, CHALK),)),
    "whiteboard": replace(CALM, media=((WHITEBOARD, MARKER),)),
    "ruled": replace(CALM, printed=("ruled",)),
    "squared": replace(CALM, printed=("squared",)),
    "gradient": replace(CALM, gradient=(0.3, 0.65)),
    "hard_shadow": replace(CALM, shadow=1, softness=(0.01, 0.06)),
    "soft_shadow": replace(CALM, shadow=1, softness=(0.2, 0.8)),
    "fold": replace(CALM, fold=1),
    "table": replace(CALM, table=1),
    "seen_through": replace(CALM, seen_through=1),
    "dirt": replace(CALM, dirt=1),
    "skips": replace(CALM, skips=1),
    "noise": replace(CALM, noise=(5, 12)),
    "blur": replace(CALM, blur=(1.2, 3.5)),
    "shaken": replace(CALM, shaken=1),
    "low_quality": replace(CALM, quality=(20, 40)),
    "tilted": replace(CALM, placing=Placing(fill=(0.3, 0.75), astray=0.5, turn=15, tilt=0.2)),
    "small": replace(CALM, side=(350, 900), placing=Placing(fill=(0.08, 0.2), astray=0.8, turn=6, tilt=0.05)),
    "filling": replace(CALM, placing=Placing(fill=(0.85, 0.98), astray=0.5, turn=6, tilt=0.02)),
    "crop": replace(CALM, side=(80, 200), aspect=(0.6, 1.2), placing=Placing(fill=(0.5, 0.95), astray=0.6, turn=6)),
    "large": replace(CALM, side=(900, 1600)),
    "turned": replace(CALM, turned=1),
}
"""Scenes with one difficulty each."""

MIXED = Scene(
    side=(200, 560),
    aspect=(0.6, 1.6),
    placing=Placing(fill=(0.12, 0.95), astray=0.6, turn=10, tilt=0.1),
    media=(
        *((PAPER, BIRO),) * 5,
        *((PAPER, PENCIL),) * 3,
        *((PAPER, FELT),) * 3,
        *((PAPER, COLORED),) * 2,
        *((BLACKBOARD, CHALK), (WHITEBOARD, MARKER)),
    ),
    printed=("nothing", "nothing", "nothing", "ruled", "squared"),
    gradient=(0, 0.5),
    shadow=0.3,
    softness=(0.01, 0.8),
    fold=0.12,
    table=0.15,
    seen_through=0.08,
    dirt=0.25,
    skips=0.1,
    shaken=0.12,
    turned=0.1,
    blur=(0.3, 2.2),
    noise=(0.3, 7),
    quality=(25, 95),
)
"""A scene with several difficulties at once, as often as they occur."""

RARE = (
    replace(MIXED, side=(80, 200), placing=Placing(fill=(0.5, 0.97), astray=0.6, turn=8)),
    replace(MIXED, side=(700, 1600)),
)


def photograph_any(pixels: Pixels, rng: np.random.Generator) -> Image.Image:
    """Photograph a digit in a mixed scene; one in ten is a crop, one in sixty as large as phones take them."""
    draw = rng.random()
    return photograph(pixels, rng, RARE[0] if draw < 0.1 else RARE[1] if draw < 0.1 + 1 / 60 else MIXED)


CONDITIONS: dict[str, Callable[[Pixels, np.random.Generator], Image.Image]] = {
    "photographs": photograph_any,
    **{f"photographs/{name}": partial(photograph, scene=scene) for name, scene in SCENES.items()},
}
