"""The network that reads real pictures: drawings, and photographs of paper and of clothes.

Made for this project. After the first convolution all maps have 14×14 pixels or fewer, so that a CPU can train it on
many more images than a data set has (``training/simulate.py``). It has BatchNorm (Ioffe and Szegedy, 2015), a residual
block at each size (He, Zhang, Ren, Sun, 2015), and dropout before the last layer, which keeps it from being sure of
pictures unlike any that it has seen.
"""

from torch import Tensor, nn
from torch.nn.functional import relu

from models.registry import register_model


class Block(nn.Module):
    """(N, channels, H, W) -> (N, channels, H, W): ReLU of the input plus the output of two convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = _convolution(channels, channels), _convolution(channels, channels)

    def forward(self, maps: Tensor) -> Tensor:
        return relu(maps + self.second(relu(self.first(maps))))


class Sturdy(nn.Module):
    """(N, 1, 28, 28) -> (N, num_classes) logits; 333,466 parameters for ten classes."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _convolution(1, 48, kernel_size=5, stride=2),  # (N, 48, 14, 14)
            nn.ReLU(),
            _convolution(48, 64),
            nn.MaxPool2d(2),
            nn.ReLU(),
            Block(64),  # (N, 64, 7, 7)
            _convolution(64, 96),
            nn.MaxPool2d(2),
            nn.ReLU(),
            Block(96),  # (N, 96, 3, 3)
        )
        self.classifier = nn.Sequential(nn.Dropout(0.3), nn.Linear(96 * 3 * 3, num_classes))

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images).flatten(start_dim=1))


def _convolution(in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out_channels))


@register_model
def sturdy(num_classes: int) -> nn.Module:
    return Sturdy(num_classes)
