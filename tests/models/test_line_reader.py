import pytest
import torch

from inkwear.numbers.line_reader import ROWS, STEP
from models.line_reader import STRIDE, LineReader


def test_the_library_knows_the_columns_of_a_step() -> None:
    assert STRIDE == STEP


@pytest.mark.parametrize("width", [8, 100, 960])
def test_each_step_has_a_logit_for_every_class_and_the_blank(width: int) -> None:
    model = LineReader(21).eval()
    assert model(torch.zeros(2, 1, ROWS, width)).shape == (2, width // STRIDE, 22)
