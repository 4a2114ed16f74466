"""Thumbnails that are shown beside answers."""

import base64
import io

from PIL import Image

from inkwear.preprocess.grayscale import to_colors
from inkwear.preprocess.scaling import shrink

MAX_LOSSLESS_SIDE = 64
"""Pixels of the longer side up to which a thumbnail is lossless, as artifacts show in so small a picture."""


def thumbnail(image: Image.Image, longest: int) -> str:
    """Return a picture, upright and flattened as the preprocessing sees it, as WebP in base64.

    Args:
        image: opened by ``inkwear.images.decode``.
        longest: pixels of its longer side, at most.
    """
    small, file = Image.fromarray(shrink(to_colors(image)[0], longest)), io.BytesIO()
    small.save(file, "WEBP", quality=75, method=2, lossless=max(small.size) <= MAX_LOSSLESS_SIDE)
    return base64.b64encode(file.getvalue()).decode()
