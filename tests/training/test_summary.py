import pytest

from tests.training.commands import invoke
from training.summary import cli, summarize


def test_alexnet_is_shown_layer_by_layer() -> None:
    output = invoke(cli, "--model=alexnet")
    assert "[1, 96, 54, 54]" in output
    assert "46,764,746" in output


@pytest.mark.parametrize(
    ("model", "macs"),
    [
        ("mlp_small", 784 * 32 + 32 + 32 * 16 + 16 + 16 * 10 + 10),
        ("convnet", 28 * 28 * 16 * (25 + 1) + 2 * 16 + 14 * 14 * 32 * (16 * 25 + 1) + 2 * 32 + 32 * 49 * 10 + 10),
    ],
)
def test_multiply_adds_are_what_a_hand_counts(model: str, macs: int) -> None:
    """The library counts a bias, and BatchNorm's two numbers a channel, as one each."""
    assert summarize(model).total_mult_adds == macs


def test_an_unknown_network_is_a_sentence() -> None:
    output = invoke(cli, "--model=resnett", code=2)
    assert "Did you mean 'resnet'?" in output
