"""LeNet-5 as the tutorials teach it: sigmoids and average pooling.

LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998, section II.B;
in the form of "Dive into Deep Learning", section 7.6: full connections between the maps, plain logits at the end.
"""

from collections.abc import Callable

from torch import Tensor, nn

from models.registry import register_model


class LeNet(nn.Module):
    """(N, 1, 28, 28) -> (N, num_classes) logits; 61,706 parameters for ten classes.

    Args:
        num_classes: of the data set.
        activation: makes the layer after each but the last.
        pooling: makes the layer that halves the maps.
    """

    def __init__(
        self,
        num_classes: int,
        activation: Callable[[], nn.Module] = nn.Sigmoid,
        pooling: Callable[[int], nn.Module] = nn.AvgPool2d,
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, kernel_size=5, padding=2),  # (N, 6, 28, 28)
            activation(),
            pooling(2),  # (N, 6, 14, 14)
            nn.Conv2d(6, 16, kernel_size=5),  # (N, 16, 10, 10)
            activation(),
            pooling(2),  # (N, 16, 5, 5)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 400)
            nn.Linear(400, 120),
            activation(),
            nn.Linear(120, 84),
            activation(),
            nn.Linear(84, num_classes),
        )
        self.apply(_xavier)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def _xavier(layer: nn.Module) -> None:
    """Initialize as Glorot and Bengio (2010); otherwise the sigmoids saturate and the first epochs learn nothing."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(layer.weight)


@register_model
def lenet(num_classes: int) -> nn.Module:
    return LeNet(num_classes)


@register_model
def lenet_relu(num_classes: int) -> nn.Module:
    """Return LeNet with ReLU and max pooling, which came after it, for comparison."""
    return LeNet(num_classes, activation=nn.ReLU, pooling=nn.MaxPool2d)
