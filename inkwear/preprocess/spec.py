"""The numbers that say how a network expects its pictures; every exported file carries them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

SIZE = 28
"""Pixels along each side of an image of the data sets, and of the square that most networks read."""

MAX_SIZE = 512
"""Pixels along each side of the largest square that a network may read."""

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class InputSpec:
    """How the images of a data set were made, and therefore how a picture is made to look like one of them.

    Attributes:
        mean, std: mean and standard deviation of the training set's pixels, as fractions of 255.
        box: longest side of the object inside the frame, in pixels.
        centering: ``"mass"`` centers the object by its center of mass, ``"box"`` by its bounding box.
        full_range: whether the brightest pixel of the object is raised to 255.
        stroke: smallest and largest usual width of a stroke, in pixels of the frame; None where there are no strokes.
        even_lighting: whether ink may stand on paper in any light, where a network finds it.
        size: pixels along each side of the square that the network reads; other than 28 only with ``whole``.
        whole: whether it reads whole pictures in gray, as they are, and no object on black.
    """

    mean: float
    std: float
    box: int
    centering: Literal["mass", "box"]
    full_range: bool
    stroke: tuple[float, float] | None
    even_lighting: bool
    size: int = SIZE
    whole: bool = False

    def __post_init__(self) -> None:
        if self.stroke is not None:
            object.__setattr__(self, "stroke", tuple(map(float, self.stroke)))  # JSON gives a list
        if not 1e-3 <= self.std <= 10:
            raise ValueError(f"InputSpec.std is {self.std}; a standard deviation of 0.001 to 10 is needed.")
        if not -1 <= self.mean <= 1:
            raise ValueError(f"InputSpec.mean is {self.mean}; a fraction of white is needed.")
        if self.stroke is not None and not (len(self.stroke) == 2 and 0 < self.stroke[0] <= self.stroke[1] <= SIZE):
            raise ValueError(f"InputSpec.stroke is {self.stroke}; two widths of 0 to {SIZE} pixels are needed.")
        if not SIZE <= self.size <= (MAX_SIZE if self.whole else SIZE):
            most = f"up to {MAX_SIZE} with whole pictures" if self.whole else "no other without whole pictures"
            raise ValueError(f"InputSpec.size is {self.size}; {SIZE} pixels are needed, {most}.")
        if not 1 <= self.box <= self.size:
            raise ValueError(f"InputSpec.box is {self.box}; a side of 1 to {self.size} pixels is needed.")
        if self.centering not in ("mass", "box"):
            raise ValueError(f"InputSpec.centering is {self.centering!r}; 'mass' or 'box' is needed.")
