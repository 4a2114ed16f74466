"""A pair made for this project: the most accurate network that a laptop trains, and a small one taught by it.

Few wide layers rather than many narrow ones, as in David Page's ResNet-9 ("How to train your ResNet", 2018): they
multiply large matrices, which a CPU does fast. The second convolution still sees all 28×28 pixels, in which a shirt
differs from a coat; its output is kept at half the resolution. Every later convolution is part of a residual block
(He, Zhang, Ren, Sun, 2015) or widens the maps, each with BatchNorm (Ioffe and Szegedy, 2015).
"""

from torch import Tensor, nn

from models.registry import register_model


class Block(nn.Module):
    """(N, channels, H, W) -> (N, channels, H, W): the input plus the output of two convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.added = nn.Sequential(*_convolution(channels, channels), *_convolution(channels, channels))

    def forward(self, maps: Tensor) -> Tensor:
        return maps + self.added(maps)


class Inkwear(nn.Module):
    """(N, 1, 28, 28) -> (N, num_classes) logits.

    Args:
        num_classes: of the data set.
        channels: of the maps with 28×28, 14×14 and 7×7 pixels.
        blocks: residual blocks at 14×14 and at 7×7.
    """

    def __init__(self, num_classes: int, channels: tuple[int, int, int], blocks: int) -> None:
        super().__init__()
        fine, middle, coarse = channels
        self.features = nn.Sequential(
            *_convolution(1, fine),  # (N, fine, 28, 28)
            *_convolution(fine, middle, halve=True),  # (N, middle, 14, 14)
            *(Block(middle) for _ in range(blocks)),
            *_convolution(middle, coarse, halve=True),  # (N, coarse, 7, 7)
            *(Block(coarse) for _ in range(blocks)),
        )
        self.classifier = nn.Linear(coarse, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images).mean(dim=(2, 3)))


def _convolution(in_channels: int, out_channels: int, *, halve: bool = False) -> list[nn.Module]:
    """Return a 3×3 convolution, max pooling where it should ``halve`` the maps, BatchNorm and ReLU."""
    convolution = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False)
    pool = [nn.MaxPool2d(2)] if halve else []
    return [convolution, *pool, nn.BatchNorm2d(out_channels), nn.ReLU()]


@register_model
def inkwear_s(num_classes: int) -> nn.Module:
    """Return the small network; 116,602 parameters for ten classes."""
    return Inkwear(num_classes, (16, 32, 64), blocks=1)


@register_model
def inkwear_l(num_classes: int) -> nn.Module:
    """Return the large network; 463,594 parameters for ten classes."""
    return Inkwear(num_classes, (32, 64, 128), blocks=1)
