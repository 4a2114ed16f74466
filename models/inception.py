"""A small GoogLeNet, as the video courses teach it (``InceptionA``, ``Net``).

Szegedy et al., "Going deeper with convolutions", 2014: parallel branches with receptive fields of different sizes.
"""

import torch
from torch import Tensor, nn

from models.registry import register_model


class InceptionBlock(nn.Module):
    """(N, in_channels, H, W) -> (N, 88, H, W): four parallel branches of 16, 24, 24 and 24 channels."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch1x1 = nn.Conv2d(in_channels, 16, kernel_size=1)
        self.branch5x5 = nn.Sequential(
            nn.Conv2d(in_channels, 16, kernel_size=1),
            nn.Conv2d(16, 24, kernel_size=5, padding=2),
        )
        self.branch3x3 = nn.Sequential(
            nn.Conv2d(in_channels, 16, kernel_size=1),
            nn.Conv2d(16, 24, kernel_size=3, padding=1),
            nn.Conv2d(24, 24, kernel_size=3, padding=1),
        )
        self.branch_pool = nn.Sequential(
            nn.AvgPool2d(3, stride=1, padding=1),
            nn.Conv2d(in_channels, 24, kernel_size=1),
        )

    def forward(self, maps: Tensor) -> Tensor:
        branches = (self.branch1x1, self.branch5x5, self.branch3x3, self.branch_pool)
        return torch.cat([branch(maps) for branch in branches], dim=1)


class Inception(nn.Module):
    """(N, 1, 28, 28) -> (N, num_classes) logits; 97,298 parameters for ten classes."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 10, kernel_size=5),  # (N, 10, 24, 24)
            nn.MaxPool2d(2),
            nn.ReLU(),
            InceptionBlock(10),  # (N, 88, 12, 12)
            nn.Conv2d(88, 20, kernel_size=5),  # (N, 20, 8, 8)
            nn.MaxPool2d(2),
            nn.ReLU(),
            InceptionBlock(20),  # (N, 88, 4, 4)
        )
        self.classifier = nn.Linear(1408, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images).flatten(start_dim=1))


@register_model
def inception(num_classes: int) -> nn.Module:
    return Inception(num_classes)
