"""One picture, read by every model that tells the same classes apart."""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from PIL import Image

from inkwear.classifier import Classifier
from inkwear.onnx.metadata import ModelMetadata
from inkwear.onnx.session import DeviceError, ModelFileError
from inkwear.prediction import Prediction, Prepared
from inkwear.preprocess.steps import InputSpec

RUNS = 3
"""The median of so many is the time that a network takes for a picture."""


class Listed(Protocol):
    """A model as a catalog lists it."""

    @property
    def name(self) -> str: ...

    @property
    def metadata(self) -> ModelMetadata: ...


Entry = TypeVar("Entry", bound=Listed)


@dataclass(frozen=True, eq=False)
class Reading(Generic[Entry]):
    """What one model says: a ``prediction``, and the ``milliseconds`` of its network alone for one 28×28 image.

    Or ``error``, why it says nothing.
    """

    entry: Entry
    prediction: Prediction | None = None
    milliseconds: float | None = None
    error: Exception | None = None


@dataclass(frozen=True, eq=False)
class Comparison(Generic[Entry]):
    """What all say, in the order in which the models were given.

    Attributes:
        readings: one for each model.
        label: what most say; of two that as many say, what the earlier model says. None where nobody says any.
        agreement: share of the models with an answer that say it; None where there is no label.
    """

    readings: tuple[Reading[Entry], ...]
    label: str | None
    agreement: float | None


def compare(
    picture: Image.Image, metadata: ModelMetadata, entries: Sequence[Entry], open_model: Callable[[str], Classifier]
) -> Comparison[Entry]:
    """Let every model of a set read a picture; one that cannot be opened or run has its error in its place.

    Args:
        picture: to be read.
        metadata: of a model; its class names are those of the set.
        entries: the models there are, the best first; those with other class names are left out.
        open_model: gives the classifier of a name.
    """
    prepared_images: dict[InputSpec, Prepared] = {}
    of_the_set = [entry for entry in entries if entry.metadata.class_names == metadata.class_names]
    readings = tuple(_reading(entry, picture, prepared_images, open_model) for entry in of_the_set)
    return Comparison(readings, *majority([reading.prediction for reading in readings if reading.prediction]))


def majority(predictions: Sequence[Prediction]) -> tuple[str | None, float | None]:
    """Return the label that most predictions have, the first of those as frequent, and the share that has it."""
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
        if spec not in prepared_images:  # the classes being the same, the pictures differ no further
            prepared_images[spec] = classifier.frame(classifier.segment(picture))
        [prediction] = classifier.predict_prepared([prepared_images[spec]])
        return Reading(entry, prediction, _milliseconds(classifier, prepared_images[spec]))
    except (ModelFileError, DeviceError) as error:
        return Reading(entry, error=error)


def _milliseconds(classifier: Classifier, prepared: Prepared) -> float:
    """Time of the network for one framed image: the median of ``RUNS``, after ``read`` has warmed it up."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        classifier.logits(prepared.framed.pixels[None])
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)
