"""The small BatchNorm network of the PyTorch tutorials ("ConvNet", two blocks and one linear layer)."""

from torch import Tensor, nn

from models.registry import register_model


class ConvNet(nn.Module):
    """(N, 1, 28, 28) -> (N, num_classes) logits; 29,034 parameters for ten classes."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.block1 = _block(1, 16)  # (N, 16, 14, 14)
        self.block2 = _block(16, 32)  # (N, 32, 7, 7)
        self.classifier = nn.Linear(32 * 7 * 7, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        features = self.block2(self.block1(images))
        return self.classifier(features.flatten(start_dim=1))


def _block(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=5, padding=2),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


@register_model
def convnet(num_classes: int) -> nn.Module:
    return ConvNet(num_classes)
