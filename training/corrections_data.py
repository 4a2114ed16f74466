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
from inkwear.preprocess.spec import Pixels
from training.datasets import Dataset
from training.errors import DataError
from training.splits import Split, to_split

MAX_REPEATS = 100
"""Times that a correction is shown in an epoch; a handful alone would otherwise be learnt by heart."""


@dataclass(frozen=True, eq=False)
class CorrectedImages:
    """Corrections of one data set: ``pixels`` (N, 28, 28) and ``labels`` (N,), uint8, sorted by their pixels."""

    pixels: Pixels
    labels: Pixels

    def __str__(self) -> str:
        """Return the number and the beginning of the SHA-256, by which an export names its corrections."""
        digest = hashlib.sha256(self.pixels.tobytes() + self.labels.tobytes()).hexdigest()
        return f"{len(self.labels)} correction{'s' if len(self.labels) > 1 else ''}, sha256 {digest[:12]}"

    def mixed_into(self, train: Split, share: float, dataset: Dataset) -> Split:
        """Add the corrections to ``train``, repeated to make up ``share`` of all, at most ``MAX_REPEATS`` times.

        Args:
            train: the training images.
            share: of the images of an epoch.
            dataset: states mean and deviation.
        """
        times = repeats(len(self.labels), len(train.labels), share)
        corrected = to_split(self.pixels, self.labels, dataset).to(train.labels.device)
        return train.joined(Split(_repeated(corrected.images, times), _repeated(corrected.labels, times)))


def repeats(corrections: int, others: int, share: float) -> int:
    """Return how often each correction is shown in an epoch.

    Args:
        corrections: their number.
        others: number of the other training images.
        share: of the images of an epoch that should be corrections.
    """
    return min(max(1, round(share / (1 - share) * others / corrections)), MAX_REPEATS)


def _repeated(values: Tensor, times: int) -> Tensor:
    return values.repeat(times, *[1] * (values.dim() - 1))


def load_corrections(sources: Sequence[Path], dataset: Dataset) -> CorrectedImages:
    """Read the corrections of a data set; those of other data sets are left out and counted on stderr.

    Of several corrections of the same pixels, the newest counts.

    Args:
        sources: folders of ``python -m app --corrections``, or ZIPs exported by it.
        dataset: whose corrections.

    Raises:
        DataError: none is of this data set, or a label is not one of its classes.
    """
    corrections = [correction for source in sources for correction in read_corrections(source)]
    _report_others(corrections, dataset)
    size = dataset.input.size
    usable = [each for each in corrections if each.dataset == dataset.name and len(each.pixels) == size]
    ours = sorted(usable, key=lambda each: each.created)
    unknown = [f"{each.id} says {each.label!r}" for each in ours if each.label not in dataset.class_names]
    where = ", ".join(map(str, sources))
    if unknown:
        raise DataError(
            f"{where}: labels that are no classes of {dataset.name}: {', '.join(unknown)}. "
            f"Known: {', '.join(dataset.class_names)}. Delete or correct these."
        )
    if not ours:
        raise DataError(f"{where}: holds no corrections of {dataset.name}. Leave --extra-data out, or make some first.")
    newest = sorted({each.pixels.tobytes(): each for each in ours}.items())  # whatever order they were made in
    labels = [dataset.class_names.index(each.label) for _, each in newest]
    return CorrectedImages(np.stack([each.pixels for _, each in newest]), np.array(labels, np.uint8))


def _report_others(corrections: Sequence[Correction], dataset: Dataset) -> None:
    others = Counter(each.dataset for each in corrections if each.dataset != dataset.name)
    reasons = {f"are of {name}, not {dataset.name}": count for name, count in others.items()}
    sizes = Counter(len(each.pixels) for each in corrections if each.dataset == dataset.name)
    size = dataset.input.size
    reasons |= {f"have {side}×{side} pixels, not {size}×{size}": sizes[side] for side in sizes if side != size}
    for reason, count in reasons.items():
        print(f"--extra-data: {count} of {len(corrections)} {reason}: left out.", file=sys.stderr)
