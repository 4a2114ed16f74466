"""Finds the string of a line on which its candidates (``inkwear.numbers.segment``) and a reader of the line agree.

The reader (``training.train_line_reader``) gives the probabilities of the classes and of a blank for every step along
a line (``inkwear.numbers.ctc``). It sees digits in context but not where they end; with candidates it is the reverse.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkwear.numbers.ctc import BEAM_WIDTH, String, beam_search, log_likelihoods, log_softmax
from inkwear.numbers.score import WEIGHTS, Line, cost, credit
from inkwear.preprocess.spec import Floats

TRUST, TRUST_IN_CUTS = 0.5, 2.5
"""Nats of the candidates' score that equal a nat of the reader, in general and where the candidates' best path cuts
through ink. Found on simulated numbers of validation images (300 touching, 850 apart)."""

SHARPNESS = 0.2
"""Factor of the joint score whose exponential is proportional to a string's probability, found on the same images."""


@dataclass(frozen=True)
class Reading:
    """How a line is read.

    Attributes:
        classes: the string.
        path: index of each digit among the line's candidates.
        score: the candidates' score of that path, in nats.
        log_p: log-probability of the string for the reader, in nats.
        log_p_of_one: log-probability for the reader that each class stands there alone, in nats.
        trust: nats of ``score`` that equal a nat of ``log_p``.
        confidences: how probable each digit is, over all strings that were considered.
    """

    classes: String
    path: tuple[int, ...]
    score: float
    log_p: float
    log_p_of_one: tuple[float, ...]
    trust: float
    confidences: tuple[float, ...]


def read_line(
    line: Line,
    logits: Floats,
    steps: Floats,
    temperature: float = 1,
    trust: float | None = None,
    sharpness: float = SHARPNESS,
) -> Reading | None:
    """Find the string on which candidates and reader agree best; None if the candidates spell none.

    Args:
        line: from ``inkwear.numbers.segment.split``.
        logits: (candidates, classes) of the network that reads digits.
        steps: (T, classes + 1) logits of the reader, the blank last.
        temperature: of ``logits``.
        trust: instead of ``TRUST`` and ``TRUST_IN_CUTS``.
        sharpness: of the joint score.
    """
    by_class = class_scores(line, logits, temperature)
    log_steps = log_softmax(steps)
    strings = sorted(likely_strings(line, by_class) | beam_search(log_steps))
    if not strings:
        return None
    scores, paths = align(line, by_class, strings)
    log_p = log_likelihoods(log_steps, strings)
    if not np.isfinite(scores.max()):
        return None
    if trust is None:
        is_cut = any(line.candidates[index].cut for index in paths[int(np.argmax(scores))])
        trust = TRUST_IN_CUTS if is_cut else TRUST
    joint = scores + trust * log_p
    best = int(np.argmax(joint))
    log_p_of_one = tuple(log_likelihoods(log_steps, [(label,) for label in range(logits.shape[1])]).tolist())
    shares = np.exp(sharpness * (joint - joint.max()))
    confidences = agreement(strings[best], strings, shares / shares.sum())
    return Reading(
        strings[best], paths[best], float(scores[best]), float(log_p[best]), log_p_of_one, trust, confidences
    )


def class_scores(line: Line, logits: Floats, temperature: float) -> NDArray[np.float64]:
    """Score how well each candidate reads as each class, in nats: (candidates, classes).

    Args:
        line: with the candidates.
        logits: (candidates, classes).
        temperature: of ``logits``.
    """
    scaled = logits.astype(np.float64) / temperature
    odds = np.empty_like(scaled)
    for label in range(scaled.shape[1]):
        odds[:, label] = scaled[:, label] - np.logaddexp.reduce(np.delete(scaled, label, axis=1), axis=1)
    costs = np.array([cost(candidate) for candidate in line.candidates])
    return credit(odds) - costs[:, None]


