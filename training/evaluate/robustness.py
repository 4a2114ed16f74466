"""How well an export reads what people send: simulated pictures, condition by condition, and real photographs."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.datasets import VALIDATION_SIZE, Dataset, Part, find_dataset, load_pixels
from training.photos import find_photos
from training.simulate import MIXTURE
from training.simulator import CONDITIONS, originals, simulate
from training.simulator.numbers import numbers

if TYPE_CHECKING:
    from PIL import Image

    from inkwear.classifier import Classifier

SEED = 20_260_201
"""Of the pictures to choose by: no training sees them."""

NUMBERS = ("numbers/apart", "numbers/touching")
"""Conditions of numbers of 2 to 8 digits."""

CHUNK = 100
"""Pictures that are classified at a time."""


def simulated(
    classifier: "Classifier",
    count: int,
    seed: int,
    data_dir: Path,
    conditions: Sequence[str] = (),
    part: Part = "test",
) -> Iterator[tuple[str, int, int]]:
    """Simulate pictures of random images in every condition of the classifier's data set, and read them.

    Where the images are digits there are numbers of 2 to 8 of them too, right when every digit is.

    Args:
        classifier: reads them, from picture to answer.
        count: pictures for each condition; more than the images there are is as many as there are.
        seed: decides the images and everything else.
        data_dir: torchvision's folder.
        conditions: names of those to simulate; all where there is none.
        part: whose images; ``validation`` to choose by.

    Yields:
        The condition's name, how many pictures were read right, and how many there were.

    Raises:
        DataError: the test set is missing or damaged.
        ValueError: there is no condition of such a name.
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
        yield name, right, len(chosen)
    for name in (name for name in NUMBERS if name in asked):
        yield name, _read_numbers(classifier, numbers(pixels, labels, count, seed, name == NUMBERS[1])), count


def real_accuracy(classifier: "Classifier", count: int, data_dir: Path) -> float:
    """Return the share that is read right of ``count`` simulated pictures of validation images, conditions mixed.

    For choosing: the test images stay unseen.

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


def _dataset_of(classifier: "Classifier") -> Dataset:
    """Return the data set of an export, with as many validation images as its own training held out."""
    metadata = classifier.metadata
    return find_dataset(metadata.dataset, metadata.recipe.get("held_out", VALIDATION_SIZE))


def photographed(classifier: "Classifier", folder: Path) -> Iterator[tuple[str, int, int]]:
    """Read the photographs of clothing that training left out; yields as ``simulated``, kind by kind.

    Raises:
        ValueError: there are none in ``folder``.
        ImageError: one cannot be opened.
    """
    from inkwear.images.decode import open_image

    found = find_photos(folder, held_out=True)
    labels = [prediction.label for prediction in classifier.predict([open_image(path) for path, _ in found])]
    right = np.array([label in classes for label, (_, classes) in zip(labels, found, strict=True)])
    kinds = np.array([path.parent.name for path, _ in found])
    for kind in dict.fromkeys(kinds):
        yield kind, int(right[kinds == kind].sum()), int((kinds == kind).sum())
    yield "all photographs", int(right.sum()), len(right)


def _read_numbers(classifier: "Classifier", pictures: "Iterator[tuple[str, Image.Image]]") -> int:
    """Count the numbers that are read exactly."""
    return sum(classifier.predict([picture])[0].label == number for number, picture in pictures)


def _class_ids(classifier: "Classifier", pictures: "Iterator[Image.Image]") -> Iterator[int | None]:
    while part := list(islice(pictures, CHUNK)):
        yield from (prediction.class_id for prediction in classifier.predict(part))
