from pathlib import Path

import pytest
import torch

from models.efficientnet_lite import STEM, EfficientNetLite0, _convolution, load_published


@pytest.fixture
def network() -> EfficientNetLite0:
    torch.manual_seed(0)
    return EfficientNetLite0(10).eval()


@pytest.mark.parametrize("size", [32, 64, 96])
def test_a_square_of_any_multiple_of_32_is_read(network: EfficientNetLite0, size: int) -> None:
    with torch.no_grad():
        assert network(torch.zeros(2, 1, size, size)).shape == (2, 10)
        assert network.features(torch.zeros(1, 1, size, size)).shape[2:] == (size // 32, size // 32)


def test_it_is_as_large_as_its_docstring_says(network: EfficientNetLite0) -> None:
    assert f"{sum(each.numel() for each in network.parameters()):,} parameters" in (EfficientNetLite0.__doc__ or "")


def test_published_weights_read_gray_as_they_read_three_equal_colors(network: EfficientNetLite0) -> None:
    published = {f"_layer.{index}": value.clone() for index, value in enumerate(network.features.state_dict().values())}
    stem = torch.randn(STEM, 3, 3, 3)
    published |= {"_layer.0": stem, "_fc.weight": torch.zeros(1000, 1280)}
    network.load_imagenet(published)
    gray = torch.rand(1, 1, 32, 32)
    pad, convolution = network.features[0], network.features[1]
    colors = torch.nn.functional.conv2d(pad(gray).expand(1, 3, -1, -1), stem, stride=2)
    assert torch.allclose(convolution(pad(gray)), colors, atol=1e-5)


def test_each_class_begins_as_the_mean_of_those_that_show_it(network: EfficientNetLite0) -> None:
    published = {f"_layer.{index}": value.clone() for index, value in enumerate(network.features.state_dict().values())}
    published["_layer.0"] = torch.zeros(STEM, 3, 3, 3)
    weights, bias = torch.randn(4, 1280), torch.randn(4)
    network.load_imagenet(published | {"_fc.weight": weights, "_fc.bias": bias}, [(2,), (0, 3)])
    last = network.classifier[-1]
    above = (weights[0] + weights[3]) / 2 - weights.mean(dim=0)
    assert torch.allclose(last.weight[:2], torch.stack([weights[2] - weights.mean(dim=0), above]), atol=1e-6)
    assert torch.allclose(last.bias[:2], torch.stack([bias[2], (bias[0] + bias[3]) / 2]) - bias.mean(), atol=1e-6)


def test_the_first_convolutions_are_frozen_and_nothing_else(network: EfficientNetLite0) -> None:
    network.freeze()
    frozen = [each for each in network.parameters() if not each.requires_grad]
    assert sum(each.numel() for each in frozen) < 0.01 * sum(each.numel() for each in network.parameters())
    assert network(torch.zeros(1, 1, 64, 64)).requires_grad
    assert network.features[:7](torch.zeros(1, 1, 64, 64)).shape[2:] == (16, 16)
    assert not network.features[:7](torch.zeros(1, 1, 64, 64)).requires_grad


def test_weights_of_another_network_are_refused(network: EfficientNetLite0) -> None:
    with pytest.raises(ValueError, match="another network"):
        network.load_imagenet({"conv.weight": torch.zeros(8, 3, 3, 3)})


@pytest.mark.parametrize(("kernel_size", "stride", "before"), [(3, 1, 1), (3, 2, 0), (5, 1, 2), (5, 2, 1), (1, 1, 0)])
def test_halving_pads_less_at_the_left_and_the_top(kernel_size: int, stride: int, before: int) -> None:
    layers = torch.nn.Sequential(*_convolution(1, 1, kernel_size, stride)[:-1])
    torch.nn.init.zeros_(layers[-1].weight)
    layers[-1].weight.data[0, 0, before, before] = 1
    picture = torch.rand(1, 1, 8, 8)
    assert torch.equal(layers(picture), picture[..., ::stride, ::stride])


def test_a_file_that_holds_no_weights_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere\.pth: there is no such file"):
        load_published(tmp_path / "nowhere.pth")
    (tmp_path / "noise.pth").write_bytes(b"noise")
    torch.save({"weights": torch.zeros(1)}, tmp_path / "other.pth")
    for name in ("noise", "other"):
        with pytest.raises(ValueError, match=rf"{name}\.pth: no weights of EfficientNet-Lite0"):
            load_published(tmp_path / f"{name}.pth")
