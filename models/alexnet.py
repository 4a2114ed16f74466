"""AlexNet for one channel.

Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks", 2012; in the form of
"Dive into Deep Learning", section 8.1 (``AlexNet``): no groups, no local response normalization, 224×224 gray pixels.
"""

from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from models.registry import register_model


class AlexNet(nn.Module):
    """(N, 1, 28, 28) -> (N, num_classes) logits; 46,764,746 parameters for ten classes.

    Attributes:
        image_size: pixels a side that images are enlarged to. The network is AlexNet at 224; training may begin with a
            smaller size, for which the last maps are stretched to the 5×5 that the linear layers need.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.image_size = 224
        self.features = nn.Sequential(
            nn.Conv2d(1, 96, kernel_size=11, stride=4, padding=1),  # (N, 96, 54, 54)
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),  # (N, 96, 26, 26)
            nn.Conv2d(96, 256, kernel_size=5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),  # (N, 256, 12, 12)
            nn.Conv2d(256, 384, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 384, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),  # (N, 256, 5, 5)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 6400)
            nn.Linear(6400, 4096),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(4096, num_classes),
        )
        self.apply(_xavier)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.features(interpolate(images, size=self.image_size, mode="bilinear"))
        if self.image_size != 224:
            maps = adaptive_avg_pool2d(maps, 5)
        return self.classifier(maps)


def _xavier(layer: nn.Module) -> None:
    """Initialize as Glorot and Bengio (2010); eight ReLU layers without normalization do not learn otherwise."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(layer.weight)


@register_model
def alexnet(num_classes: int) -> nn.Module:
    return AlexNet(num_classes)
