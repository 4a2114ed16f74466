"""A part of a data set as two tensors, ready to be learnt from."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inkwear.preprocess.spec import Pixels
from inkwear.preprocess.steps import normalize, unsqueeze
from training.datasets import Dataset, Part, load_pixels


@dataclass(frozen=True)
class Split:
    """Normalized ``images`` (N, 1, 28, 28) float32 and their ``labels`` (N,) int64."""

    images: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> "Split":
        return Split(self.images.to(device), self.labels.to(device))

    def joined(self, other: "Split") -> "Split":
        return Split(torch.cat([self.images, other.images]), torch.cat([self.labels, other.labels]))


def load_split(dataset: Dataset, part: Part, data_dir: Path) -> Split:
    """Load one part of a data set, normalized by the code that serves it.

    Args:
        dataset: its facts.
        part: ``train`` has 55,000 images, ``validation`` 5,000 of the same 60,000 (or ``dataset.validation_size``),
            ``test`` 10,000.
        data_dir: torchvision's folder of data sets.
    """
    return to_split(*load_pixels(dataset, part, data_dir), dataset)


def to_split(pixels: Pixels, labels: Pixels, dataset: Dataset) -> Split:
    """Normalize images as stored, (N, 28, 28) uint8, and put them with their labels, (N,) uint8, into tensors.

    Args:
        pixels: the images.
        labels: their classes.
        dataset: states mean and deviation.
    """
    images = unsqueeze(normalize(pixels, dataset.input))
    return Split(torch.from_numpy(images), torch.from_numpy(labels.astype(np.int64)))
