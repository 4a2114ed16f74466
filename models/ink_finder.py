"""A network that finds ink in a gray picture of any size: a small U-Net.

After U-Net (Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", 2015), with
sums in place of concatenations as in LinkNet (Chaurasia, Culurciello, 2017), and no layer at full size but the
rearrangement of the last one's channels (Shi et al., "Real-Time Single Image and Video Super-Resolution Using an
Efficient Sub-Pixel Convolutional Neural Network", 2016). It reads no 28×28 pixels, so it is not registered among the
networks of ``training.train``.
"""

from torch import Tensor, nn
from torch.nn.functional import interpolate

CHANNELS = (12, 24, 40, 56)
"""Channels at a half, a quarter, an eighth and a sixteenth of the size."""


class InkFinder(nn.Module):
    """(N, 1, H, W) -> (N, 1, H, W) logits of ink; H and W are multiples of 16."""

    def __init__(self, channels: tuple[int, int, int, int] = CHANNELS) -> None:
        super().__init__()
        half, quarter, eighth, sixteenth = channels
        self.down_to_half = _convolution(1, half, stride=2)
        self.down_to_quarter = nn.Sequential(_convolution(half, quarter, stride=2), _convolution(quarter, quarter))
        self.down_to_eighth = nn.Sequential(_convolution(quarter, eighth, stride=2), _convolution(eighth, eighth))
        self.down_to_sixteenth = nn.Sequential(
            _convolution(eighth, sixteenth, stride=2),
            _convolution(sixteenth, sixteenth, dilation=2),
            _convolution(sixteenth, sixteenth, dilation=4),
        )
        self.up_to_eighth = nn.Conv2d(sixteenth, eighth, 1)
        self.at_eighth = _convolution(eighth, eighth)
        self.up_to_quarter = nn.Conv2d(eighth, quarter, 1)
        self.at_quarter = _convolution(quarter, quarter)
        self.up_to_half = nn.Conv2d(quarter, half, 1)
        self.at_half = nn.Sequential(_convolution(half, half), nn.Conv2d(half, 4, 1), nn.PixelShuffle(2))

    def forward(self, pictures: Tensor) -> Tensor:
        half = self.down_to_half(pictures)
        quarter = self.down_to_quarter(half)
        eighth = self.down_to_eighth(quarter)
        eighth = self.at_eighth(eighth + _doubled(self.up_to_eighth(self.down_to_sixteenth(eighth))))
        quarter = self.at_quarter(quarter + _doubled(self.up_to_quarter(eighth)))
        return self.at_half(half + _doubled(self.up_to_half(quarter)))


def _doubled(features: Tensor) -> Tensor:
    return interpolate(features, scale_factor=2.0, mode="nearest")


def _convolution(in_channels: int, out_channels: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(in_channels, out_channels, 3, stride, padding=dilation, dilation=dilation, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out_channels), nn.ReLU())
