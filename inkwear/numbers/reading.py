"""Reads the lines of a picture: the reader says what stands in each, and each digit is cut out for the model."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inkwear.numbers.components import CORE, Box, Labels, Piece, around, box_of, find_pieces, grown, spread_to_faint
from inkwear.numbers.layout import group_in_lines, without_cut_off
from inkwear.numbers.line_image import to_strip
from inkwear.numbers.line_reader import UNKNOWN, LineReader
from inkwear.numbers.transcript import Sign, Transcript, transcribe
from inkwear.preprocess.framing import frame_foreground
from inkwear.preprocess.notes import Note
from inkwear.preprocess.spec import SIZE, Floats, InputSpec, Pixels

MAX_PIECES = 600
"""Pieces of a page of numbers; a picture with more is a texture."""

MIN_DOUBT, MAX_TURNED_DOUBT, MIN_TURNED_DIGITS = 0.12, 0.2, 3
"""Mean doubt about a mark, in nats, from which on a picture is also read turned; the doubt of a turned one, in that of
the picture as it is, up to which it is believed; and the digits that it holds at least."""

TELLING = frozenset("347")
"""Digits that look like no other digit upside down; a number without them may stand either way."""

SPECK, MIN_LEGIBLE = 0.15, 0.5
"""Ink of a line in that of the one with most ink, and its probability, below which both it is taken for specks."""

MAX_TURNED_LINES = 24
"""Lines of a picture that is also read turned; one with more is rather a texture, and turning it takes time."""

UNKNOWN_DOUBT = 3.0
"""Doubt about a mark that is read as no digit, in nats; a digit is doubted by -log p."""


@dataclass(frozen=True, eq=False)
class ReadDigit:
    """A digit of a line.

    Attributes:
        sign: what the reader says.
        box: around its ink, in pixels of the foreground.
        pixels: (28, 28) uint8, framed; empty if no ink was found where the reader saw a digit.
        is_cut: whether it was cut from ink that it shares with a neighbor.
    """

    sign: Sign
    box: Box
    pixels: Pixels
    is_cut: bool = False


@dataclass(frozen=True, eq=False)
class ReadLine:
    """A line of a picture.

    Attributes:
        transcript: what the reader says of it.
        digits: cut out of it.
        strip: (40, W) uint8, as it was read.
        ink: sum of its pixels in the foreground.
    """

    transcript: Transcript
    digits: tuple[ReadDigit, ...]
    strip: Pixels
    ink: float


@dataclass(frozen=True, eq=False)
class ReadPage:
    """What a picture says.

    Attributes:
        lines: in reading order; none if the picture is a texture.
        cut_off: lines that were left out, as the border has left little of them.
        specks: lines that were left out, as they have little ink, which cannot be read.
        degrees: by which the picture was turned clockwise, 0, 90, 180 or 270; boxes are in the picture as it was.
    """

    lines: tuple[ReadLine, ...] = ()
    cut_off: int = 0
    specks: int = 0
    degrees: int = 0

    @property
    def is_known(self) -> bool:
        """Whether there are no marks but digits and signs."""
        return all(UNKNOWN not in line.transcript.text for line in self.lines)

    @property
    def notes(self) -> tuple[Note, ...]:
        """How it was turned, and what was left out."""
        values = (
            ("turned_by", "degrees", self.degrees),
            ("cut_off", "lines", self.cut_off),
            ("specks", "count", self.specks),
        )
        return tuple(Note(code, {name: value}) for code, name, value in values if value)


def read_page(
    picture: Pixels, foreground: Floats, spec: InputSpec, reader: LineReader, draft: bool = False
) -> ReadPage:
    """Read all lines of a picture, turned where several digits say that they stand otherwise.

    Args:
        picture: (H, W) or (H, W, 3), of any size.
        foreground: (h, w) from 0 to 255, its ink.
        spec: how the data set frames.
        reader: of lines.
        draft: reads the picture as it stands, which takes a quarter of the time.
    """
    page = _read_upright(picture, foreground, spec, reader)
    if draft or not 1 <= len(page.lines) <= MAX_TURNED_LINES or _doubt(page.lines) < MIN_DOUBT:
        return page
    others = [_read_turned(picture, foreground, spec, reader, turns) for turns in (1, 2, 3)]
    best = min(others, key=lambda other: _doubt(other.lines))  # 3806 upside down may be read as 9088
    names = [digit.sign.name for line in best.lines for digit in line.digits]
    says_so = len(names) >= MIN_TURNED_DIGITS and (best.degrees != 180 or not TELLING.isdisjoint(names))
    return best if says_so and _doubt(best.lines) < MAX_TURNED_DOUBT * _doubt(page.lines) else page


def _doubt(lines: Sequence[ReadLine]) -> float:
    """Return the mean doubt about a digit or an unknown mark, in nats; infinite if there is neither."""
    count = sum(len(line.transcript.string) for line in lines)
    unlikely = -sum(math.log(max(line.transcript.p, 1e-300)) for line in lines)
    unknown = sum(line.transcript.text.count(UNKNOWN) for line in lines)
    return (unlikely + UNKNOWN_DOUBT * unknown) / count if count else math.inf


def _read_turned(picture: Pixels, foreground: Floats, spec: InputSpec, reader: LineReader, turns: int) -> ReadPage:
    turned = np.ascontiguousarray(np.rot90(foreground, -turns))
    page = _read_upright(np.ascontiguousarray(np.rot90(picture, -turns)), turned, spec, reader)
    lines = tuple(_turned_back(line, turns, turned.shape) for line in page.lines)
    return replace(page, lines=lines, degrees=90 * turns)


def _turned_back(line: ReadLine, turns: int, shape: tuple[int, ...]) -> ReadLine:
    """Give the boxes of a line in a picture of this shape as they were before it was turned clockwise."""
    digits = []
    for digit in line.digits:
        (left, top, right, bottom), (height, width) = digit.box, shape
        for _ in range(turns):
            left, top, right, bottom = top, width - right, bottom, width - left
            height, width = width, height
        digits.append(replace(digit, box=(left, top, right, bottom)))
    return replace(line, digits=tuple(digits))


def _read_upright(picture: Pixels, foreground: Floats, spec: InputSpec, reader: LineReader) -> ReadPage:
    foreground = _raised(foreground)
    labels, pieces = find_pieces(foreground >= CORE)
    if not 1 <= len(pieces) <= MAX_PIECES:
        return ReadPage()
    spread = spread_to_faint(labels, foreground)
    lines = group_in_lines(pieces)
    whole = without_cut_off(lines, foreground.shape)
    read = [_read(picture, foreground, spread, line, spec, reader) for line in whole]
    enough = SPECK * max(line.ink for line in read)
    legible = [line for line in read if line.ink >= enough or line.transcript.p >= MIN_LEGIBLE]
    return ReadPage(tuple(legible), len(lines) - len(whole), len(read) - len(legible))


def _raised(ink: Floats) -> Floats:
    """Raise faint ink until its strongest pixel is 255."""
    return ink * np.float32(255 / max(float(ink.max()), 1.0))


def _read(
    picture: Pixels, foreground: Floats, labels: Labels, pieces: Sequence[Piece], spec: InputSpec, reader: LineReader
) -> ReadLine:
    own = np.zeros(int(labels.max()) + 1, bool)
    own[[piece.label for piece in pieces]] = True
    ink = _raised(np.where(own[labels], foreground, 0))
    strip = to_strip(picture, ink)
    transcript = transcribe(strip, reader)
    digits = [_cut_out(sign, transcript.signs, foreground, labels, pieces, spec) for sign in transcript.digits]
    return ReadLine(transcript, tuple(digits), strip.pixels, float(ink.sum()))


def _cut_out(
    sign: Sign, signs: Sequence[Sign], foreground: Floats, labels: Labels, pieces: Sequence[Piece], spec: InputSpec
) -> ReadDigit:
    mask, box, is_cut = _ink_of(sign, signs, labels, pieces)
    if box is not None:
        left, top, right, bottom = box
        ink = np.where(mask, foreground[top:bottom, left:right], 0)
        if ink.any():
            return ReadDigit(sign, box, frame_foreground(ink, spec)[0], is_cut)
    left, top, right, bottom = around([piece.box for piece in pieces])
    box = (max(left, int(sign.start)), top, min(right, int(sign.end) + 1), bottom)
    return ReadDigit(sign, box, np.zeros((SIZE, SIZE), np.uint8))


def _ink_of(
    sign: Sign, signs: Sequence[Sign], labels: Labels, pieces: Sequence[Piece]
) -> tuple[NDArray[np.bool_], Box | None, bool]:
    """Find the ink of a sign: pieces nearest to it, and its part of those that reach over several signs, if any."""
    middles = np.array([(each.start + each.end) / 2 for each in signs])
    at = signs.index(sign)
    lower = (signs[at - 1].end + sign.start) / 2 if at else -np.inf
    upper = (sign.end + signs[at + 1].start) / 2 if at + 1 < len(signs) else np.inf
    whole, parts = [], []
    for piece in pieces:
        within = np.flatnonzero((middles >= piece.box[0] - 0.5) & (middles <= piece.box[2] + 0.5))
        if len(within) > 1:
            if piece.box[0] < upper and piece.box[2] > lower and at in within:
                parts.append(piece)
        else:
            nearest = int(within[0]) if len(within) else int(np.argmin(np.abs(middles - piece.middle)))
            if nearest == at:
                whole.append(piece)
    if not whole and not parts:
        return np.zeros((0, 0), bool), None, False
    left, top, right, bottom = grown(around([piece.box for piece in (*whole, *parts)]), labels.shape)
    region = labels[top:bottom, left:right]
    mask = np.isin(region, [piece.label for piece in whole])
    if parts:
        columns = np.arange(left, right)
        between = (columns >= lower) & (columns < upper)
        mask |= np.isin(region, [piece.label for piece in parts]) & between
    tight = box_of(mask, left, top)
    if tight is None:
        return mask, None, bool(parts)
    return mask[tight[1] - top : tight[3] - top, tight[0] - left : tight[2] - left], tight, bool(parts)
