from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from training import ink_finder
from training.ink_finder import SIDE, _batches, _describe, _loss, make_pictures
from training.simulator.characters import Characters


class Threshold(nn.Module):
    """Takes for ink what is darker, or brighter, than the mean."""

    def __init__(self, sign: int) -> None:
        super().__init__()
        self.sign = sign

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.sign * 10 * pictures


@pytest.fixture
def picture() -> tuple[np.ndarray, np.ndarray]:
    ink = np.zeros((64, 64), np.uint8)
    ink[20:40, 30:36] = 255
    return 230 - ink // 2, ink


def test_a_picture_depends_on_its_number_and_on_nothing_else(
    characters: Characters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ink_finder, "load_characters", lambda *_: characters)
    together = make_pictures("mnist", 60, 0, Path(), "train", first=0, count=12)
    later = make_pictures("mnist", 60, 0, Path(), "train", first=9, count=3)
    for (gray, ink), (same, likewise) in zip(together[9:], later, strict=True):
        assert np.array_equal(gray, same)
        assert np.array_equal(ink, likewise)
    for gray, ink in together:
        assert gray.shape == ink.shape == (SIDE, SIDE)
        assert gray.dtype == ink.dtype == np.uint8
    assert sum(ink.max() > 200 for _, ink in together) > 6


def test_batches_leave_nothing_out(picture: tuple[np.ndarray, np.ndarray]) -> None:
    assert [len(batch) for batch in _batches(4, [picture] * 10, np.random.default_rng(0))] == [4, 4, 2]


def test_the_loss_is_small_where_ink_is_found_and_large_where_paper_is(picture: tuple[np.ndarray, np.ndarray]) -> None:
    assert float(_loss(Threshold(-1), [picture] * 2)) < 0.6
    assert float(_loss(Threshold(1), [picture] * 2)) > 2


def test_recall_and_precision_count_pixels(picture: tuple[np.ndarray, np.ndarray]) -> None:
    assert _describe([picture], Threshold(-1)) == "recall 1.0000  precision 1.0000"
    assert _describe([picture], Threshold(1)) == "recall 0.0000  precision 0.0000"
