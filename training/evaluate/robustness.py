"""How well an export reads pictures as people send them: simulated, condition by condition, and real photographs."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from inkwear.classifier import Classifier
from inkwear.images.decode import open_image
from training.datasets import VALIDATION_SIZE, Dataset, Part, find_dataset, load_pixels
from training.evaluate import Result
from training.photos import find_photos
from training.recipes import current_config
from training.simulate import MIXTURE
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
        DataError: the test set is missing or damaged.
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
        answers = _class_ids(classifier, simulate(images, condition, seed))
        right = sum(answer == int(label) for answer, label in zip(answers, labels[chosen], strict=True))
        yield Result(name, right, len(chosen))
    for name in (name for name in NUMBERS if name in asked):
        touching = name == NUMBERS[1]
        yield Result(name, _read_numbers(classifier, numbers(pixels, labels, count, seed, touching)), count)


def real_accuracy(classifier: Classifier, count: int, data_dir: Path) -> float:
    """Return the accuracy on ``count`` simulated pictures of validation images in mixed conditions.

    Networks are chosen by it, so the test images stay unseen.

    Args:
        classifier: the export.
        count: of pictures.
        data_dir: torchvision's folder of data sets.

    Raises:
        DataError: the training set is missing or damaged.
    """
    dataset = _dataset_of(classifier)
    pixels, labels = load_pixels(dataset, "validation", data_dir)
    shares = MIXTURE[dataset.name]
    right = 0
    images = originals(dataset.name, pixels[:count], labels[:count], SEED)
    for index, (image, label) in enumerate(zip(images, labels[:count], strict=True)):
        rng = np.random.default_rng([SEED, index])
        condition = CONDITIONS[dataset.name][rng.choice(list(shares), p=list(shares.values()))]
        right += classifier.predict([condition(image, rng)])[0].class_id == int(label)
    return right / min(count, len(labels))


def _dataset_of(classifier: Classifier) -> Dataset:
    """Return the data set of an export, with the validation images that its own training held out."""
    recipe = current_config(classifier.metadata.recipe)
    return find_dataset(classifier.metadata.dataset, recipe.get("validation_size", VALIDATION_SIZE))


def photographed(classifier: Classifier, folder: Path) -> Iterator[Result]:
    """Read the photographs of clothing that training left out, kind by kind, and all together.

    Raises:
        ValueError: there are none in ``folder``.
        ImageError: one cannot be opened.
    """
    found = find_photos(folder, held_out=True)
    labels = [prediction.label for prediction in classifier.predict([open_image(path) for path, _ in found])]
    right = np.array([label in classes for label, (_, classes) in zip(labels, found, strict=True)])
    kinds = np.array([path.parent.name for path, _ in found])
    for kind in dict.fromkeys(kinds):
        yield Result(kind, int(right[kinds == kind].sum()), int((kinds == kind).sum()))
    yield Result("all photographs", int(right.sum()), len(right))


def _read_numbers(classifier: Classifier, pictures: Iterator[tuple[str, Image.Image]]) -> int:
    """Return how many numbers are read without a mistake."""
    return sum(classifier.predict([picture])[0].label == number for number, picture in pictures)


def _class_ids(classifier: Classifier, pictures: Iterator[Image.Image]) -> Iterator[int | None]:
    while part := list(islice(pictures, CHUNK)):
        yield from (prediction.class_id for prediction in classifier.predict(part))
