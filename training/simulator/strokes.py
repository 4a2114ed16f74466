"""Digits, signs and other marks as a person draws them: strokes of a pen, different each time."""

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from training.simulator.chance import around, between, happens, pick

LETTERS = "AEFHKLMNPRTUVWXYdefhkmnprtuw&"
"""Letters that no digit or sign looks like."""

Point = tuple[float, float]
Strokes = list[list[Point]]
"""Lines through points x, y in heights of a digit: y is 0 at its top and 1 on the baseline."""


def curve(points: Sequence[Point], rng: np.random.Generator, off: float = 0.03) -> list[Point]:
    """Move points a little and round the corners between them (Chaikin 1974).

    Args:
        points: of the line.
        rng: moves them.
        off: heights of a digit by which each coordinate moves at most.
    """
    line = np.array(points) + rng.uniform(-off, off, (len(points), 2))
    for _ in range(3):
        cut = np.empty((2 * len(line), 2))
        cut[0], cut[-1] = line[0], line[-1]
        cut[1:-1:2], cut[2:-1:2] = 0.75 * line[:-1] + 0.25 * line[1:], 0.25 * line[:-1] + 0.75 * line[1:]
        line = cut
    return [(float(x), float(y)) for x, y in line]


def straight(points: Sequence[Point], rng: np.random.Generator, off: float = 0.03) -> list[Point]:
    """Move points a little.

    Args:
        points: of the line.
        rng: moves them.
        off: heights of a digit by which each coordinate moves at most.
    """
    return [(x + around(rng, off), y + around(rng, off)) for x, y in points]


def arc(x: float, y: float, wide: float, high: float, rng: np.random.Generator, turn: float = 1.0) -> list[Point]:
    """Draw an ellipse from any of its points on.

    Args:
        x: of its middle, in heights of a digit.
        y: of its middle.
        wide: its width.
        high: its height.
        rng: draws where it begins.
        turn: share of its circumference.
    """
    start = between(rng, (0, 2 * math.pi))
    angles = np.linspace(start, start + 2 * math.pi * turn, 40)
    return [(x + wide / 2 * math.cos(a), y + high / 2 * math.sin(a)) for a in angles]


def _zero(rng: np.random.Generator) -> Strokes:
    wide, turn = between(rng, (0.3, 0.9)), between(rng, (0.9, 1.12))
    loop = arc(0.4, 0.5, wide, 1, rng, turn)
    if happens(rng, 0.35):  # closed by a ligature at the top
        loop = curve([(0.35, 0.05), (0.05, 0.3), (0, 0.7), (0.3, 1), (0.6, 0.7), (0.6, 0.25), (0.4, 0)], rng)
        loop += curve([loop[-1], (0.3, 0.1), (0.6, between(rng, (0.05, 0.25))), (0.8, 0.05)], rng)
    strokes = [loop]
    if happens(rng, 0.1):
        strokes.append([(0.15, 0.85), (0.65, 0.15)])
    return strokes


def _one(rng: np.random.Generator) -> Strokes:
    lean, fall = around(rng, 0.15), between(rng, (0.15, 1.0))
    wide = between(rng, (0.12, 0.55))
    top = (0.5 + lean, 0.0)
    if happens(rng, 0.3):
        return [straight([top, (0.5 - lean, 1.0)], rng, 0.015)]
    flag = [(0.5 + lean - wide, fall), top]
    if not happens(rng, 0.6):
        flag = curve([flag[0], (0.5 + lean - 0.4 * wide, 0.45 * fall), top], rng)
    strokes = [straight([*flag, (0.5 - lean, 1.0)], rng, 0.015)]
    if happens(rng, 0.2):
        strokes.append(straight([(0.2, 1.0), (0.85, 1.0)], rng, 0.04))
    return strokes


