import re

import pytest
import torch

from models import create_model, list_models
from models.registry import register_model
from models.resnet import ResidualBlock

PARAMETERS = {
    "mlp": 784 * 256 + 256 + 256 * 10 + 10,
    "mlp_small": 784 * 32 + 32 + 32 * 16 + 16 + 16 * 10 + 10,
    "lenet": 61_706,
    "lenet_relu": 61_706,
    "convnet": 29_034,
    "alexnet": 46_764_746,
    "inception": 260 + 19_104 + 44_020 + 19_824 + 14_090,
    "resnet": 416 + 4_640 + 12_832 + 18_496 + 5_130,
    "sprint": 48_330,
    "sturdy": 333_466,
    "inkwear_s": 116_602,
    "inkwear_l": 463_594,
}
"""Trainable values of each network; those of the tutorials are counted by hand from their layers."""


def test_the_parameters_of_every_network_are_counted() -> None:
    assert set(PARAMETERS) == set(list_models())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "count"), PARAMETERS.items())
def test_every_network_has_its_size_and_turns_images_into_logits(name: str, count: int) -> None:
    model, images = create_model(name).eval(), torch.randn(3, 1, 28, 28)
    assert sum(weights.numel() for weights in model.parameters()) == count
    with torch.no_grad():
        logits, alone = model(images), model(images[1:2])
    assert logits.shape == (3, 10)
    assert logits.dtype == torch.float32
    assert (logits.exp().sum(dim=1) - 1).abs().min() > 1e-3, "logits, not probabilities"
    torch.testing.assert_close(logits[1:2], alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "layer", "shape"),
    [
        ("alexnet", "features.2", (96, 26, 26)),
        ("alexnet", "features.12", (256, 5, 5)),
        ("inception", "features.3", (88, 12, 12)),
        ("inception", "features.7", (88, 4, 4)),
        ("resnet", "features.3", (16, 12, 12)),
        ("resnet", "features.7", (32, 4, 4)),
    ],
)
def test_the_maps_have_the_sizes_of_the_tutorials(name: str, layer: str, shape: tuple[int, ...]) -> None:
    model, seen = create_model(name).eval(), []
    model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    with torch.no_grad():
        model(torch.zeros(2, 1, 28, 28))
    assert seen == [(2, *shape)]


def test_a_residual_block_adds_to_its_input() -> None:
    block = ResidualBlock(4)
    for weights in block.parameters():
        torch.nn.init.zeros_(weights)
    maps = torch.rand(2, 4, 6, 6)
    assert block(maps).equal(maps)


def test_alexnet_also_reads_smaller_images() -> None:
    model = create_model("alexnet").eval()
    model.image_size = 112
    with torch.no_grad():
        assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


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
    with pytest.raises(ValueError, match=re.escape("Did you mean 'lenet'? Known: alexnet, convnet, inception")):
        create_model("lenett")


def test_a_name_can_be_taken_once() -> None:
    def lenet(num_classes: int) -> torch.nn.Module:
        raise NotImplementedError

    with pytest.raises(ValueError, match="Two networks are called 'lenet'"):
        register_model(lenet)
