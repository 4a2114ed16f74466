"""The steps from any picture to a network's input: ``to_colors -> frame -> normalize -> unsqueeze``.

``frame`` looks for the object in color and continues in gray (``to_grayscale``). Training applies the last two steps
to the whole data set; the app and the batch script apply all four. An ``InputSpec`` holds, as numbers, what differs
between data sets.
"""

import numpy as np

from inkwear.preprocess.framing import Framed, frame
from inkwear.preprocess.grayscale import to_colors, to_grayscale
from inkwear.preprocess.spec import SIZE, Floats, InputSpec, Pixels

__all__ = [
    "SIZE",
    "Floats",
    "Framed",
    "InputSpec",
    "Pixels",
    "frame",
    "normalize",
    "scale_to_one",
    "to_colors",
    "to_grayscale",
    "unsqueeze",
]


def normalize(images: Pixels, spec: InputSpec) -> Floats:
    """Scale uint8 pixels of any shape as in training: ``(x / 255 - mean) / std``, float32."""
    scaled = scale_to_one(images)
    scaled -= np.float32(spec.mean)
    scaled /= np.float32(spec.std)
    return scaled


def scale_to_one(images: Pixels) -> Floats:
    """Scale uint8 pixels of any shape to 0 … 1, float32."""
    scaled = images.astype(np.float32)
    scaled /= 255  # in place: five times as fast on a whole data set, and bit for bit the same
    return scaled


def unsqueeze(images: Floats) -> Floats:
    """Add the dimensions a network expects: (28, 28) -> (1, 1, 28, 28); (N, 28, 28) -> (N, 1, 28, 28)."""
    return images.reshape(-1, 1, *images.shape[-2:])
