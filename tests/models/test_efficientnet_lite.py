import pytest
import torch

from models.efficientnet_lite import STEM, EfficientNetLite0, _convolution


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
