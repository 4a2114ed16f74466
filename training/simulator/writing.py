"""Lines of text written from ``training.simulator.characters``: which characters, with what pen, how close together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from inkwear.preprocess.spec import Floats
from training.simulator.chance import around, between, happens, pick
from training.simulator.characters import HEIGHT, MARKS, OTHER, Character, Characters, seven_segments

SIMILAR = 0.3
"""Share of the written digits, nearest in stroke width, that those of one line come from, as if by one pen."""

LENGTHS = np.array([12, 9, 11, 12, 12, 11, 9, 8, 5, 5, 2, 2, 2, 1, 1, 1, 1, 1, 0.5, 0.5])
"""Relative frequencies of 1 to 20 digits in a line."""

PRINTED_MARKS = 0.35
"""Share of the marks among handwriting that have the shape of a typeface."""

NOWHERE = 1e9
"""Column of the edge of a row without ink."""

MIN_PEN = 0.9
"""Pixels of a stroke; a thinner one could hardly be seen."""

MAX_OVERLAP = 0.13
"""Heights of a digit by which neighbors overlap at most."""

ALLOGRAPHIC, MIN_EXPLAINING = 0.4, 3
"""Share of the handwritten lines with allographs, and the number of digits that they explain each other from."""

Style = Literal["written", "printed", "display"]


@dataclass(frozen=True)
class Manner:
    """How a line is written.

    Attributes:
        style: by hand, in a typeface, or in the segments of a display.
        height: of a usual digit, in pixels.
        pitch: distance of the middles of neighbors in pixels, as boxes give it; None where they follow each other.
    """

    style: Style
    height: float
    pitch: float | None = None


@dataclass(frozen=True)
class Written:
    """A line of text.

    Attributes:
        cover: (H, W) float32 from 0 to 1, cut to the ink.
        unlit: (H, W) float32, segments of a display that are not lit; None elsewhere.
        text: the characters.
        top: row of the top of a usual digit; may be negative.
        ends: column of the left and of the right end of each character that has ink.
    """

    cover: Floats
    unlit: Floats | None
    text: str
    top: float
    ends: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Zeros:
    """How zeros are written: height and width in those of other digits, and the chance that two of them join."""

    height: float = 1.0
    width: float = 1.0
    joined: float = 0.0


@dataclass(frozen=True)
class _Ink:
    """A character as rendered: cover (h, w), and the row of its first pixel below the top of a usual digit."""

    cover: Floats
    top: int


def any_text(rng: np.random.Generator) -> str:
    """Draw the text of a line, of up to 20 digits, with separators and signs where people put them."""
    draw = rng.random()
    if draw < 0.48:
        return _digits(rng, int(rng.choice(20, p=LENGTHS / LENGTHS.sum())) + 1)
    if draw < 0.78:
        return _amount(rng)
    if draw < 0.82:
        return _date(rng)
    if draw < 0.86:
        return _sum(rng)
    if draw < 0.875:
        return "".join(pick(rng, "0123456789.,-/:'+=%") for _ in range(rng.integers(2, 8)))
    if draw < 0.955:
        return OTHER * int(rng.choice([1, 1, 1, 2, 3, 4]))
    digits = list(_digits(rng, int(rng.integers(1, 7))))
    digits.insert(int(rng.integers(len(digits) + 1)), OTHER)
    return "".join(digits)


def _digits(rng: np.random.Generator, count: int) -> str:
    if happens(rng, 0.12):
        zeros = int(rng.integers(0, count))
        return _digits(rng, count - zeros) + "0" * zeros
    if happens(rng, 0.1):
        return pick(rng, "0123456789") * count if count < 6 else "".join(rng.choice(list("01"), count))
    return "".join(map(str, rng.integers(0, 10, count)))


def _amount(rng: np.random.Generator) -> str:
    digits = _digits(rng, int(rng.integers(1, 9)))
    separator = pick(rng, (".", ".", ",", "'", " ", ""))
    first = len(digits) % 3 or 3
    groups = [digits[:first], *(digits[at : at + 3] for at in range(first, len(digits), 3))]
    text = separator.join(groups)
    if happens(rng, 0.25):
        text += pick(rng, ".,") + pick(rng, ("00", _digits(rng, 2), "-", "--"))
    else:
        text += pick(rng, ("", "", "", "-", ".", ".-", ",-", "=", "--", ".=", " -"))
    if happens(rng, 0.1):
        text = pick(rng, (OTHER, "-", "=")) + text
    return text


def _date(rng: np.random.Generator) -> str:
    day, month, year = rng.integers(1, 32), rng.integers(1, 13), rng.integers(0, 100)
    if happens(rng, 0.25):
        return f"{rng.integers(24)}{pick(rng, ':.')}{rng.integers(60):02d}"
    separator = pick(rng, "....---/")
    return separator.join([f"{day:02d}", f"{month:02d}", pick(rng, (f"{year:02d}", f"20{year:02d}"))])


def _sum(rng: np.random.Generator) -> str:
    one, other = (_digits(rng, int(rng.integers(1, 4))) for _ in range(2))
    draw = rng.random()
    if draw < 0.08:  # a slash is rare, and hardly differs from a slanted 1
        return f"{one}/{other}"
    if draw < 0.28:
        return f"{one}%"
    if draw < 0.5:
        return f"{pick(rng, '-+')}{one}"
    return f"{one}{pick(rng, '+-')}{other}" + ("=" if happens(rng, 0.5) else "")


def write_line(characters: Characters, text: str, manner: Manner, rng: np.random.Generator) -> Written:
    """Write a text with one pen.

    Args:
        characters: to write with.
        text: of digits, signs, spaces and ``OTHER``.
        manner: how to write.
        rng: draws everything else.
    """
    if manner.style == "display":
        return _display(text, manner.height, rng)
    chosen = _choose(characters, text, manner.style, rng)
    pen = math.exp(between(rng, (math.log(0.018), math.log(0.17)))) * HEIGHT
    pen = max(pen, MIN_PEN * HEIGHT / manner.height)
    slant = around(rng, 0.12) if manner.style == "printed" and happens(rng, 0.2) else 0.0
    turn = around(rng, 1)
    spread, zeros = 0.0, _Zeros()
    if manner.style == "written":
        slant, turn = around(rng, 0.4), around(rng, 5)
        spread = between(rng, (0.15, 0.4)) if happens(rng, 0.3) else 0.1
        if happens(rng, 0.2):  # upright strokes, as straight as printed lines
            slant, turn, spread = 0.0, 0.0, 0.03
        if happens(rng, 0.25):  # as the zeros of an amount are often written: low, wide, and joined
            zeros = _Zeros(between(rng, (0.4, 0.85)), between(rng, (1, 1.7)), between(rng, (0, 1)))
    wide, bold = between(rng, (0.75, 1.25)), around(rng, 1.2)
    scale = manner.height / HEIGHT
    inks = []
    for name, character in zip(text, chosen, strict=True):
        if character is None:
            continue
        size = scale * (1 + around(rng, spread)) * (zeros.height if name == "0" else 1)
        stretch = wide * (zeros.width if name == "0" else 1)
        bend = np.array([[stretch * (1 + around(rng, spread)), -slant - around(rng, spread)], [0, 1.0]])
        angle = math.radians(turn + around(rng, 30 * spread))
        bend = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) @ bend
        grow = bold if character.printed else (pen - character.pen) / 2
        cover, top = _render(character, size * bend, size, grow)
        raised = HEIGHT * scale - HEIGHT * size if happens(rng, 0.7) else (HEIGHT * scale - HEIGHT * size) / 2
        inks.append(_Ink(cover, round(top + raised + around(rng, 0.4 * spread) * manner.height)))
    return _set(inks, text, manner, zeros.joined, rng)


def _choose(characters: Characters, text: str, style: Style, rng: np.random.Generator) -> list[Character | None]:
    """Draw a character for each of a text, of one hand or one typeface; None for a space."""
    face, hand = pick(rng, characters.printed), rng.random()
    drawn = 1.0 if happens(rng, 0.2) else between(rng, (0, 0.45))
    allographs = _choose_allographs(characters, text, rng) if style == "written" else {}
    chosen: list[Character | None] = []
    for name in text:
        if name == " ":
            chosen.append(None)
        elif style == "printed":
            character = face.get(pick(rng, MARKS) if name == OTHER else name)
            chosen.append(character or pick(rng, characters.drawn[name]))
        elif name == OTHER and happens(rng, PRINTED_MARKS):
            chosen.append(pick(rng, characters.printed).get(pick(rng, MARKS)) or pick(rng, characters.drawn[name]))
        elif name in allographs:
            chosen.append(pick(rng, allographs[name]))
        elif name.isdigit() and not happens(rng, drawn):
            each = characters.written[name]
            at = hand * (1 - SIMILAR) + SIMILAR * rng.random()
            chosen.append(each[int(at * len(each))])
        else:
            chosen.append(pick(rng, characters.drawn[name]))
    return chosen


def _choose_allographs(characters: Characters, text: str, rng: np.random.Generator) -> dict[str, list[Character]]:
    """Draw the digits that a hand writes otherwise than most, and its shape of each."""
    if sum(name.isdigit() for name in text) < MIN_EXPLAINING or not happens(rng, ALLOGRAPHIC):
        return {}
    share = between(rng, (0.1, 0.8))
    return {name: pick(rng, shapes) for name, shapes in characters.allographs.items() if happens(rng, share)}


def _render(character: Character, bend: np.ndarray, size: float, grow: float) -> tuple[Floats, float]:
    """Render a character: the cover of its pixels (h, w), and the row of its first pixel below the top of a digit."""
    field = character.field.astype(np.float32)
    height, width = field.shape
    corners = bend @ np.array([[0, width, 0, width], [0, 0, height, height]], float)
    low = np.floor(corners.min(axis=1))
    across, down = np.ceil(corners.max(axis=1) - low).astype(int).tolist()
    view = np.hstack([bend, -low[:, None]])
    pixels = max(1, across), max(1, down)
    warped = cv2.warpAffine(
        field, view, pixels, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=-99
    )
    cover = np.clip((warped + np.float32(grow)) * np.float32(size) + np.float32(0.5), 0, 1)
    middle = bend @ np.array([width / 2, -character.top])  # the top of a digit, at its middle
    rows, columns = np.flatnonzero(cover.any(axis=1)), np.flatnonzero(cover.any(axis=0))
    if not len(rows):
        return np.full((1, 1), 0.5, np.float32), -character.top * size
    return cover[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], float(low[1] + rows[0] - middle[1])


def _set(inks: Sequence[_Ink], text: str, manner: Manner, joined: float, rng: np.random.Generator) -> Written:
    """Set characters side by side, on a baseline that may rise or fall; ``joined`` is the chance that zeros join."""
    places, slope = _places(inks, text, manner, joined, rng)
    start = min(places)
    width = max(place + ink.cover.shape[1] for place, ink in zip(places, inks, strict=True)) - start
    drift = [round(slope * (place - start)) for place in places]
    lift = min(ink.top + moved for ink, moved in zip(inks, drift, strict=True))
    depth = max(ink.top + ink.cover.shape[0] + moved for ink, moved in zip(inks, drift, strict=True)) - lift
    cover, ends = np.zeros((depth, width), np.float32), []
    for ink, place, moved in zip(inks, places, drift, strict=True):
        y, x = ink.top + moved - lift, place - start
        height, wide = ink.cover.shape
        region = cover[y : y + height, x : x + wide]
        np.maximum(region, ink.cover, out=region)
        ends.append((x, x + wide))
    return Written(cover, None, text, float(np.median(drift)) - lift, tuple(ends))


def _places(
    inks: Sequence[_Ink], text: str, manner: Manner, joined: float, rng: np.random.Generator
) -> tuple[list[int], float]:
    """Draw the columns of the left ends, at a pitch or by the distance of edges, which may overlap, and the slope."""
    height, printed = manner.height, manner.style == "printed"
    gap = between(rng, (0.06, 0.3)) if happens(rng, 0.65) else between(rng, (0.3, 1.0))
    uneven, contact = between(rng, (0, 0.8)), between(rng, (0.1, 1)) if happens(rng, 0.42) else 0.0
    if printed:
        gap, uneven, contact = between(rng, (0.08, 0.3)), 0.0, 0.0
    slope = around(rng, 0.08 if manner.style == "written" else 0.02)
    high, low = min(ink.top for ink in inks), max(ink.top + ink.cover.shape[0] for ink in inks)
    edge = np.full(low - high, -NOWHERE)  # the right edge of what is written so far, by row
    places: list[int] = []
    left, space, before = 0.0, 0.0, ""
    for name in text:
        if name == " ":
            space = height * max(0.5, 2 * gap) * between(rng, (0.9, 1.6))
            continue
        ink = inks[len(places)]
        rows = slice(ink.top - high, ink.top - high + ink.cover.shape[0])
        first, last = _edges(ink.cover)
        if places:
            near = _dilated(edge, max(1, round(0.12 * height)))[rows]
            meets = float((near - first).max())
            meets = meets if meets > -0.1 * NOWHERE else left
            if manner.pitch is not None:
                left += manner.pitch - (ink.cover.shape[1] - inks[len(places) - 1].cover.shape[1]) / 2
            elif happens(rng, joined if name == before == "0" else contact) and not space:
                exact = float((edge[rows] - first).max())  # without the room that others keep
                touching = (exact if exact > -0.1 * NOWHERE else meets) - between(rng, (-0.02, MAX_OVERLAP)) * height
                left = max(touching, left + 0.12 * height)
            else:
                left = max(meets, left + 0.15 * height) + gap * height * math.exp(around(rng, 1) * uneven) + space
        space, before = 0.0, name
        places.append(round(left))
        edge[rows] = np.maximum(edge[rows], last + round(left))
    return places, slope


def _edges(cover: Floats) -> tuple[np.ndarray, np.ndarray]:
    """Return the left and the right end of the ink of each row, far off where there is none."""
    inked = cover >= 0.3
    filled = inked.any(axis=1)
    first = np.where(filled, inked.argmax(axis=1), NOWHERE)
    return first, np.where(filled, cover.shape[1] - inked[:, ::-1].argmax(axis=1), -NOWHERE)


def _dilated(edge: np.ndarray, reach: int) -> np.ndarray:
    """Return the largest of each row and its neighbors."""
    return cv2.dilate(edge.astype(np.float32)[:, None], np.ones((2 * reach + 1, 1), np.uint8))[:, 0]


def _display(text: str, height: float, rng: np.random.Generator) -> Written:
    """Show digits on a display; other characters are left out."""
    digits = "".join(name for name in text if name.isdigit()) or "0"
    state = int(rng.integers(2**31))
    shown = [seven_segments(digit, np.random.default_rng(state)) for digit in digits]
    gap = np.zeros((100, round(between(rng, (6, 30)))), np.float32)
    lit, unlit = (np.hstack([part for pair in shown for part in (pair[which], gap)][:-1]) for which in (0, 1))
    slant, scale = between(rng, (0, 0.15)) if happens(rng, 0.5) else 0.0, height / 100
    wide = max(1, round(lit.shape[1] * scale + slant * height))
    view = np.array([[scale, -slant * scale, slant * height], [0, scale, 0]])
    lit, unlit = (
        cv2.warpAffine(cv2.GaussianBlur(part, (0, 0), max(0.3, 0.4 / scale)), view, (wide, max(1, round(height))))
        for part in (lit, unlit)
    )
    step = (shown[0][0].shape[1] + gap.shape[1]) * scale
    ends = tuple(
        (round(i * step), round(i * step + shown[0][0].shape[1] * scale + slant * height)) for i in range(len(digits))
    )
    return Written(lit, unlit, digits, 0.0, ends)
