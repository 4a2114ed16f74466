"""Shapes of digits that MNIST hardly shows: allographs of other schools of handwriting, as on checks and forms.

Each is drawn as strokes, different each time. Some look like letters or signs, a 9 like a P, a 5 like a check mark, so
that only the other digits of a number tell what they are.
"""

from collections.abc import Callable, Mapping

import numpy as np

from training.simulator.chance import around, between, happens
from training.simulator.strokes import Strokes, arc, curve, straight

Maker = Callable[[np.random.Generator], Strokes]


def _zero_with_tail(rng: np.random.Generator) -> Strokes:
    start = (0.45, between(rng, (-0.05, 0.15)))
    loop = [start, (0.1, 0.05), (0.0, 0.6), (0.3, 1.02), (0.62, 0.6), (0.5, 0.0)]
    tail = [(0.35, between(rng, (-0.05, 0.2))), (between(rng, (0.7, 1.1)), between(rng, (-0.05, 0.3)))]
    return [curve([*loop, *tail], rng, 0.05)]


def _zero_open(rng: np.random.Generator) -> Strokes:
    if happens(rng, 0.5):  # at the left
        return [curve([(0.0, 0.2), (0.3, -0.02), (0.6, 0.35), (0.5, 0.9), (0.2, 1.02), (0.0, 0.8)], rng, 0.05)]
    return [curve([(0.35, 0.1), (0.0, 0.1), (0.0, 0.8), (0.3, 1.05), (0.65, 0.8), (0.6, 0.05)], rng, 0.06)]


def _one_from_the_baseline(rng: np.random.Generator) -> Strokes:
    top, lean = (0.6, 0.0), around(rng, 0.15)
    start = (0.6 - between(rng, (0.35, 0.9)), between(rng, (0.6, 1.05)))
    return [straight([start, top, (0.5 - lean, 1.0)], rng, 0.02)]


def _one_with_loop(rng: np.random.Generator) -> Strokes:
    start = (0.0, between(rng, (0.4, 0.8)))
    top = [(0.42, between(rng, (0.0, 0.15))), (0.36, -0.08), (0.25, between(rng, (0.05, 0.2)))]
    return [curve([start, *top, (0.2, 0.6), (0.22, 0.98), (between(rng, (0.25, 0.5)), 0.92)], rng, 0.03)]


def _one_with_hook(rng: np.random.Generator) -> Strokes:
    foot = curve([(0.3, 0.7), (0.28, 0.98), (between(rng, (-0.1, 0.15)), between(rng, (0.9, 1.05)))], rng)
    return [[*straight([(0.05, between(rng, (0.05, 0.3))), (0.3, 0.0)], rng), *foot]]


def _two_narrow(rng: np.random.Generator) -> Strokes:
    wide = between(rng, (0.3, 0.55))
    head = [(0.0, between(rng, (0.2, 0.45))), (0.05, 0.0), (0.8 * wide, -0.05), (wide, 0.25), (0.5 * wide, 0.65)]
    foot = [(0.0, 0.97), (0.15, between(rng, (0.85, 0.97))), (between(rng, (0.4, 0.8)), between(rng, (0.9, 1.02)))]
    return [curve([*head, *foot], rng, 0.04)]


def _two_with_loops(rng: np.random.Generator) -> Strokes:
    head = [(0.25, between(rng, (0.25, 0.45))), (0.02, 0.3), (0.08, 0.0), (0.42, -0.02), (0.45, 0.35), (0.2, 0.8)]
    foot = [(0.02, 1.0), (-0.08, 0.85), (0.12, 0.8), (0.35, 1.0), (between(rng, (0.5, 0.85)), between(rng, (0.8, 1.0)))]
    if happens(rng, 0.4):
        foot = [(0.05, 0.98), (between(rng, (0.4, 0.7)), 0.95)]
    return [curve([*head, *foot], rng, 0.04)]


def _three_with_loop(rng: np.random.Generator) -> Strokes:
    upper = [(0.0, between(rng, (0.0, 0.2))), (0.35, -0.05), (0.5, 0.2), (0.2, 0.48)]
    knot = [(0.08, between(rng, (0.36, 0.45))), (0.22, 0.38)]
    return [curve([*upper, *knot, (0.55, 0.65), (0.35, 1.02), (between(rng, (-0.15, 0.1)), 0.9)], rng, 0.04)]


def _three_of_corners(rng: np.random.Generator) -> Strokes:
    knee = (between(rng, (0.1, 0.3)), between(rng, (0.35, 0.5)))
    roof = straight([(0.0, around(rng, 0.05)), (0.55, around(rng, 0.05)), knee], rng)
    return [[*roof, *curve([knee, (0.6, 0.5), (0.55, 0.9), (0.2, between(rng, (1.0, 1.25))), (-0.05, 1.0)], rng)]]


