"""How well an export reads pictures as people send them: simulated, condition by condition, and real photographs."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import numpy as np
from PIL import Image

from inkwear.classifier import Classifier
from inkwear.images.decode import open_image
from inkwear.prediction import Prediction
from training.datasets import VALIDATION_SIZE, Dataset, Part, find_dataset, load_pixels
from training.evaluate import Result
from training.extra_images import NO_CLASS
from training.photographs import find_photographs
from training.recipes import current_config
from training.simulate import mixed_picture
from training.simulator import CONDITIONS, originals, simulate
from training.simulator.numbers import numbers

SEED = 20_260_201
"""Seed of the pictures that networks are chosen by; no training uses it."""

NUMBERS = ("numbers/apart", "numbers/touching")
"""Conditions of numbers of 2 to 8 digits."""

CHUNK = 100
"""Pictures classified at a time."""


def simulated(
    classifier: Classifier,
    count: int,
    seed: int,
    data_dir: Path,
    conditions: Sequence[str] = (),
    part: Part = "test",
) -> Iterator[Result]:
    """Simulate pictures of random images in every condition of the classifier's data set, and read them.

    For digits there are also numbers of 2 to 8 of them, which are right only as a whole.

    Args:
        classifier: the export.
        count: pictures for each condition, at most one of each image.
        seed: decides the images and everything else.
        data_dir: torchvision's folder of data sets.
        conditions: names of the conditions to simulate; none simulates all.
        part: of the data set; ``validation`` to choose by.

    Raises:
        ValueError: there is no condition with such a name.
    """
    dataset = _dataset_of(classifier)
    known = [*CONDITIONS[dataset.name], *(NUMBERS if dataset.input.stroke else ())]
    if unknown := set(conditions) - set(known):
        raise ValueError(f"There is no condition {', '.join(sorted(unknown))}. Known: {', '.join(known)}.")
    asked = conditions or known
    pixels, labels = load_pixels(dataset, part, data_dir)
    chosen = np.random.default_rng(seed).permutation(len(labels))[:count]
    images = originals(dataset.name, pixels[chosen], labels[chosen], seed)
    for name, condition in CONDITIONS[dataset.name].items():
        if name not in asked:
            continue
        predictions = _predictions(classifier, simulate(images, condition, seed))
        answers = zip(predictions, labels[chosen].tolist(), strict=True)
        yield Result.of(name, ((prediction, prediction.class_id == label) for prediction, label in answers))
    for name in (name for name in NUMBERS if name in asked):
        pictures = numbers(pixels, labels, count, seed, touching=name == NUMBERS[1])
        read = ((classifier.predict([picture])[0], number) for number, picture in pictures)
        yield Result.of(name, ((prediction, prediction.label == number) for prediction, number in read))


def real_accuracy(classifier: Classifier, count: int, data_dir: Path) -> float:
    """Return the accuracy on ``count`` simulated pictures of validation images in mixed conditions.

    Networks are chosen by it, so the test images stay unseen.

    Args:
        classifier: the export.
        count: of pictures.
        data_dir: torchvision's folder of data sets.
    """
    dataset = _dataset_of(classifier)
    pixels, labels = load_pixels(dataset, "validation", data_dir)
    right = 0
    images = originals(dataset.name, pixels[:count], labels[:count], SEED)
    for index, (image, label) in enumerate(zip(images, labels[:count], strict=True)):
        right += classifier.predict([mixed_picture(dataset.name, image, SEED, index)])[0].class_id == int(label)
    return right / min(count, len(labels))


def _dataset_of(classifier: Classifier) -> Dataset:
    """Return the data set of an export, with the validation images that its own training held out."""
    recipe = current_config(classifier.metadata.recipe)
    return find_dataset(classifier.metadata.dataset, recipe.get("validation_size", VALIDATION_SIZE))


def photographed(classifier: Classifier, folder: Path) -> Iterator[Result]:
    """Read the photographs of clothing by senders that training left out: class by class, all, and those of no class.

    Raises:
        DataError: there are none in ``folder``.
    """
    found = [each for each in find_photographs(folder) if each.is_held_out]
    by_label: dict[int, list[tuple[Prediction, bool]]] = defaultdict(list)
    for each in found:
        [prediction] = classifier.predict([open_image(each.path)])
        by_label[each.label].append((prediction, prediction.class_id == each.label))
    unknown = by_label.pop(NO_CLASS, [])
    for label, answers in sorted(by_label.items()):
        yield Result.of(classifier.class_names[label], answers)
    yield Result.of("all photographs", chain.from_iterable(by_label.values()))
    if unknown:
        yield Result.of("of no class", unknown)


def _predictions(classifier: Classifier, pictures: Iterator[Image.Image]) -> Iterator[Prediction]:
    while part := list(islice(pictures, CHUNK)):
        yield from classifier.predict(part)