def likely_strings(line: Line, by_class: NDArray[np.float64]) -> set[String]:
    """Find the strings that the candidates read best, each candidate as one of its two likeliest classes."""
    best: list[dict[String, float]] = [{} for _ in range(line.pieces + 1)]
    best[0][()] = 0.0
    incoming = _by_end(line)
    two = np.argsort(-by_class, axis=1, kind="stable")[:, :2].tolist()
    for end in range(1, line.pieces + 1):
        found: dict[String, float] = {}
        speckle_cost = WEIGHTS.speckle * line.speckles[end - 1]
        if math.isfinite(speckle_cost):
            found = {string: total - speckle_cost for string, total in best[end - 1].items()}
        for index in incoming[end]:
            for label in two[index]:
                gain = by_class[index, label]
                for string, total in best[line.candidates[index].first].items():
                    longer = (*string, label)
                    if total + gain > found.get(longer, -math.inf):
                        found[longer] = total + gain
        best[end] = dict(sorted(found.items(), key=lambda item: -item[1])[:BEAM_WIDTH])
    return set(best[-1]) - {()}


def align(
    line: Line, by_class: NDArray[np.float64], strings: Sequence[String]
) -> tuple[NDArray[np.float64], list[tuple[int, ...]]]:
    """Find the best path of candidates that spells each string.

    Args:
        line: with the candidates.
        by_class: from ``class_scores``.
        strings: to spell.

    Returns:
        scores: (n,), -inf if there is no path.
        paths: indices of candidates from left to right; empty if there is no path.
    """
    longest = max(map(len, strings))
    spelled = np.full((len(line.candidates), len(strings), longest), -np.inf)
    for row, string in enumerate(strings):
        spelled[:, row, : len(string)] = by_class[:, list(string)]
    best = np.full((line.pieces + 1, len(strings), longest + 1), -np.inf)
    best[0, :, 0] = 0
    back = np.full(best.shape, -1)
    incoming = _by_end(line)
    for end in range(1, line.pieces + 1):
        best[end] = best[end - 1] - WEIGHTS.speckle * line.speckles[end - 1]
        for index in incoming[end]:
            total = best[line.candidates[index].first, :, :-1] + spelled[index]
            better = total > best[end, :, 1:]
            np.copyto(best[end, :, 1:], total, where=better)
            np.copyto(back[end, :, 1:], index, where=better)
    ends = best[-1, np.arange(len(strings)), [len(string) for string in strings]]
    paths = [
        _path(line, back[:, row], len(string)) if math.isfinite(ends[row]) else () for row, string in enumerate(strings)
    ]
    return ends, paths


def _path(line: Line, back: NDArray[np.intp], length: int) -> tuple[int, ...]:
    """Go back from the end of a line: ``back`` (ends, length + 1) is a candidate, or -1 where a piece was left out."""
    path, end = [], line.pieces
    while end:
        index = int(back[end, length])
        if index < 0:
            end -= 1
        else:
            path.append(index)
            end, length = line.candidates[index].first, length - 1
    return tuple(path[::-1])


def _by_end(line: Line) -> list[list[int]]:
    """List the indices of the candidates that end at each place."""
    incoming: list[list[int]] = [[] for _ in range(line.pieces + 1)]
    for index, candidate in enumerate(line.candidates):
        incoming[candidate.last].append(index)
    return incoming


def agreement(chosen: String, strings: Sequence[String], shares: NDArray[np.float64]) -> tuple[float, ...]:
    """Sum for each digit the shares of the strings that have it at its place, from the left or from the right.

    Args:
        chosen: the string of the digits.
        strings: all that were considered.
        shares: (n,) probabilities of ``strings``.
    """
    sums = np.zeros(len(chosen))
    for string, share in zip(strings, shares, strict=True):
        for place in range(len(chosen)):
            rest = len(chosen) - place
            if string[: place + 1] == chosen[: place + 1] or string[-rest:] == chosen[place:]:
                sums[place] += share
    return tuple(np.minimum(sums, 1).tolist())