def _four_like_lightning(rng: np.random.Generator) -> Strokes:
    bar, right = between(rng, (0.4, 0.65)), between(rng, (0.3, 0.6))
    start, corner = (between(rng, (0.15, 0.45)), around(rng, 0.08)), (around(rng, 0.06), bar)
    turn = (right, bar - between(rng, (-0.05, 0.15)))
    foot = (right + between(rng, (-0.25, 0.05)), between(rng, (0.9, 1.2)))
    if happens(rng, 0.6):
        return [straight([start, corner, turn, foot], rng)]
    return [straight([start, corner, turn], rng), straight([(right, bar - between(rng, (0, 0.2))), foot], rng)]


def _four_like_y(rng: np.random.Generator) -> Strokes:
    bowl = [(between(rng, (-0.05, 0.1)), around(rng, 0.1)), (0.02, between(rng, (0.3, 0.5))), (0.2, 0.5), (0.5, 0.4)]
    top = (between(rng, (0.45, 0.65)), around(rng, 0.12))
    foot = (between(rng, (0.1, 0.5)), between(rng, (0.95, 1.3)))
    if happens(rng, 0.5):
        return [curve(bowl, rng), straight([top, foot], rng)]
    return [[*curve([*bowl[:3], top], rng), *straight([foot], rng)]]


def _four_like_h(rng: np.random.Generator) -> Strokes:
    bar = between(rng, (0.5, 0.75))
    corner = [(between(rng, (0.0, 0.25)), around(rng, 0.06)), (0.0, bar), (between(rng, (0.5, 0.75)), bar)]
    cross = between(rng, (0.3, 0.5))
    corner = curve(corner, rng) if happens(rng, 0.5) else straight(corner, rng)
    return [corner, straight([(cross, bar - between(rng, (0.05, 0.35))), (cross, 1.02)], rng, 0.06)]


def _five_like_a_tick(rng: np.random.Generator) -> Strokes:
    top = (between(rng, (0.3, 0.5)), around(rng, 0.08))
    bar = (between(rng, (0.6, 1.0)), around(rng, 0.08))
    return [straight([(0.0, between(rng, (0.35, 0.75))), (between(rng, (0.08, 0.2)), 1.0), top, bar], rng)]


def _five_like_s(rng: np.random.Generator) -> Strokes:
    top = (between(rng, (0.45, 0.8)), between(rng, (-0.05, 0.1)))
    end = (between(rng, (-0.15, 0.05)), between(rng, (0.8, 1.0)))
    return [curve([top, (0.15, -0.02), (0.05, 0.3), (0.35, 0.45), (0.5, 0.75), (0.25, 1.02), end], rng, 0.04)]


def _five_like_j(rng: np.random.Generator) -> Strokes:
    start = (between(rng, (0.3, 0.5)), around(rng, 0.05))
    body = curve([start, (0.25, 0.35), (0.4, 0.6), (0.3, 1.0), (between(rng, (-0.15, 0.05)), 0.95)], rng, 0.04)
    return [body, straight([start, (between(rng, (0.65, 1.1)), around(rng, 0.08))], rng)]


def _six_like_b(rng: np.random.Generator) -> Strokes:
    top = (between(rng, (0.15, 0.6)), between(rng, (-0.3, 0.0)))
    bowl = [(0.02, 0.65), (0.1, 1.02), (0.45, 0.95), (0.45, between(rng, (0.5, 0.7))), (0.2, between(rng, (0.5, 0.7)))]
    return [curve([top, *bowl, (0.05, between(rng, (0.65, 0.85)))], rng, 0.04)]


def _six_open(rng: np.random.Generator) -> Strokes:
    top = (between(rng, (0.25, 0.6)), between(rng, (-0.1, 0.1)))
    small = between(rng, (0.62, 0.75))
    end = (between(rng, (0.2, 0.35)), between(rng, (0.75, 0.9)))
    return [curve([top, (0.0, 0.5), (0.15, 1.0), (0.5, 0.95), (0.45, small), end], rng, 0.05)]


def _seven_like_plus(rng: np.random.Generator) -> Strokes:
    high, foot = between(rng, (0.35, 0.55)), between(rng, (0.15, 0.4))
    roof = [(0.4 - between(rng, (0.05, 0.35)), between(rng, (-0.02, 0.15))), (0.42, 0.0)]
    bar = [(between(rng, (-0.05, 0.15)), high), (between(rng, (0.55, 0.85)), high + around(rng, 0.1))]
    return [straight([*roof, (foot, between(rng, (0.95, 1.2)))], rng), straight(bar, rng)]