def _four(rng: np.random.Generator) -> Strokes:
    bar, cross, down = between(rng, (0.4, 0.75)), between(rng, (0.4, 0.7)), between(rng, (0.8, 1.4))
    end = (between(rng, (0.65, 1.0)), bar + around(rng, 0.15))
    left = [(between(rng, (0.05, 0.45)), between(rng, (-0.05, 0.15))), (between(rng, (-0.05, 0.12)), bar), end]
    stem = [(cross + around(rng, 0.12), between(rng, (-0.2, 0.5))), (cross + around(rng, 0.12), down)]
    kind = rng.integers(4)
    if kind == 0:  # open, with a round bowl like a y
        bowl = curve([left[0], (0.02, bar), (0.3, bar + 0.08), stem[0]], rng, 0.03)
        return [[*bowl, stem[1]]]
    if kind == 1:  # closed, in one line
        top = (cross, around(rng, 0.08))
        return [[(cross, down), top, left[1], end]]
    return [curve(left, rng, 0.02) if happens(rng, 0.4) else left, stem]


def _seven(rng: np.random.Generator) -> Strokes:
    foot = between(rng, (0.1, 0.4))
    roof = [(0.0, between(rng, (0.0, 0.15))), (0.65, around(rng, 0.06))]
    if happens(rng, 0.3):
        roof = [(0.02, between(rng, (0.15, 0.35))), *roof]
    stem = [(0.65, 0.0), (foot + between(rng, (0, 0.2)), 0.5), (foot, between(rng, (0.95, 1.25)))]
    strokes = [[*roof, *curve(stem, rng, 0.02)]]
    if happens(rng, 0.65):
        high = between(rng, (0.4, 0.6))
        strokes.append(straight([(0.05, high), (between(rng, (0.6, 0.8)), high)], rng, 0.08))
    return strokes


def _two(rng: np.random.Generator) -> Strokes:
    line = [(0.05, 0.25), (0.25, -0.02), (0.6, 0.1), (0.55, 0.45), (0.1, 0.95)]
    if happens(rng, 0.5):
        line += [(0.0, 0.8), (0.25, 0.8), (0.4, 0.98), (0.75, between(rng, (0.85, 1.0)))]
    else:
        line += [(0.1, 0.97), (0.45, 0.95), (0.75, 0.95)]
    return [curve(line, rng, 0.04)]


def _three(rng: np.random.Generator) -> Strokes:
    middle = (between(rng, (0.15, 0.35)), 0.45)
    if happens(rng, 0.3):
        upper = [(0.0, 0.0), (0.6, 0.0), middle]
        return [[*upper, *curve([middle, (0.6, 0.5), (0.65, 0.85), (0.3, 1.02), (0.0, 0.85)], rng)]]
    return [curve([(0.0, 0.15), (0.3, -0.05), (0.6, 0.2), middle, middle, (0.65, 0.65), (0.4, 1.02), (0.0, 0.85)], rng)]


def _five(rng: np.random.Generator) -> Strokes:
    neck = (between(rng, (0.0, 0.2)), 0.42)
    body = curve([neck, (0.45, 0.35), (0.7, 0.65), (0.4, 1.0), (0.0, 0.9)], rng)
    reach = between(rng, (0.5, 1.1))
    if happens(rng, 0.5):
        return [[(reach, around(rng, 0.08)), (0.15, 0.0), *body]]
    return [[(0.18, 0.03), *body], straight([(0.15, 0.0), (reach, 0.0)], rng, 0.08)]


def _six(rng: np.random.Generator) -> Strokes:
    top = (between(rng, (0.25, 0.7)), between(rng, (-0.15, 0.05)))
    end = (between(rng, (0.0, 0.15)), between(rng, (0.6, 0.85)))
    return [curve([top, (0.15, 0.3), (0.0, 0.7), (0.3, 1.03), (0.6, 0.8), (0.4, 0.5), end], rng, 0.04)]


def _eight(rng: np.random.Generator) -> Strokes:
    if happens(rng, 0.2):  # two rings
        high = between(rng, (0.4, 0.55))
        upper = arc(0.3, high / 2, between(rng, (0.35, 0.55)), high, rng, between(rng, (0.9, 1.1)))
        return [upper, arc(0.3, (1 + high) / 2, between(rng, (0.4, 0.7)), 1 - high, rng, between(rng, (0.9, 1.1)))]
    points = [(0.55, 0.1), (0.25, -0.05), (0.05, 0.2), (0.3, 0.45), (0.6, 0.75), (0.3, 1.05), (0.0, 0.8), (0.3, 0.45)]
    end = [(0.55, 0.2), (0.5, 0.05)] if happens(rng, 0.6) else [(0.6, between(rng, (-0.1, 0.15)))]
    return [curve([*points, *end], rng, 0.05)]


