"""What a classifier says of a picture, and what it makes of it on the way."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from inkwear.preprocess.framing import Framed
from inkwear.preprocess.notes import Note
from inkwear.preprocess.spec import Floats, Pixels

if TYPE_CHECKING:
    from inkwear.numbers.components import Box
    from inkwear.numbers.score import Candidate, Line


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit of a number.

    Attributes:
        label: its class name.
        confidence: the probability of that class.
        box: left, top, right, bottom around its ink, in pixels of the picture as the file has it, turned upright.
        pixels: (28, 28) uint8, what the network saw.
    """

    label: str
    confidence: float
    box: "Box"
    pixels: Pixels


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a classifier says of one picture.

    Attributes:
        status: ``ok``; ``unsure`` where the confidence is below the export's ``reject_threshold``, so that the label is
            only the likeliest; ``blank`` where there is nothing to read: then there is no label and no probability.
        class_names: of the model, in the order of ``probabilities``.
        probabilities: one for each class, adding up to 1; empty where the picture is blank or a number.
        pixels: (28, 28) uint8, what the network saw: all of the picture, also where it is a number.
        notes: how it came to be.
        digits: of a number, as one reads: line by line, each from left to right; empty where it is one thing.
    """

    status: Literal["ok", "unsure", "blank"]
    class_names: tuple[str, ...]
    probabilities: tuple[float, ...]
    pixels: Pixels
    notes: tuple[Note, ...]
    digits: tuple[Digit, ...] = ()

    @property
    def class_id(self) -> int | None:
        return self.probabilities.index(max(self.probabilities)) if self.probabilities else None

    @property
    def label(self) -> str | None:
        """A class name; of a number the digits' in a row, such as 4711."""
        if self.digits:
            return "".join(digit.label for digit in self.digits)
        return None if self.class_id is None else self.class_names[self.class_id]

    @property
    def confidence(self) -> float | None:
        """The label's probability; of a number, that of its least certain digit."""
        if self.digits:
            return min(digit.confidence for digit in self.digits)
        return max(self.probabilities, default=None)

    def top(self, k: int) -> list[tuple[str, float]]:
        """Return the ``k`` most probable classes, best first."""
        ranked = sorted(range(len(self.probabilities)), key=self.probabilities.__getitem__, reverse=True)
        return [(self.class_names[class_id], self.probabilities[class_id]) for class_id in ranked[:k]]


@dataclass(frozen=True, eq=False)
class Segmented:
    """A picture, and what was found in it.

    Attributes:
        picture: (H, W) or (H, W, 3) uint8, upright.
        notes: how it came to be so.
        foreground: (h, w) float32 from 0, where there is background, to 255.
        found: notes of how it was found.
        longer_side: of the picture as the file has it, in pixels.
    """

    picture: Pixels
    notes: tuple[Note, ...]
    foreground: Floats
    found: tuple[Note, ...]
    longer_side: int


@dataclass(frozen=True, eq=False)
class Prepared:
    """A picture on its way to the network: framed as one thing, and split where it may be a number.

    Attributes:
        lines: what may be digits; empty where it is one thing.
        single: all of it as one digit, where there are lines.
        found: notes of what was done before it was framed.
        enlarged: pixels of the picture as the file has it for one of the foreground.
    """

    framed: Framed
    found: tuple[Note, ...]
    lines: "tuple[Line, ...]" = ()
    single: "Candidate | None" = None
    enlarged: float = 1

    def pixels(self) -> list[Pixels]:
        """All that the network has to see: the whole picture, then every candidate."""
        candidates = [candidate.pixels for line in self.lines for candidate in line.candidates]
        return [] if self.framed.blank else [self.framed.pixels, *candidates]

    def boxes(self) -> "list[Box]":
        """Where each of them is in the foreground, of a number."""
        assert self.single is not None
        return [self.single.box, *(candidate.box for line in self.lines for candidate in line.candidates)]

    @property
    def count(self) -> int:
        """How many that are."""
        return 0 if self.framed.blank else 1 + sum(len(line.candidates) for line in self.lines)
