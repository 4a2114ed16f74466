"""Multilayer perceptrons: every pixel is connected to every hidden unit, regardless of its place."""

from itertools import pairwise

from torch import Tensor, nn

from models.registry import register_model

PIXELS = 28 * 28


class MLP(nn.Module):
    """(N, 1, 28, 28) -> (N, num_classes) logits, through layers of ``hidden`` units with ReLU between them."""

    def __init__(self, hidden: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]  # (N, 784)
        for inputs, outputs in pairwise((PIXELS, *hidden)):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(hidden[-1], num_classes))

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


@register_model
def mlp(num_classes: int) -> nn.Module:
    """Return 784-256-10, as in "Dive into Deep Learning", section 5.2 (``MLP``); 203,530 parameters."""
    return MLP((256,), num_classes)


@register_model
def mlp_small(num_classes: int) -> nn.Module:
    """Return 784-32-16-10, the small one of the video courses; 25,818 parameters."""
    return MLP((32, 16), num_classes)
