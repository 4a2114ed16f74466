"""Digit or garment? Networks of several sets read each picture, and the surest answer stands."""

import hashlib
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from inkwear.classifier import Classifier
from inkwear.onnx.session import Runtime
from inkwear.prediction import Prediction, Prepared
from inkwear.preprocess.notes import Note
from inkwear.preprocess.steps import SIZE, Pixels

STATUSES = ("blank", "unsure", "ok")
"""From the least sure to the surest."""

WEIGHT_OF_WHOLE = 2
"""Weight of the confidence of a network for photographs, where no network is sure: it has learned digits as nothing.

Of 323 photographs of clothing and 563 real pictures of digits the right set answered 91.6 and 99.3 % with weight 1,
96.6 and 97.7 % with 1.5, 98.1 and 96.3 % with 2, 99.4 and 94.5 % with 3 (``python -m benchmarks.wardrobe``).
"""


@dataclass(frozen=True, eq=False)
class Question:
    """A picture prepared for each network that is asked about it, by the network's place."""

    prepared: dict[int, Prepared]


class Auto:
    """Several classifiers that answer as one: the surest of the sets, and ``unsure`` where two sets are sure.

    Args:
        classifiers: of each set one or two: one for images of 28×28 pixels, one for whole photographs. Where a set has
            both, images that its data set could hold as they are go to the first, and all others to the second.

    Raises:
        ValueError: there is no classifier, two have the same name, or a set has two for the same pictures.
    """

    name = "auto"

    def __init__(self, classifiers: Sequence[Classifier]) -> None:
        self.classifiers = tuple(classifiers)
        self._sets: dict[tuple[str, ...], dict[bool, int]] = {}
        names = [classifier.name for classifier in self.classifiers]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two files are named {twice}; answers could not say which of them gave them.")
        for place, classifier in enumerate(self.classifiers):
            metadata = classifier.metadata
            of_set = self._sets.setdefault(metadata.class_names, {})
            if metadata.input.whole in of_set:
                twin = self.classifiers[of_set[metadata.input.whole]]
                raise ValueError(f"{twin.name} and {classifier.name} read the same pictures of {metadata.title}.")
            of_set[metadata.input.whole] = place
        if not self._sets:
            raise ValueError("there is no classifier.")

    @classmethod
    def of(cls, classifiers: Sequence[Classifier]) -> "Classifier | Auto":
        """Return the one classifier as it is, or several as one; what is taken and raised as by ``Auto``."""
        return classifiers[0] if len(classifiers) == 1 else cls(classifiers)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes of all sets."""
        return tuple(name for names in self._sets for name in names)

    @property
    def digest(self) -> str:
        """SHA-256 of those of all files."""
        return hashlib.sha256("".join(each.digest for each in self.classifiers).encode()).hexdigest()

    @property
    def runtime(self) -> Runtime:
        """Where the first network runs; all are opened on the same device."""
        return self.classifiers[0].runtime

    @property
    def seconds(self) -> float:
        return sum(classifier.seconds for classifier in self.classifiers)

    def member(self, prediction: Prediction) -> Classifier:
        """Return the classifier that a prediction of this one comes from."""
        return next(each for each in self.classifiers if each.name == prediction.model)

    def predict(self, images: Sequence[Image.Image], draft: bool = False) -> list[Prediction]:
        """Read pictures; what is taken and raised as by ``Classifier.predict``."""
        return self.predict_prepared([self.prepare(image, draft) for image in images])

    def prepare(self, image: Image.Image, draft: bool = False) -> Question:
        """Prepare a picture for one network of each set."""
        is_whole = max(image.size) > SIZE
        asked = [of_set.get(is_whole, min(of_set.values())) for of_set in self._sets.values()]
        return Question({place: self.classifiers[place].prepare(image, draft) for place in asked})

    def prepare_framed(self, pictures: Pixels) -> list[Question | None]:
        """Return None for each picture, as ``Classifier.prepare_framed`` does for those that need a closer look."""
        return [None] * len(pictures)

    def predict_prepared(self, questions: Sequence[Question]) -> list[Prediction]:
        """Run the networks on prepared pictures; return the surest prediction of each, which names its model."""
        answers: list[list[Prediction]] = [[] for _ in questions]
        for place, classifier in enumerate(self.classifiers):
            asked = [number for number, question in enumerate(questions) if place in question.prepared]
            prepared = [questions[number].prepared[place] for number in asked]
            for number, prediction in zip(asked, classifier.predict_prepared(prepared), strict=True):
                answers[number].append(replace(prediction, model=classifier.name))
        whole = {classifier.name for classifier in self.classifiers if classifier.metadata.input.whole}
        return [_surest(of_picture, whole) for of_picture in answers]


def _surest(predictions: Sequence[Prediction], whole: Container[str | None] = ()) -> Prediction:
    """Return the surest prediction with a note of the next one; it is ``unsure`` where both are sure.

    ``whole`` are the names of models that read whole photographs.
    """

    def sureness(prediction: Prediction) -> tuple[int, float]:
        weight = WEIGHT_OF_WHOLE if prediction.status == "unsure" and prediction.model in whole else 1
        return STATUSES.index(prediction.status), weight * (prediction.confidence or 0)

    first, *others = sorted(predictions, key=sureness, reverse=True)
    if not others or first.status == "blank":
        return first
    second = others[0]
    values: dict[str, str | int] = {"model": first.model or "", "other": second.model or ""}
    if second.status == "ok":
        values["label"] = second.text or ""
        return replace(first, status="unsure", notes=(*first.notes, Note("either", values)))
    return replace(first, notes=(*first.notes, Note("surer", values)))
