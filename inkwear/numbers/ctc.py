"""Connectionist temporal classification: which strings a reader of lines sees, and how probable each is.

Graves, Fernández, Gomez, Schmidhuber, "Labelling unsegmented sequence data with recurrent neural networks", 2006.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inkwear.preprocess.spec import Floats

String = tuple[int, ...]
"""Class ids from left to right."""

BEAM_WIDTH = 12
"""Strings that are kept from step to step, in the search for the likeliest ones."""

MIN_LOG_PROBABILITY = math.log(1e-3)
"""Log-probability below which the reader's classes are not followed."""


def log_softmax(logits: Floats) -> NDArray[np.float64]:
    """Turn logits (T, classes + 1) into log-probabilities, in nats."""
    wide = logits.astype(np.float64)
    return wide - np.logaddexp.reduce(wide, axis=1)[:, None]


def beam_search(steps: NDArray[np.float64]) -> set[String]:
    """Find the reader's likeliest strings by prefix beam search (Hannun et al. 2014): (T, classes + 1) in nats."""
    blank = steps.shape[1] - 1
    kept: dict[String, tuple[float, float]] = {(): (0.0, -math.inf)}  # ending in a blank, in a class
    for step in steps:
        classes = np.flatnonzero(step[:-1] > MIN_LOG_PROBABILITY).tolist()
        found: dict[String, tuple[float, float]] = {}
        for string, (with_blank, without) in kept.items():
            both = _log_add(with_blank, without)
            _put(found, string, both + step[blank], (without + step[string[-1]]) if string else -math.inf)
            for label in classes:
                before = with_blank if string and string[-1] == label else both
                _put(found, (*string, label), -math.inf, before + step[label])
        kept = dict(sorted(found.items(), key=lambda item: -_log_add(*item[1]))[:BEAM_WIDTH])
    return set(kept) - {()}


def _put(found: dict[String, tuple[float, float]], string: String, with_blank: float, without: float) -> None:
    before = found.get(string, (-math.inf, -math.inf))
    found[string] = _log_add(before[0], with_blank), _log_add(before[1], without)


def _log_add(one: float, other: float) -> float:
    high, low = (one, other) if one > other else (other, one)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


def log_likelihoods(steps: NDArray[np.float64], strings: Sequence[String]) -> NDArray[np.float64]:
    """Compute the log-probability of each string by CTC's forward variables: (T, classes + 1) in nats -> (n,)."""
    blank = steps.shape[1] - 1
    longest = max(map(len, strings))
    spread = np.full((len(strings), 2 * longest + 1), blank)
    for row, string in zip(spread, strings, strict=True):
        row[1 : 2 * len(string) : 2] = string
    skips = np.full(spread.shape, -np.inf)  # over a blank, from one class to another
    skips[:, 2:][(spread[:, 2:] != blank) & (spread[:, 2:] != spread[:, :-2])] = 0
    alpha = np.full((len(strings), spread.shape[1] + 2), -np.inf)
    alpha[:, 2] = 0  # as if a blank had gone before
    emitted = steps[:, spread]  # (T, n, 2 * longest + 1)
    for step in emitted:
        moved = np.logaddexp(alpha[:, 2:], alpha[:, 1:-1])
        alpha[:, 2:] = np.logaddexp(moved, alpha[:, :-2] + skips) + step
    ends = np.array([2 * len(string) + 2 for string in strings])
    rows = np.arange(len(strings))
    return np.logaddexp(alpha[rows, ends], alpha[rows, ends - 1])
