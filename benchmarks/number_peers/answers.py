"""What a reader answers about pictures of digits, and Inkwear's answers with the time that they take."""

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.number_peers.pictures import Picture
from inkwear.classifier import Classifier
from inkwear.images.decode import open_image


@dataclass(frozen=True)
class Answer:
    """What a reader made of a picture.

    Attributes:
        name: of the picture.
        right: the digits that it shows.
        read: the digits that were read; empty if there were none.
        milliseconds: it took.
        status: of Inkwear's prediction, or ``error``; empty for a peer.
        confidence: of Inkwear's prediction; 0 if there is none.
    """

    name: str
    right: str
    read: str
    milliseconds: float
    status: str = ""
    confidence: float = 0

    @property
    def is_right(self) -> bool:
        return self.read == self.right

    @property
    def is_surely_wrong(self) -> bool:
        """Whether the answer is wrong and says ``ok``."""
        return self.status == "ok" and not self.is_right


def read_all(classifier: Classifier, pictures: Iterable[Picture]) -> list[Answer]:
    """Read pictures one after the other; the first is read twice, as the first time takes longer."""
    pictures = iter(pictures)
    first = next(pictures, None)
    if first is None:
        return []
    read(classifier, first)
    return [read(classifier, first), *(read(classifier, picture) for picture in pictures)]


def read(classifier: Classifier, picture: Picture) -> Answer:
    """Decode and read one picture; an exception is an answer too."""
    started = time.perf_counter()
    try:
        prediction = classifier.predict([open_image(picture.source)])[0]
    except Exception as error:  # a crash costs one picture, not the table
        print(f"{picture.name}: {type(error).__name__}: {error}", file=sys.stderr)
        return Answer(picture.name, picture.digits, "", _milliseconds_since(started), "error")
    milliseconds = _milliseconds_since(started)
    label, confidence = prediction.label or "", prediction.confidence or 0
    return Answer(picture.name, picture.digits, label, milliseconds, prediction.status, confidence)


def _milliseconds_since(started: float) -> float:
    return 1000 * (time.perf_counter() - started)
