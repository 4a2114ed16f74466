import numpy as np
import pytest
import torch
from torch import nn

from inkwear.numbers.line_reader import ROWS
from training.line_reader import _batches, _describe, _loss, stack

DIGITS = 10
BLANK = DIGITS


class Spelling(nn.Module):
    """Answers each strip with classes that its columns name, one a step."""

    def forward(self, strips: torch.Tensor) -> torch.Tensor:
        named = (strips[:, 0, 0] * 255).round().long()
        return 20 * nn.functional.one_hot(named, BLANK + 1).float()


def strip(*classes: int) -> np.ndarray:
    return np.repeat(np.array([classes], np.uint8), ROWS, axis=0)


def test_strips_of_a_batch_are_empty_beyond_their_end() -> None:
    narrow, wide = np.full((ROWS, 10), 255, np.uint8), np.full((ROWS, 14), 255, np.uint8)
    batch = stack([narrow, wide])
    assert batch.shape == (2, 1, ROWS, 14)
    assert batch[0, 0, 0].tolist() == [1.0] * 10 + [0.0] * 4


def test_batches_hold_lines_of_similar_width_in_random_order() -> None:
    lines = [(np.zeros((ROWS, width), np.uint8), (1,)) for width in (50, 9, 33, 10, 48, 30)]
    orders = set()
    for seed in range(10):
        batches = [[line.shape[1] for line, _ in batch] for batch in _batches(2, lines, np.random.default_rng(seed))]
        assert sorted(batches) == [[9, 10], [30, 33], [48, 50]]
        orders.add(str(batches))
    assert len(orders) > 1


def test_repeated_steps_and_blanks_spell_a_line() -> None:
    read = strip(4, 4, BLANK, 4, 2, BLANK, 7, 7)
    assert _describe([(read, (4, 4, 2, 7)), (read, (4, 2, 7))], Spelling()) == "lines read 0.500"


def test_the_loss_is_small_for_what_stands_there_and_large_for_anything_else() -> None:
    read = strip(4, 4, BLANK, 4, 2, BLANK, 7, 7)
    right, wrong = (float(_loss(Spelling(), [(read, classes)])) for classes in ((4, 4, 2, 7), (4, 4, 2, 8)))
    assert right == pytest.approx(0, abs=0.01)
    assert wrong > 1
