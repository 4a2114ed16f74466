"""More images to train on: framed by the app's own preprocessing, kept in a file beside the data sets."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inkwear.files import atomic_path
from inkwear.preprocess.steps import SIZE, Pixels
from training.datasets import DataError, Dataset

NO_CLASS = 255
"""The label of an image that belongs to no class."""


@dataclass(frozen=True)
class Corpus:
    """Images as data set ``name`` stores them: ``pixels`` (N, 28, 28) and ``labels`` (N,), or ``NO_CLASS``: uint8."""

    name: str
    pixels: Pixels
    labels: Pixels


def save_corpus(corpus: Corpus, path: Path) -> None:
    """Write a corpus as ``.npz``, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, dataset=np.array(corpus.name), pixels=corpus.pixels, labels=corpus.labels)


def load_corpus(path: Path, dataset: Dataset) -> Corpus:
    """Read a corpus back.

    Raises:
        DataError: not there, damaged, or of another data set.
    """
    try:
        with np.load(path) as stored:
            corpus = Corpus(str(stored["dataset"]), stored["pixels"], stored["labels"])
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing. Make it with python -m training.simulate or training.photos.") from error
    except Exception as error:  # zipfile, zlib, KeyError and ValueError, as the damage has it
        raise DataError(f"{path}: not a corpus, or damaged ({error}). Make it again.") from error
    if corpus.name != dataset.name:
        raise DataError(f"{path}: holds images for {corpus.name}, not for {dataset.name}.")
    if corpus.pixels.shape[1:] != (SIZE, SIZE) or corpus.labels.shape != corpus.pixels.shape[:1]:
        raise DataError(f"{path}: {corpus.pixels.shape} pixels and {corpus.labels.shape} labels do not fit together.")
    strange = set(np.unique(corpus.labels).tolist()) - {*range(len(dataset.class_names)), NO_CLASS}
    if strange:
        raise DataError(f"{path}: labels {sorted(strange)} are neither classes of {dataset.name} nor {NO_CLASS}.")
    return corpus


def describe_corpus(path: Path) -> str:
    """Return the file's name and the beginning of its SHA-256, which say in an export what it was trained with."""
    if not path.exists():
        raise DataError(f"{path} is missing. Make it with python -m training.simulate or training.photos.")
    return f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
