"""A network that reads a line of digits as a whole, without cutting it first.

After CRNN (Shi, Bai, Yao, "An end-to-end trainable neural network for image-based sequence recognition", 2015), with
convolutions along the line in place of the recurrent layers, which are slow on a CPU. It is trained with connectionist
temporal classification (Graves, Fernández, Gomez, Schmidhuber, 2006). Its input is a strip and not 28×28 pixels, so it
is not registered among the networks of ``training.train``.
"""

from torch import Tensor, nn

STRIDE = 2
"""Columns of the strip for each step of the output."""


class LineReader(nn.Module):
    """(N, 1, 40, W) -> (N, ceil(W / 2), num_classes + 1) logits; the last class is the blank of CTC."""

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_convolution(1, 32, 5, stride=STRIDE, padding=2),  # (N, 32, 20, W / 2)
            nn.MaxPool2d((2, 1)),
            *_convolution(32, 48, 3, padding=1),  # (N, 48, 10, W / 2)
            nn.MaxPool2d((2, 1)),
            *_convolution(48, 80, 3, padding=1),  # (N, 80, 5, W / 2)
            *_convolution(80, 80, 3, padding=1),
            *_convolution(80, 128, (5, 3), padding=(0, 1)),  # (N, 128, 1, W / 2)
            *_convolution(128, 128, (1, 5), padding=(0, 2)),
            nn.Dropout(0.1),
            nn.Conv2d(128, num_classes + 1, (1, 3), padding=(0, 1)),
        )

    def forward(self, strips: Tensor) -> Tensor:
        return self.layers(strips).squeeze(2).transpose(1, 2)


def _convolution(
    in_channels: int,
    out_channels: int,
    kernel_size: int | tuple[int, int],
    stride: int = 1,
    padding: int | tuple[int, int] = 0,
) -> tuple[nn.Module, nn.Module, nn.Module]:
    convolution = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=False)
    return convolution, nn.BatchNorm2d(out_channels), nn.ReLU()
