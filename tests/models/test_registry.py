import re

import pytest
import torch

from models import create_model, list_models
from models.registry import register_model

PARAMETERS = {"lenet": 61_706, "convnet": 29_034}
"""Of the tutorials' networks, counted by hand from their layers."""


@pytest.mark.parametrize("name", list_models())
@pytest.mark.parametrize("batch", [1, 3])
def test_every_network_turns_images_into_logits(name: str, batch: int) -> None:
    model = create_model(name).eval()
    with torch.no_grad():
        logits = model(torch.randn(batch, 1, 28, 28))
    assert logits.shape == (batch, 10)
    assert logits.dtype == torch.float32
    assert (logits.exp().sum(dim=1) - 1).abs().min() > 1e-3, "logits, not probabilities"


@pytest.mark.parametrize("name", list_models())
def test_an_image_is_read_alike_alone_and_in_company(name: str) -> None:
    model, images = create_model(name).eval(), torch.randn(5, 1, 28, 28)
    with torch.no_grad():
        torch.testing.assert_close(model(images)[3:4], model(images[3:4]), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("name", "count"), PARAMETERS.items())
def test_the_tutorials_networks_have_the_tutorials_size(name: str, count: int) -> None:
    assert sum(weights.numel() for weights in create_model(name).parameters()) == count


def test_weights_follow_the_seed() -> None:
    built = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        built.append(torch.cat([weights.flatten() for weights in create_model("lenet").parameters()]))
    assert built[0].equal(built[1])
    assert not built[0].equal(built[2])


def test_the_classes_can_be_counted() -> None:
    assert create_model("convnet", num_classes=4)(torch.zeros(2, 1, 28, 28)).shape == (2, 4)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=re.escape("Did you mean 'lenet'? Known: convnet, lenet")):
        create_model("lenett")


def test_a_name_can_be_taken_once() -> None:
    def lenet(num_classes: int) -> torch.nn.Module:
        raise NotImplementedError

    with pytest.raises(ValueError, match="Two networks are called 'lenet'"):
        register_model(lenet)
