"""Brings the reader of lines and the model that reads single digits to one answer.

Both say how probable each class is, from different pictures of the same ink: the reader sees the line as it was
photographed, the model each digit as it was cut out and framed. Their log-probabilities are added, as of independent
witnesses, the model's with a weight.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkwear.numbers.ctc import log_likelihoods
from inkwear.numbers.transcript import Transcript

TRUST_IN_MODEL, TRUST_IN_CUT = 0.5, 0.25
"""Weight of the model's log-probabilities for a digit, and for one that was cut from ink that it shares with a
neighbor, which leaves a piece of that or takes one away."""

MIN_P = 1e-6
"""Probability below which neither of both is believed."""


@dataclass(frozen=True)
class Agreed:
    """A digit on which both agree.

    Attributes:
        class_id: of the digit.
        p: its probability.
        by_reader, by_model: whether it is the likeliest class of each.
    """

    class_id: int
    p: float
    by_reader: bool
    by_model: bool


def agree_on_number(transcript: Transcript, probabilities: NDArray[np.float32], is_cut: Sequence[bool]) -> list[Agreed]:
    """Agree on the digits of a line.

    Args:
        transcript: of the line.
        probabilities: (digits, classes) of the model.
        is_cut: whether each digit was cut from ink that it shares with a neighbor.
    """
    string = transcript.string
    classes = probabilities.shape[1]
    places = [index for index, label in enumerate(string) if label < classes]
    strings = [(*string[:place], label, *string[place + 1 :]) for place in places for label in range(classes)]
    readers = log_likelihoods(transcript.steps, strings).reshape(len(places), classes)
    by_reader = _log_normalized(readers)
    trust = np.where(is_cut, TRUST_IN_CUT, TRUST_IN_MODEL)[:, None]
    joint = _log_normalized(by_reader + trust * np.log(np.maximum(probabilities, MIN_P)))
    chosen = sum(float(by_reader[row, string[place]]) for row, place in enumerate(places))
    length = math.exp(min(0.0, math.log(max(transcript.p, 1e-300)) - chosen))
    return [
        Agreed(
            int(joint[row].argmax()),
            math.exp(joint[row].max()) * length,
            int(joint[row].argmax()) == string[place],
            int(joint[row].argmax()) == int(probabilities[row].argmax()),
        )
        for row, place in enumerate(places)
    ]


def agree_on_one(transcript: Transcript, probabilities: NDArray[np.float32]) -> tuple[NDArray[np.float32], float, bool]:
    """Agree on a picture of one digit.

    Args:
        transcript: of its line.
        probabilities: (classes,) of the model.

    Returns:
        probabilities: (classes,) of both.
        p: of there being one digit and nothing else, as the reader sees it.
        by_both: whether both find the same class likeliest.
    """
    readers = log_likelihoods(transcript.steps, [(label,) for label in range(len(probabilities))])
    one = float(np.exp(np.logaddexp.reduce(readers)))
    floor = np.maximum(_log_normalized(readers[None])[0], math.log(MIN_P))
    joint = _log_normalized((floor + TRUST_IN_MODEL * np.log(np.maximum(probabilities, MIN_P)))[None])[0]
    by_both = int(readers.argmax()) == int(probabilities.argmax())
    return np.exp(joint).astype(np.float32), min(one, 1.0), by_both


def _log_normalized(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return scores - np.logaddexp.reduce(scores, axis=1)[:, None]