def _nine(rng: np.random.Generator) -> Strokes:
    head = [(0.55, 0.1), (0.2, -0.05), (0.0, 0.25), (0.25, 0.48), (0.55, 0.15)]
    kind = rng.integers(4)
    if kind == 0:  # a ring beside a stem
        ring = arc(0.25, 0.25, between(rng, (0.35, 0.6)), 0.5, rng, between(rng, (0.85, 1.1)))
        return [ring, [(0.52, between(rng, (-0.05, 0.2))), (between(rng, (0.35, 0.6)), between(rng, (0.95, 1.25)))]]
    if kind == 1:  # the tail curls to the left
        return [curve([*head, (0.58, 0.7), (0.4, 1.1), (0.0, between(rng, (0.85, 1.1)))], rng, 0.04)]
    return [curve([*head, (0.55, 0.5), (between(rng, (0.3, 0.6)), between(rng, (0.95, 1.25)))], rng, 0.04)]


def _point(rng: np.random.Generator) -> Strokes:
    size = between(rng, (0.005, 0.06))
    x, y = 0.1, 1 - between(rng, (-0.06, 0.12))
    return [curve([(x, y), (x + size, y + around(rng, size)), (x, y + size), (x, y)], rng, 0.005)]


def _comma(rng: np.random.Generator) -> Strokes:
    top = between(rng, (0.82, 1.0))
    return [curve([(0.2, top), (0.22, top + 0.1), (between(rng, (0.0, 0.14)), top + between(rng, (0.2, 0.4)))], rng)]


def _apostrophe(rng: np.random.Generator) -> Strokes:
    top = between(rng, (-0.15, 0.1))
    return [straight([(0.12, top), (between(rng, (0.0, 0.12)), top + between(rng, (0.15, 0.3)))], rng, 0.02)]


def _dash(rng: np.random.Generator) -> Strokes:
    high, long = between(rng, (0.35, 0.75)), between(rng, (0.25, 0.9))
    line = [(0, high), (long / 2, high), (long, high + around(rng, 0.08))]
    return [curve(line, rng, 0.05) if happens(rng, 0.5) else straight(line[::2], rng)]


def _slash(rng: np.random.Generator) -> Strokes:
    wide = between(rng, (0.4, 0.9))
    return [straight([(wide, between(rng, (-0.35, -0.08))), (0, between(rng, (1.08, 1.4)))], rng)]


def _colon(rng: np.random.Generator) -> Strokes:
    high = between(rng, (0.25, 0.5))
    return [[(x, y - 1 + high) for x, y in _point(rng)[0]], _point(rng)[0]]


def _plus(rng: np.random.Generator) -> Strokes:
    high, size = between(rng, (0.45, 0.65)), between(rng, (0.2, 0.38))
    return [
        straight([(-size, high), (size, high)], rng, 0.05),
        straight([(0, high - size), (0, high + size)], rng, 0.05),
    ]


def _equals(rng: np.random.Generator) -> Strokes:
    high, apart, long = between(rng, (0.35, 0.6)), between(rng, (0.14, 0.3)), between(rng, (0.3, 0.7))
    return [straight([(0, y), (long, y)], rng, 0.04) for y in (high, high + apart)]


def _percent(rng: np.random.Generator) -> Strokes:
    size = between(rng, (0.22, 0.36))
    return [
        arc(0.1, 0.2, size, size * 1.2, rng),
        arc(0.65, 0.8, size, size * 1.2, rng),
        straight([(0.7, -0.05), (0.05, 1.05)], rng, 0.05),
    ]


STROKES: dict[str, Callable[[np.random.Generator], Strokes]] = {
    **{str(digit): maker for digit, maker in enumerate(
        (_zero, _one, _two, _three, _four, _five, _six, _seven, _eight, _nine))},
    ".": _point, ",": _comma, "'": _apostrophe, "-": _dash, "/": _slash,
    ":": _colon, "+": _plus, "=": _equals, "%": _percent,
}  # fmt: skip
"""Makers of the strokes of each character that has ink."""