def _seven_with_serif(rng: np.random.Generator) -> Strokes:
    roof = [(0.0, between(rng, (0.15, 0.55))), (0.03, 0.02), (0.3, between(rng, (0.0, 0.15))), (0.6, 0.0)]
    roof = curve(roof, rng) if happens(rng, 0.6) else straight(roof, rng)
    strokes = [[*roof, *curve([(0.58, 0.05), (0.35, 0.5), (0.25, between(rng, (0.95, 1.25)))], rng)]]
    if happens(rng, 0.7):
        high = between(rng, (0.4, 0.6))
        strokes.append(straight([(0.1, high), (between(rng, (0.55, 0.8)), high)], rng, 0.08))
    return strokes


def _eight_from_an_s(rng: np.random.Generator) -> Strokes:
    start = (between(rng, (0.4, 0.65)), between(rng, (0.05, 0.3)))
    down = [start, (0.4, -0.05), (0.05, 0.1), (0.2, 0.42), (0.52, 0.7), (0.3, 1.03), (0.0, 0.85), (0.2, 0.5)]
    return [curve([*down, (between(rng, (0.45, 0.75)), between(rng, (-0.1, 0.15)))], rng, 0.05)]


def _eight_like_b(rng: np.random.Generator) -> Strokes:
    stem = straight([(0.05, 0.0), (0.03, 1.0)], rng)
    upper = [(0.05, 0.02), (0.5, 0.0), (0.45, 0.4), (0.1, between(rng, (0.42, 0.5)))]
    return [stem, curve([*upper, (0.6, 0.55), (0.55, 1.0), (0.02, 1.0)], rng, 0.04)]


def _nine_like_a_question_mark(rng: np.random.Generator) -> Strokes:
    start = (between(rng, (-0.02, 0.25)), between(rng, (0.25, 0.6)))
    right = between(rng, (0.4, 0.65))
    head = [start, (0.02, 0.05), (0.25, -0.08), (right, 0.1), (right - 0.05, between(rng, (0.35, 0.5)))]
    stem = between(rng, (0.1, 0.35))
    return [curve([*head, (stem, 0.5), (stem, 0.7), (stem - around(rng, 0.1), between(rng, (0.95, 1.25)))], rng, 0.03)]


def _nine_like_p(rng: np.random.Generator) -> Strokes:
    left = around(rng, 0.08)
    bowl = [(left, between(rng, (0.0, 0.2))), (0.3, -0.08), (between(rng, (0.45, 0.65)), 0.15), (0.4, 0.48)]
    stem = [(left + 0.05, around(rng, 0.08)), (left + around(rng, 0.12), between(rng, (0.95, 1.3)))]
    return [curve([*bowl, (between(rng, (0.0, 0.2)), between(rng, (0.4, 0.6)))], rng), straight(stem, rng)]


def _nine_of_a_ring(rng: np.random.Generator) -> Strokes:
    size, left = between(rng, (0.25, 0.5)), between(rng, (0.1, 0.4))
    ring = arc(left, size / 2, size, size, rng, between(rng, (0.9, 1.1)))
    return [ring, straight([(left + size / 2, size / 2), (left + between(rng, (-0.1, 0.3)), 1.1)], rng)]


def _nine_like_koppa(rng: np.random.Generator) -> Strokes:
    wide, high = between(rng, (0.35, 0.7)), between(rng, (0.38, 0.6))
    start = (between(rng, (0.0, 0.3)) * wide, between(rng, (0.6, 0.95)) * high)
    round_head = [(0.0, 0.4 * high), (0.35 * wide, -0.06), (wide, 0.15 * high), (0.95 * wide, 0.8 * high)]
    neck = (between(rng, (0.35, 0.7)) * wide, high)
    end = (neck[0] + around(rng, 0.15), between(rng, (0.95, 1.25)))
    if happens(rng, 0.5):  # in one line
        return [curve([start, *round_head, neck, (neck[0], between(rng, (0.6, 0.75))), end], rng, 0.03)]
    closing = (between(rng, (0.0, 0.3)) * wide, between(rng, (0.85, 1.0)) * high)
    return [curve([start, *round_head, neck, closing], rng, 0.03), straight([neck, end], rng)]


ALLOGRAPHS: Mapping[str, tuple[Maker, ...]] = {
    "0": (_zero_with_tail, _zero_open),
    "1": (_one_from_the_baseline, _one_with_loop, _one_with_hook),
    "2": (_two_narrow, _two_with_loops),
    "3": (_three_with_loop, _three_of_corners),
    "4": (_four_like_lightning, _four_like_y, _four_like_h),
    "5": (_five_like_a_tick, _five_like_s, _five_like_j),
    "6": (_six_like_b, _six_open),
    "7": (_seven_like_plus, _seven_with_serif),
    "8": (_eight_from_an_s, _eight_like_b),
    "9": (_nine_like_a_question_mark, _nine_like_p, _nine_of_a_ring, _nine_like_koppa),
}
"""Makers of the shapes of each digit."""
