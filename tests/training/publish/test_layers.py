import pytest
from torch import Tensor, nn

import models.registry
from tests.training.runs import invoke
from training.publish.layers import list_layers
from training.summary import cli, summarize


@pytest.mark.parametrize("name", ["lenet", "inception", "resnet", pytest.param("alexnet", marks=pytest.mark.slow)])
def test_layers_add_up_to_the_network(name: str) -> None:
    found, summary = list_layers(name, 10, 28), summarize(name)
    assert sum(layer.parameters for layer in found) == summary.total_params
    assert sum(layer.macs for layer in found) == summary.total_mult_adds
    assert (found[0].kind, found[0].shape) == ("input", (1, 28, 28))
    assert found[-1].shape == (10,)
    known = {"images"}
    for layer in found[1:]:
        assert layer.inputs
        assert known.issuperset(layer.inputs)
        known.add(layer.name)


class Fickle(nn.Module):
    """Goes one way or the other, as its images have it."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(784, 10)

    def forward(self, images: Tensor) -> Tensor:
        logits = self.linear(images.flatten(1))
        return logits if images.sum() > 0 else -logits


def test_a_network_that_cannot_be_followed_has_no_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(models.registry._builders, "fickle", lambda num_classes: Fickle())
    assert list_layers("fickle", 10, 28) == ()


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