def _scribble(rng: np.random.Generator) -> Strokes:
    points = rng.uniform((0, 0), (between(rng, (0.5, 1.5)), 1), (rng.integers(5, 14), 2))
    return [curve([(x, y) for x, y in points.tolist()], rng)]


def _crossed_out(rng: np.random.Generator) -> Strokes:
    strokes = STROKES[str(rng.integers(10))](rng)
    if happens(rng, 0.4):
        falling, rising = [(-0.1, 0.1), (0.8, 0.9)], [(0.8, 0.1), (-0.1, 0.9)]
        return [*strokes, straight(falling, rng, 0.08), straight(rising, rng, 0.08)]
    if happens(rng, 0.5):
        zigzag = list(zip(np.linspace(-0.1, 0.85, 7).tolist(), [0.15, 0.85] * 3 + [0.15], strict=True))
        return [*strokes, curve(zigzag, rng, 0.08)]
    lines = [straight([(-0.15, y), (0.85, y)], rng, 0.05) for y in (0.3, 0.5, 0.7)[: rng.integers(2, 4)]]
    return [*strokes, *lines]


def _sideways(rng: np.random.Generator) -> Strokes:
    name = str(pick(rng, (2, 3, 4, 5, 7)))
    left = happens(rng, 0.5)
    return [[(y, 1 - x) if left else (1 - y, x) for x, y in stroke] for stroke in STROKES[name](rng)]


def _face(rng: np.random.Generator) -> Strokes:
    size, high = between(rng, (0.02, 0.14)), between(rng, (0.3, 0.45))
    eyes = [arc(x + around(rng, 0.04), high, size, size, rng) for x in (0.33, 0.67)]
    smile = between(rng, (-0.15, 0.2))
    mouth = curve([(0.27, 0.68), (0.5, 0.68 + smile), (0.73, 0.68)], rng)
    nose = [curve([(0.5, 0.45), (0.47, 0.58), (0.54, 0.58)], rng)] if happens(rng, 0.3) else []
    return [arc(0.5, 0.5, between(rng, (0.8, 1.1)), 1, rng), *eyes, mouth, *nose]


def _ring_with_more(rng: np.random.Generator) -> Strokes:
    """Draw a ring with a stem through it, an arrow at its end, or some lines in it, as no zero has."""
    wide = between(rng, (0.6, 1.1))
    kind = rng.integers(4)
    if kind == 0:  # a stem through the middle
        return [arc(0.5, 0.5, wide, between(rng, (0.6, 0.9)), rng), straight([(0.5, -0.05), (0.5, 1.05)], rng)]
    if kind == 1:  # an arrow that turns
        angles = np.linspace(0, between(rng, (4.2, 5.6)), 40) + between(rng, (0, 6))
        turn = [(0.5 + wide / 2 * math.cos(a), 0.5 + 0.5 * math.sin(a)) for a in angles.tolist()]
        (x, y), head = turn[-1], between(rng, (0.15, 0.3))
        return [turn, straight([(x - head, y - 0.1), (x, y), (x + 0.1, y - head)], rng, 0.06)]
    if kind == 2:  # feet below an open ring
        angles = np.linspace(0.7, 2 * math.pi - 0.7, 40)
        ring = [(0.5 - 0.45 * math.sin(a), 0.45 + 0.45 * math.cos(a)) for a in angles.tolist()]
        return [[(-0.1, 1.0), (ring[-1][0], 1.0), *ring[::-1], (ring[0][0], 1.0), (1.1, 1.0)]]
    lines = [straight(rng.uniform(0.2, 0.8, (2, 2)).tolist(), rng) for _ in range(rng.integers(2, 5))]
    return [arc(0.5, 0.5, wide, 1, rng), *lines]


def _fork_or_zigzag(rng: np.random.Generator) -> Strokes:
    if happens(rng, 0.5):  # a bowl with a stem
        bowl = curve([(0.0, around(rng, 0.1)), (0.05, 0.5), (0.45, 0.65), (0.85, 0.5), (0.9, around(rng, 0.1))], rng)
        return [bowl, straight([(0.45, around(rng, 0.1)), (0.45, between(rng, (0.9, 1.1)))], rng)]
    middle = (between(rng, (0.3, 0.6)), between(rng, (0.4, 0.6)))
    return [straight([(0.8, 0.0), (0.0, 0.0), middle, (0.0, 1.0), (0.8, 1.0)], rng, 0.06)]


