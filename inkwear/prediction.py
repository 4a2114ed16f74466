"""What a classifier answers, and its intermediate results."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from inkwear.preprocess.framing import Framed
from inkwear.preprocess.notes import Note
from inkwear.preprocess.spec import Floats, Pixels

if TYPE_CHECKING:
    from inkwear.numbers.components import Box
    from inkwear.numbers.reading import ReadLine, ReadPage
    from inkwear.numbers.score import Candidate, Line

ReadBy = Literal["model", "line reader", "both"]
"""What read the digits of a number: the model, the reader of whole lines beside it, or both together."""


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit of a number.

    Attributes:
        label: its class name.
        confidence: the probability of that class.
        box: left, top, right, bottom around its ink, in pixels of the file's picture, turned upright.
        pixels: (28, 28) uint8, as the network saw it.
    """

    label: str
    confidence: float
    box: "Box"
    pixels: Pixels


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer for one picture.

    Attributes:
        status: ``ok``; ``unsure`` if the confidence is below the export's ``reject_threshold``, so that the label is
            only the likeliest; ``blank`` if there is nothing to read, and so no label and no probability.
        class_names: of the model, in the order of ``probabilities``.
        probabilities: one for each class, adding up to 1; empty if the picture is blank or a number.
        pixels: (S, S) uint8 as the network saw it, S mostly 28: the whole picture, also if it is a number, or one digit
            alone if other marks stand beside it.
        notes: what was done to the picture.
        digits: of a number in reading order, line by line from left to right; empty if it is one thing.
        written: all that was read, with separators, signs and line breaks; None if nothing is known but the label.
        reader: what read the digits of a number; None for one thing.
        model: name of the model that was surest, where several were asked (``inkwear.Auto``); otherwise None.
    """

    status: Literal["ok", "unsure", "blank"]
    class_names: tuple[str, ...]
    probabilities: tuple[float, ...]
    pixels: Pixels
    notes: tuple[Note, ...]
    digits: tuple[Digit, ...] = ()
    written: str | None = None
    reader: ReadBy | None = None
    model: str | None = None

    @property
    def class_id(self) -> int | None:
        return self.probabilities.index(max(self.probabilities)) if self.probabilities else None

    @property
    def label(self) -> str | None:
        """A class name; the digits of a number in a row, such as 4711."""
        if self.digits:
            return "".join(digit.label for digit in self.digits)
        return None if self.class_id is None else self.class_names[self.class_id]

    @property
    def text(self) -> str | None:
        """All that was read, separators and signs kept, such as 1.234,- where the label is 1234."""
        return self.label if self.written is None else self.written

    @property
    def confidence(self) -> float | None:
        """The label's probability; that of the least certain digit of a number."""
        if self.digits:
            return min(digit.confidence for digit in self.digits)
        return max(self.probabilities, default=None)

    def top(self, k: int) -> list[tuple[str, float]]:
        """Return the ``k`` most probable classes, best first."""
        ranked = sorted(range(len(self.probabilities)), key=self.probabilities.__getitem__, reverse=True)
        return [(self.class_names[class_id], self.probabilities[class_id]) for class_id in ranked[:k]]


@dataclass(frozen=True, eq=False)
class Segmented:
    """A picture separated into foreground and background.

    Attributes:
        picture: (H, W) or (H, W, 3) uint8, upright.
        notes: how it was converted.
        foreground: (h, w) float32 from 0, where there is background, to 255.
        found: how the foreground was found.
        longer_side: of the file's picture, in pixels.
    """

    picture: Pixels
    notes: tuple[Note, ...]
    foreground: Floats
    found: tuple[Note, ...]
    longer_side: int


@dataclass(frozen=True, eq=False)
class Prepared:
    """A picture ready for the network: framed as one thing, and split if it may be a number.

    Attributes:
        framed: the whole picture.
        found: notes of what was done before it was framed.
        lines: candidates for digits; empty if it is one thing.
        single: all of it as one digit, if there are lines.
        scale: pixels of the file's picture for one of the foreground.
        page: what the reader of lines has read; with it there are no candidates.
    """

    framed: Framed
    found: tuple[Note, ...]
    lines: "tuple[Line, ...]" = ()
    single: "Candidate | None" = None
    scale: float = 1
    page: "ReadPage | None" = None

    @property
    def read(self) -> "tuple[ReadLine, ...]":
        """Lines that the reader has read."""
        return self.page.lines if self.page else ()

    def pixels(self) -> list[Pixels]:
        """List what the network reads: the whole picture, then every candidate, or every digit that was read."""
        candidates = [candidate.pixels for line in self.lines for candidate in line.candidates]
        digits = [digit.pixels for line in self.read for digit in line.digits]
        return [] if self.framed.blank else [self.framed.pixels, *candidates, *digits]

    def boxes(self) -> "list[Box]":
        """List the boxes of ``pixels`` in the foreground of a number."""
        assert self.single is not None
        return [self.single.box, *(candidate.box for line in self.lines for candidate in line.candidates)]

    @property
    def count(self) -> int:
        """The number of ``pixels``."""
        candidates = sum(len(line.candidates) for line in self.lines)
        return 0 if self.framed.blank else 1 + candidates + sum(len(line.digits) for line in self.read)
