"""A small residual network, as the video courses teach it (``ResidualBlock``, ``Net``).

He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2015: a block learns the difference to its input.
"""

from torch import Tensor, nn
from torch.nn.functional import relu

from models.registry import register_model


class ResidualBlock(nn.Module):
    """(N, channels, H, W) -> (N, channels, H, W): relu(x + conv(relu(conv(x)))), both 3×3."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        return relu(maps + self.conv2(relu(self.conv1(maps))))


class ResNet(nn.Module):
    """(N, 1, 28, 28) -> (N, num_classes) logits; 41,514 parameters for ten classes."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=5),  # (N, 16, 24, 24)
            nn.ReLU(),
            nn.MaxPool2d(2),
            ResidualBlock(16),  # (N, 16, 12, 12)
            nn.Conv2d(16, 32, kernel_size=5),  # (N, 32, 8, 8)
            nn.ReLU(),
            nn.MaxPool2d(2),
            ResidualBlock(32),  # (N, 32, 4, 4)
        )
        self.classifier = nn.Linear(512, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images).flatten(start_dim=1))


@register_model
def resnet(num_classes: int) -> nn.Module:
    return ResNet(num_classes)