def _unknown_character(rng: np.random.Generator) -> Strokes:
    """Draw some lines and arcs side by side and across each other, as in a script that nobody knows."""
    strokes = []
    for _ in range(rng.integers(3, 6)):
        if happens(rng, 0.4):
            x, y = rng.uniform(0.1, 0.8, 2).tolist()
            strokes.append(arc(x, y, between(rng, (0.2, 0.8)), between(rng, (0.2, 0.8)), rng, between(rng, (0.3, 1))))
        else:
            points = rng.uniform((0, 0), (0.9, 1), (rng.integers(2, 4), 2))
            strokes.append(straight(points.tolist(), rng))
    return strokes


def _heart(rng: np.random.Generator) -> Strokes:
    half = [(0.5, 0.3), (0.3, 0.0), (0.0, 0.15), (0.1, 0.55), (0.5, 1.0)]
    return [curve(half, rng, 0.02), curve([(1 - x, y) for x, y in half], rng, 0.02)]


def _star(rng: np.random.Generator) -> Strokes:
    return [[(0.5 + 0.5 * math.sin(a), 0.5 - 0.5 * math.cos(a)) for a in np.arange(6) * 4 * math.pi / 5]]


def _polygon(rng: np.random.Generator) -> Strokes:
    corners = int(rng.integers(3, 6))
    start = between(rng, (0, 6))
    angles = [start + 6.283 * index / corners for index in range(corners + 1)]
    return [[(0.5 + 0.5 * math.cos(a), 0.5 + 0.5 * math.sin(a)) for a in angles]]


def _cross(rng: np.random.Generator) -> Strokes:
    return [straight([(0, 0), (0.8, 1)], rng, 0.06), straight([(0.8, 0), (0, 1)], rng, 0.06)]


def _arrow_or_tick(rng: np.random.Generator) -> Strokes:
    if happens(rng, 0.5):
        return [[(0, 0.5), (1, 0.5)], [(0.7, 0.25), (1, 0.5), (0.7, 0.75)]]
    return [straight([(0, 0.6), (0.3, 1), (0.9, 0)], rng, 0.08)]


def _spiral(rng: np.random.Generator) -> Strokes:
    angles = np.linspace(0, between(rng, (12, 22)), 60).tolist()
    return [[(0.5 + a / 44 * math.cos(a), 0.5 + a / 44 * math.sin(a)) for a in angles]]


def _wave(rng: np.random.Generator) -> Strokes:
    return [curve([(0.05 + 0.2 * i, 0.2 if i % 2 else 0.9) for i in range(rng.integers(4, 8))], rng, 0.1)]


def _shape(rng: np.random.Generator) -> Strokes:
    makers = (_face, _face, _ring_with_more, _ring_with_more, _fork_or_zigzag, _heart, _star, _polygon, _cross)
    return pick(rng, (*makers, _arrow_or_tick, _spiral, _wave))(rng)


def _letter(rng: np.random.Generator) -> Strokes:
    """Trace the outline of a letter of a typeface, slanted and stretched a little."""
    name = pick(rng, LETTERS)
    mask = np.zeros((160, 160), np.uint8)
    face = pick(rng, (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX))
    cv2.putText(mask, name, (30, 110), face, 3, 255, 1)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    bend = rng.uniform(-0.12, 0.12, (2, 2)) + np.eye(2)
    return [[(x, y) for x, y in ((outline[:, 0] - (30, 45)) / 65 @ bend).tolist()] for outline in outlines]


def other_mark(rng: np.random.Generator) -> Strokes:
    """Draw a mark that is neither a digit nor a sign: a letter, a shape, a scribble, a digit crossed out or lying."""
    makers = (_scribble, _crossed_out, _crossed_out, _sideways, _shape, _shape, _shape, _letter, _letter)
    return pick(rng, (*makers, _unknown_character))(rng)
