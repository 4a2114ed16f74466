"""A picture made small enough to stand beside its answer."""

import base64
import io

from PIL import Image

LOSSLESS = 64
"""Pictures up to this side, in pixels, are kept as they are: in so few, what is lost shows."""


def thumbnail(image: Image.Image, longest: int) -> str:
    """A picture as the network's preprocessing took it up, upright and on its backdrop: WebP in base64.

    Args:
        image: opened by ``inkwear.images.decode``.
        longest: most pixels of its longer side.
    """
    from inkwear.preprocess.scaling import shrink
    from inkwear.preprocess.steps import to_colors

    small, file = Image.fromarray(shrink(to_colors(image)[0], longest)), io.BytesIO()
    small.save(file, "WEBP", quality=75, method=2, lossless=max(small.size) <= LOSSLESS)
    return base64.b64encode(file.getvalue()).decode()
