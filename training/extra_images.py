"""Files of more images to train on, framed by the app's own preprocessing, beside the data sets."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inkwear.files import atomic_path, file_digest
from inkwear.preprocess.spec import SIZE, Pixels
from training.datasets import Dataset
from training.errors import DataError

NO_CLASS = 255
"""The label of an image that belongs to no class."""


@dataclass(frozen=True)
class ExtraImages:
    """Images for a data set by its name: ``pixels`` (N, 28, 28) and ``labels`` (N,), some ``NO_CLASS``; uint8."""

    dataset: str
    pixels: Pixels
    labels: Pixels


def save_extra_images(images: ExtraImages, path: Path) -> None:
    """Write images as ``.npz``, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, dataset=np.array(images.dataset), pixels=images.pixels, labels=images.labels)


def load_extra_images(path: Path, dataset: Dataset) -> ExtraImages:
    """Read images that ``save_extra_images`` wrote.

    Raises:
        DataError: the file is missing, damaged, or made for another data set.
    """
    try:
        with np.load(path) as stored:
            images = ExtraImages(str(stored["dataset"]), stored["pixels"], stored["labels"])
    except FileNotFoundError as error:
        raise _missing(path) from error
    except Exception as error:  # zipfile, zlib, KeyError or ValueError, as the damage has it
        raise DataError(f"{path}: not a file of extra images, or damaged ({error}). Make it again.") from error
    if images.dataset != dataset.name:
        raise DataError(f"{path}: holds images for {images.dataset}, not for {dataset.name}.")
    if images.pixels.shape[1:] != (SIZE, SIZE) or images.labels.shape != images.pixels.shape[:1]:
        raise DataError(f"{path}: {images.pixels.shape} pixels and {images.labels.shape} labels do not fit together.")
    unknown = set(np.unique(images.labels).tolist()) - {*range(len(dataset.class_names)), NO_CLASS}
    if unknown:
        raise DataError(f"{path}: labels {sorted(unknown)} are neither classes of {dataset.name} nor {NO_CLASS}.")
    return images


def describe_extra_images(path: Path) -> str:
    """Return the name of a file and the beginning of its SHA-256, by which an export names what it learnt from.

    Raises:
        DataError: the file is missing.
    """
    if not path.exists():
        raise _missing(path)
    return f"{path.name} {file_digest(path)[:12]}"


def _missing(path: Path) -> DataError:
    return DataError(f"{path} is missing. Make it with python -m training.simulate or training.photos.")
