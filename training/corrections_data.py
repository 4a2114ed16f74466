"""Corrections made on the page, mixed into training."""

import hashlib
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from inkwear.corrections import Correction, read_corrections
from inkwear.preprocess.steps import Pixels
from training.datasets import DataError, Dataset, Split, to_split

MOST_OFTEN = 100
"""How often one correction is shown an epoch at most: a handful alone shall not be learnt by heart."""


@dataclass(frozen=True, eq=False)
class Extra:
    """Corrections of one data set: ``pixels`` (N, 28, 28) and ``labels`` (N,), uint8, in an order of their own."""

    pixels: Pixels
    labels: Pixels

    def __str__(self) -> str:
        """Return how many, and the beginning of their SHA-256: what an export says of them."""
        digest = hashlib.sha256(self.pixels.tobytes() + self.labels.tobytes()).hexdigest()
        return f"{len(self.labels)} correction{'s' if len(self.labels) > 1 else ''}, sha256 {digest[:12]}"

    def mixed_into(self, train: Split, share: float, dataset: Dataset) -> Split:
        """Add them to ``train``, each as often as it takes to make up ``share`` of all, but at most ``MOST_OFTEN``."""
        times = repeats(len(self.labels), len(train.labels), share)
        extra = to_split(self.pixels, self.labels, dataset).to(train.labels.device)
        return train.joined(Split(_repeated(extra.images, times), _repeated(extra.labels, times)))


def repeats(extra: int, others: int, share: float) -> int:
    """Return how often each of ``extra`` images is shown an epoch among so many ``others``."""
    return min(max(1, round(share / (1 - share) * others / extra)), MOST_OFTEN)


def _repeated(values: Tensor, times: int) -> Tensor:
    return values.repeat(times, *[1] * (values.dim() - 1))


def load_extra(sources: Sequence[Path], dataset: Dataset) -> Extra:
    """Read the corrections of a data set; those of others are left out, and their number is said.

    Where two sources tell of the same pixels, the newest counts, as it does in each.

    Raises:
        CorrectionsError: a source holds no corrections, or damaged ones.
        DataError: none is of this data set, or a label is not one of its classes.
    """
    corrections = [correction for source in sources for correction in read_corrections(source)]
    _say_what_is_left_out(corrections, dataset)
    ours = sorted((each for each in corrections if each.dataset == dataset.name), key=lambda each: each.created)
    strange = [f"{each.id} says {each.label!r}" for each in ours if each.label not in dataset.class_names]
    where = ", ".join(map(str, sources))
    if strange:
        raise DataError(
            f"{where}: labels that are no classes of {dataset.name}: {', '.join(strange)}. "
            f"Known: {', '.join(dataset.class_names)}. Delete or correct these."
        )
    if not ours:
        raise DataError(f"{where}: holds no corrections of {dataset.name}. Leave --extra-data out, or make some first.")
    newest = sorted({each.pixels.tobytes(): each for each in ours}.items())  # whatever order they were made in
    labels = [dataset.class_names.index(each.label) for _, each in newest]
    return Extra(np.stack([each.pixels for _, each in newest]), np.array(labels, np.uint8))


def _say_what_is_left_out(corrections: Sequence[Correction], dataset: Dataset) -> None:
    others = Counter(each.dataset for each in corrections if each.dataset != dataset.name)
    for name, count in others.items():
        print(
            f"--extra-data: {count} of {len(corrections)} are of {name}, not {dataset.name}: left out.", file=sys.stderr
        )
