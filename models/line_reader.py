"""A network that reads a line of digits and signs as a whole, without cutting it first.

After CRNN (Shi, Bai, Yao, "An end-to-end trainable neural network for image-based sequence recognition", 2015), with
convolutions along the line in place of the recurrent layers, which are slow on a CPU. It is trained with connectionist
temporal classification (Graves, Fernández, Gomez, Schmidhuber, 2006). Its input is a strip and not 28×28 pixels, so it
is not registered among the networks of ``training.train``.
"""

from torch import Tensor, nn

STRIDE = 4
"""Columns of the strip for each step of the output."""


class LineReader(nn.Module):
    """(N, 1, 40, W) -> (N, W / 4, num_classes + 1) logits; the last class is the blank of CTC."""

    def __init__(self, num_classes: int = 21) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_convolution(1, 32, 5, stride=2, padding=2),  # (N, 32, 20, W / 2)
            *_convolution(32, 48, 3, padding=1),
            nn.MaxPool2d(2),  # (N, 48, 10, W / 4)
            *_convolution(48, 96, 3, padding=1),
            nn.MaxPool2d((2, 1)),  # (N, 96, 5, W / 4)
            *_convolution(96, 128, 3, padding=1),
            _Residual(128, 3),
            *_convolution(128, 192, (5, 3), padding=(0, 1)),  # (N, 192, 1, W / 4)
            _Residual(192, (1, 5)),
            _Residual(192, (1, 5)),
            nn.Dropout(0.1),
            nn.Conv2d(192, num_classes + 1, (1, 3), padding=(0, 1)),
        )

    def forward(self, strips: Tensor) -> Tensor:
        return self.layers(strips).squeeze(2).transpose(1, 2)


class _Residual(nn.Module):
    """A convolution whose output is added to its input."""

    def __init__(self, channels: int, kernel_size: int | tuple[int, int]) -> None:
        super().__init__()
        kernel = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
        self.layers = nn.Sequential(*_convolution(channels, channels, kernel, padding=(kernel[0] // 2, kernel[1] // 2)))

    def forward(self, features: Tensor) -> Tensor:
        return features + self.layers(features)


def _convolution(
    in_channels: int,
    out_channels: int,
    kernel_size: int | tuple[int, int],
    stride: int = 1,
    padding: int | tuple[int, int] = 0,
) -> tuple[nn.Module, nn.Module, nn.Module]:
    convolution = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=False)
    return convolution, nn.BatchNorm2d(out_channels), nn.ReLU()
