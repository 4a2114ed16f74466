import pytest
import torch

from models.ink_finder import InkFinder


@pytest.mark.parametrize("shape", [(1, 16, 16), (2, 48, 160), (1, 384, 288)])
def test_every_pixel_gets_a_logit(shape: tuple[int, int, int]) -> None:
    count, height, width = shape
    assert InkFinder().eval()(torch.zeros(count, 1, height, width)).shape == (count, 1, height, width)


def test_it_sees_far_beyond_a_stroke() -> None:
    torch.manual_seed(0)
    model = InkFinder().eval()
    pictures = torch.randn(1, 1, 128, 128, requires_grad=True)
    model(pictures)[0, 0, 64, 64].backward()
    assert pictures.grad is not None
    rows = pictures.grad[0, 0].abs().sum(dim=1).nonzero()
    assert rows.max() - rows.min() > 90
