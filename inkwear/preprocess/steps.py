"""The steps from any picture to a network's input: ``to_colors -> frame -> normalize -> unsqueeze``.

``frame`` looks for the object in color and continues in gray (``to_grayscale``). Training applies the last two steps
to the whole data set; the app and the batch script apply all four. An ``InputSpec`` holds, as numbers, what differs
between data sets.
"""

from inkwear.preprocess.framing import Framed, frame
from inkwear.preprocess.grayscale import to_colors, to_grayscale
from inkwear.preprocess.normalize import normalize, scale_to_one, unsqueeze
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
