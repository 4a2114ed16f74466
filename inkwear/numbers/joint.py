"""Which string a line shows: the candidates of ``inkwear.numbers.segment`` and a reader of the whole line agree on one.

The reader (``training.train_line_reader``) gives for every step along a line the probabilities of the classes and of a blank
(connectionist temporal classification: Graves, Fernández, Gomez, Schmidhuber, "Labelling unsegmented sequence data with
recurrent neural networks", 2006). It sees digits in their company but not where they end; candidates are the reverse.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkwear.numbers.ctc import KEPT, String, beam, log_likelihoods, log_softmax
from inkwear.numbers.score import WEIGHTS, Line, cost, credit
from inkwear.preprocess.spec import Floats

KIND = "line reader"
"""What the metadata of a reader's file say it is; it is no model to choose."""


TRUST, TRUST_WHERE_CUT = 0.5, 2.5
"""Nats of the candidates' score that a nat of the reader is worth, the latter where the candidates' own best path cuts
through ink. Found on simulated numbers of validation images (300 touching, 850 apart)."""

SHARPNESS = 0.2
"""Factor of the joint score that makes strings' probabilities of it, found likewise by their likelihood."""


@dataclass(frozen=True)
class Reading:
    """What a line is taken for.

    Attributes:
        classes: the string.
        path: index among the line's candidates of each digit.
        worth: the candidates' score of that path, in nats.
        read: log-probability of the string for the reader, in nats.
        one: for each class the log-probability that it stands there alone, for the reader.
        trust: nats of ``worth`` for a nat of ``read``.
        sure: for each digit how probable it is, all strings that were thought of taken together.
    """

    classes: String
    path: tuple[int, ...]
    worth: float
    read: float
    one: tuple[float, ...]
    trust: float
    sure: tuple[float, ...]


def read_line(
    line: Line,
    logits: Floats,
    steps: Floats,
    temperature: float = 1,
    trust: float | None = None,
    sharp: float = SHARPNESS,
) -> Reading | None:
    """Find the string on which candidates and reader agree best; None where the candidates cover no string.

    Args:
        line: as ``inkwear.numbers.segment.split`` gives it.
        logits: (candidates, classes) of the network that reads digits.
        steps: (T, classes + 1) logits of the reader, the blank last.
        temperature: of ``logits``.
        trust: in place of ``TRUST`` and ``TRUST_WHERE_CUT``.
        sharp: as ``SHARPNESS``.
    """
    worths = class_worths(line, logits, temperature)
    read_steps = log_softmax(steps)
    strings = sorted(likely_strings(line, worths) | beam(read_steps))
    if not strings:
        return None
    scores, paths = align(line, worths, strings)
    read = log_likelihoods(read_steps, strings)
    if not np.isfinite(scores.max()):
        return None
    if trust is None:
        is_cut = any(line.candidates[index].cut for index in paths[int(np.argmax(scores))])
        trust = TRUST_WHERE_CUT if is_cut else TRUST
    joint = scores + trust * read
    best = int(np.argmax(joint))
    one = tuple(log_likelihoods(read_steps, [(label,) for label in range(logits.shape[1])]).tolist())
    shares = np.exp(sharp * (joint - joint.max()))
    sure = agreement(strings[best], strings, shares / shares.sum())
    return Reading(strings[best], paths[best], float(scores[best]), float(read[best]), one, trust, sure)


def class_worths(line: Line, logits: Floats, temperature: float) -> NDArray[np.float64]:
    """How well each candidate reads as each class, in nats: (candidates, classes)."""
    scaled = logits.astype(np.float64) / temperature
    odds = np.empty_like(scaled)
    for label in range(scaled.shape[1]):
        odds[:, label] = scaled[:, label] - np.logaddexp.reduce(np.delete(scaled, label, axis=1), axis=1)
    costs = np.array([cost(candidate) for candidate in line.candidates])
    return credit(odds) - costs[:, None]


def likely_strings(line: Line, worths: NDArray[np.float64]) -> set[String]:
    """The strings that the candidates read best, each candidate as one of its two likeliest classes."""
    best: list[dict[String, float]] = [{} for _ in range(line.pieces + 1)]
    best[0][()] = 0.0
    into = _by_end(line)
    two = np.argsort(-worths, axis=1, kind="stable")[:, :2].tolist()
    for end in range(1, line.pieces + 1):
        found: dict[String, float] = {}
        dirt = WEIGHTS.dirt * line.dirt[end - 1]
        if math.isfinite(dirt):
            found = {string: worth - dirt for string, worth in best[end - 1].items()}
        for index in into[end]:
            for label in two[index]:
                gain = worths[index, label]
                for string, worth in best[line.candidates[index].first].items():
                    longer = (*string, label)
                    if worth + gain > found.get(longer, -math.inf):
                        found[longer] = worth + gain
        best[end] = dict(sorted(found.items(), key=lambda item: -item[1])[:KEPT])
    return set(best[-1]) - {()}


def align(
    line: Line, worths: NDArray[np.float64], strings: Sequence[String]
) -> tuple[NDArray[np.float64], list[tuple[int, ...]]]:
    """Find for each string the best path of candidates that spells it.

    Returns:
        worths: (n,) their scores, -inf where there is no path.
        paths: the candidates' indices, from left to right; empty where there is no path.
    """
    longest = max(map(len, strings))
    spelled = np.full((len(line.candidates), len(strings), longest), -np.inf)
    for row, string in enumerate(strings):
        spelled[:, row, : len(string)] = worths[:, list(string)]
    best = np.full((line.pieces + 1, len(strings), longest + 1), -np.inf)
    best[0, :, 0] = 0
    came = np.full(best.shape, -1)
    into = _by_end(line)
    for end in range(1, line.pieces + 1):
        best[end] = best[end - 1] - WEIGHTS.dirt * line.dirt[end - 1]
        for index in into[end]:
            worth = best[line.candidates[index].first, :, :-1] + spelled[index]
            better = worth > best[end, :, 1:]
            np.copyto(best[end, :, 1:], worth, where=better)
            np.copyto(came[end, :, 1:], index, where=better)
    ends = best[-1, np.arange(len(strings)), [len(string) for string in strings]]
    paths = [
        _path(line, came[:, row], len(string)) if math.isfinite(ends[row]) else () for row, string in enumerate(strings)
    ]
    return ends, paths


def _path(line: Line, came: NDArray[np.intp], length: int) -> tuple[int, ...]:
    """Go back from the end of a line: ``came`` (ends, length + 1) is a candidate, or -1 where a piece was left out."""
    path, end = [], line.pieces
    while end:
        index = int(came[end, length])
        if index < 0:
            end -= 1
        else:
            path.append(index)
            end, length = line.candidates[index].first, length - 1
    return tuple(path[::-1])


def _by_end(line: Line) -> list[list[int]]:
    """Indices of the candidates that end at each place."""
    into: list[list[int]] = [[] for _ in range(line.pieces + 1)]
    for index, candidate in enumerate(line.candidates):
        into[candidate.last].append(index)
    return into


def agreement(chosen: String, strings: Sequence[String], shares: NDArray[np.float64]) -> tuple[float, ...]:
    """For each digit of a string the share of all strings that have it too, counted from the left or from the right."""
    sure = np.zeros(len(chosen))
    for string, share in zip(strings, shares, strict=True):
        for place in range(len(chosen)):
            rest = len(chosen) - place
            if string[: place + 1] == chosen[: place + 1] or string[-rest:] == chosen[place:]:
                sure[place] += share
    return tuple(np.minimum(sure, 1).tolist())
