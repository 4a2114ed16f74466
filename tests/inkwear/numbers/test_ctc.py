import itertools
import math

import numpy as np

from inkwear.numbers.ctc import beam_search, log_likelihoods, log_softmax


def steps_for(*classes: int, count: int = 3, sure: float = 6) -> np.ndarray:
    """Logits of a reader that sees these classes of ``count`` one after the other; the blank comes after the last."""
    steps = np.zeros((len(classes), count + 1), np.float32)
    steps[np.arange(len(classes)), classes] = sure
    return steps


def collapsed(way: tuple[int, ...], blank: int) -> tuple[int, ...]:
    return tuple(label for label, _ in itertools.groupby(way) if label != blank)


def test_likelihoods_are_sums_over_all_ways_to_emit_a_string() -> None:
    steps = log_softmax(np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32))
    strings = [(0,), (1, 1), (2, 0, 1), (0, 0, 0), (2, 2, 2, 2)]
    expected = dict.fromkeys(strings, 0.0)
    for way in itertools.product(range(4), repeat=5):
        string = collapsed(way, 3)
        if string in expected:
            expected[string] += math.exp(sum(steps[place, label] for place, label in enumerate(way)))
    np.testing.assert_allclose(np.exp(log_likelihoods(steps, strings)), list(expected.values()), atol=1e-12)


def test_the_beam_finds_repeated_classes_only_across_a_blank() -> None:
    assert (1, 1) in beam_search(log_softmax(steps_for(1, 3, 1)))
    assert max(beam_search(log_softmax(steps_for(1, 1, 3))), key=len) != (1, 1, 1)
