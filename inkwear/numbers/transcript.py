"""What the reader of lines says of a line: its characters, where each stands, and how probable its digits are."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from inkwear.numbers.ctc import beam_search, log_likelihoods, log_softmax
from inkwear.numbers.line_image import Strip
from inkwear.numbers.line_reader import STEP, UNKNOWN, LineReader

IN_SUMS = re.compile(r"[+=%].*\d|\d.*[+%]|\d-\d+=|^-\d")
"""Texts whose dashes are signs: 3+4, 12-5=8, -7; not 20-12-31, nor 1.200-, nor 1.200=, which ends an amount."""

SURE = 0.95
"""Probability of the likeliest classes' digits from which no others are searched for."""


@dataclass(frozen=True)
class Sign:
    """A character of a line.

    Attributes:
        name: the character.
        class_id: of a digit; None for a sign.
        start, end: columns of the ink's map between which it was read.
        p: probability of its class where it is clearest.
    """

    name: str
    class_id: int | None
    start: float
    end: float
    p: float


@dataclass(frozen=True, eq=False)
class Transcript:
    """A line as it is read.

    Attributes:
        signs: from left to right.
        string: class ids of its digits; an unknown mark is the id after the last class.
        p: probability that its digits and unknown marks are these, whatever other signs stand among them.
        steps: (T, classes + 2) log-probabilities in nats of the digits, of an unknown mark, and of all else.
    """

    signs: tuple[Sign, ...]
    string: tuple[int, ...]
    p: float
    steps: NDArray[np.float64]

    @property
    def text(self) -> str:
        """All characters, as the reader has them."""
        return self.spelled(sign.name for sign in self.digits)

    def spelled(self, digits: Iterable[str]) -> str:
        """Return all characters with other digits; a dash is a minus in sums, and before a number that stands alone."""
        names = iter(digits)
        text = "".join(sign.name if sign.class_id is None else next(names) for sign in self.signs).strip()
        return text.replace("-", "\N{MINUS SIGN}") if IN_SUMS.search(text) else text

    @property
    def digits(self) -> list[Sign]:
        return [sign for sign in self.signs if sign.class_id is not None]


def transcribe(strip: Strip, reader: LineReader) -> Transcript:
    """Read a strip."""
    logits = log_softmax(reader.read(strip.pixels))
    steps = digits_alone(logits, len(reader.alphabet))
    signs = _signs(logits, strip, reader)
    string = _string(signs, reader)
    p = _probability(steps, string)
    if p < SURE:
        strings = sorted(beam_search(steps))
        likelihoods = log_likelihoods(steps, strings) if strings else np.array([-np.inf])
        best = int(np.argmax(likelihoods))
        if likelihoods[best] > np.log(max(p, 1e-300)) and strings[best] != string:
            string, p = strings[best], float(np.exp(likelihoods[best]))
            signs = _aligned(steps, string, strip, reader)
    return Transcript(tuple(signs), string, min(p, 1.0), steps)


def _string(signs: list[Sign], reader: LineReader) -> tuple[int, ...]:
    other = len(reader.alphabet)
    ids = [other if sign.name == UNKNOWN else sign.class_id for sign in signs]
    return tuple(each for each in ids if each is not None)


def _probability(steps: NDArray[np.float64], string: tuple[int, ...]) -> float:
    return float(np.exp(log_likelihoods(steps, [string])[0] if string else steps[:, -1].sum()))


def digits_alone(logits: NDArray[np.float64], classes: int) -> NDArray[np.float64]:
    """Count all signs but the unknown mark as blanks: (T, classes + signs + 1) -> (T, classes + 2), in nats."""
    other = logits.shape[1] - 2
    rest = np.logaddexp.reduce(logits[:, [*range(classes, other), other + 1]], axis=1)
    return np.column_stack([logits[:, :classes], logits[:, other], rest])


def _signs(logits: NDArray[np.float64], strip: Strip, reader: LineReader) -> list[Sign]:
    """List the runs of likeliest classes."""
    names = reader.alphabet + reader.signs
    best = logits.argmax(axis=1)
    edges = [0, *(np.flatnonzero(np.diff(best)) + 1).tolist(), len(best)]
    return [
        _sign(int(best[start]), start, end, float(np.exp(logits[start:end, best[start]].max())), strip, names, reader)
        for start, end in pairwise(edges)
        if best[start] < len(names)
    ]


def _sign(label: int, start: int, end: int, p: float, strip: Strip, names: str, reader: LineReader) -> Sign:
    class_id = label if label < len(reader.alphabet) else None
    return Sign(names[label], class_id, strip.column(start * STEP), strip.column(end * STEP), p)


def _aligned(steps: NDArray[np.float64], string: tuple[int, ...], strip: Strip, reader: LineReader) -> list[Sign]:
    """Find the likeliest steps of a string (Viterbi): each character and blanks between."""
    blank = steps.shape[1] - 1
    states = np.full(2 * len(string) + 1, blank)
    states[1::2] = string
    scores = np.full(len(states), -np.inf)
    scores[0], scores[1] = steps[0, blank], steps[0, states[1]]
    back = np.zeros((len(steps), len(states)), int)
    skip = np.zeros(len(states), bool)
    skip[3::2] = states[3::2] != states[1:-2:2]
    for time in range(1, len(steps)):
        moves = np.stack(
            [scores, np.r_[-np.inf, scores[:-1]], np.where(skip, np.r_[-np.inf, -np.inf, scores[:-2]], -np.inf)]
        )
        back[time] = moves.argmax(axis=0)
        scores = moves.max(axis=0) + steps[time, states]
    state = len(states) - 1 if scores[-1] >= scores[-2] else len(states) - 2
    path = []
    for time in range(len(steps) - 1, -1, -1):
        path.append(state)
        state -= int(back[time, state])
    path.reverse()
    names = reader.alphabet + UNKNOWN
    signs = []
    for index, label in enumerate(string):
        at = [time for time, state in enumerate(path) if state == 2 * index + 1]
        if at:
            p = float(np.exp(steps[at, label].max()))
            signs.append(_sign(label, at[0], at[-1] + 1, p, strip, names, reader))
    return signs
