"""Compares the answers of all models with the same classes on one picture."""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from PIL import Image

from inkwear.classifier import Classifier
from inkwear.errors import DeviceError, ModelFileError
from inkwear.onnx.metadata import ModelMetadata
from inkwear.prediction import Prediction, Prepared
from inkwear.preprocess.steps import InputSpec

RUNS = 3
"""Runs of a network of which the median time is reported."""


class Listed(Protocol):
    """A model as a catalog lists it."""

    @property
    def name(self) -> str: ...

    @property
    def metadata(self) -> ModelMetadata: ...


Entry = TypeVar("Entry", bound=Listed)


@dataclass(frozen=True, eq=False)
class Reading(Generic[Entry]):
    """The answer of one model.

    Attributes:
        entry: the model.
        prediction: None if there is an error.
        milliseconds: of its network alone for one image; None if there is an error.
        error: why there is no answer.
    """

    entry: Entry
    prediction: Prediction | None = None
    milliseconds: float | None = None
    error: Exception | None = None


@dataclass(frozen=True, eq=False)
class Comparison(Generic[Entry]):
    """The answers of all models, in the order in which the models were given.

    Attributes:
        readings: one for each model.
        label: the most frequent; of several the one of the earliest model. None if no model gives one.
        agreement: share of the answers with that label; None if there is no label.
    """

    readings: tuple[Reading[Entry], ...]
    label: str | None
    agreement: float | None

    @property
    def text(self) -> str | None:
        """The text of the earliest model with that label."""
        predictions = [reading.prediction for reading in self.readings if reading.prediction]
        return next((prediction.text for prediction in predictions if prediction.label == self.label), None)


def compare(
    picture: Image.Image, metadata: ModelMetadata, entries: Sequence[Entry], open_model: Callable[[str], Classifier]
) -> Comparison[Entry]:
    """Let every model with the same classes read a picture; one that cannot be opened or run has its error instead.

    Args:
        picture: opened by ``inkwear.open_image``.
        metadata: of any of these models.
        entries: all models, the best first; those with other classes are left out.
        open_model: returns the classifier of a name.
    """
    prepared_images: dict[InputSpec, Prepared] = {}
    same_classes = [entry for entry in entries if entry.metadata.class_names == metadata.class_names]
    readings = tuple(_reading(entry, picture, prepared_images, open_model) for entry in same_classes)
    return Comparison(readings, *majority([reading.prediction for reading in readings if reading.prediction]))


def majority(predictions: Sequence[Prediction]) -> tuple[str | None, float | None]:
    """Return the most frequent label, the first of several, and its share."""
    labels = [prediction.label for prediction in predictions]
    votes = Counter(label for label in labels if label is not None)
    if not votes:
        return None, None
    [(label, count)] = votes.most_common(1)
    return label, count / len(labels)


def _reading(
    entry: Entry,
    picture: Image.Image,
    prepared_images: dict[InputSpec, Prepared],
    open_model: Callable[[str], Classifier],
) -> Reading[Entry]:
    try:
        classifier = open_model(entry.name)
        spec = classifier.metadata.input
        if spec not in prepared_images:  # it depends on nothing else
            prepared_images[spec] = classifier.frame(classifier.segment(picture))
        [prediction] = classifier.predict_prepared([prepared_images[spec]])
        return Reading(entry, prediction, _milliseconds(classifier, prepared_images[spec]))
    except (ModelFileError, DeviceError) as error:
        return Reading(entry, error=error)


def _milliseconds(classifier: Classifier, prepared: Prepared) -> float:
    """Measure the time of the network for one framed image, which it has read before."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        classifier.logits(prepared.framed.pixels[None])
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)
