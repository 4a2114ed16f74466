"""Which ink an answer rests on: parts of it are covered with background, and the network is asked again.

Occlusion (Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2014, section 4.2), with the data
set's own background in the place of their gray square: what is covered then looks as if it had never been drawn. It
needs no gradients, and so works for any export.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkwear.classifier import Classifier
from inkwear.preprocess.steps import SIZE, Floats, Pixels

PATCHES = ((6, 2), (6, 3), (8, 4), (7, 7))
"""Sides and strides in pixels, the finest first. Six pixels break a stroke, which is two to three wide, and leave the
rest of a digit as it is; where the side is a multiple of the stride, every pixel is covered equally often."""

SECONDS = 2.0
"""A finer map than can be had in this time is not worth the waiting; the coarsest is made however long it takes."""

BATCH = 64
"""Pictures in one run of the network: more bring no speed, and AlexNet holds 3 MB of maps for each."""


@dataclass(frozen=True, eq=False)
class Saliency:
    """How much of an answer rests on each pixel.

    Attributes:
        class_id: the answer.
        values: (28, 28) float32 from -1 to 1; above 0 the ink there speaks for the answer, below 0 against it, at 0
            there is none, or it does not matter.
        nats: by how much the log-odds of the answer fall where ``values`` is 1.
        patch, stride: in pixels, of what was covered.
    """

    class_id: int
    values: Floats
    nats: float
    patch: int
    stride: int


def occlude(classifier: Classifier, pixels: Sequence[Pixels], class_ids: Sequence[int]) -> list[Saliency]:
    """Say for pictures that are framed already, (28, 28) uint8 each, what their answers rest on."""
    if not len(pixels):
        return []
    started = time.perf_counter()
    before = log_odds(classifier, np.stack(pixels), class_ids)
    patch, stride = choose_patch(pixels, (time.perf_counter() - started) / len(pixels))
    return [
        _occlude(classifier, image, class_id, float(odds), patch, stride)
        for image, class_id, odds in zip(pixels, class_ids, before, strict=True)
    ]


def choose_patch(pixels: Sequence[Pixels], seconds: float) -> tuple[int, int]:
    """Choose the finest of ``PATCHES`` for which ``seconds`` an image leave time enough, or the coarsest."""
    for patch, stride in PATCHES:
        if seconds * sum(len(_covering(image, patch, stride)) for image in pixels) <= SECONDS:
            return patch, stride
    return PATCHES[-1]


def log_odds(classifier: Classifier, pixels: Pixels, class_ids: Sequence[int]) -> NDArray[np.float64]:
    """Of a class for each picture against all others together, in nats: (N, 28, 28), N classes -> (N,)."""
    logits = classifier.logits(pixels).astype(np.float64) / classifier.metadata.temperature
    rows = np.arange(len(logits))
    chosen = logits[rows, class_ids]
    logits[rows, class_ids] = -np.inf
    return chosen - np.logaddexp.reduce(logits, axis=1)


def _occlude(classifier: Classifier, image: Pixels, class_id: int, before: float, patch: int, stride: int) -> Saliency:
    """Give each pixel the mean fall of the patches over it, as far as it is ink: only ink was taken away."""
    fall, times = np.zeros((SIZE, SIZE)), np.zeros((SIZE, SIZE))
    windows = _covering(image, patch, stride)
    for start in range(0, len(windows), BATCH):
        part = windows[start : start + BATCH]
        covered = np.repeat(image[None], len(part), axis=0)
        for picture, window in zip(covered, part, strict=True):
            picture[window] = 0
        falls = before - log_odds(classifier, covered, [class_id] * len(part))
        for window, value in zip(part, falls, strict=True):
            fall[window] += value
            times[window] += 1
    values = fall / np.maximum(times, 1) * (image / max(int(image.max()), 1))
    nats = float(np.abs(values).max())
    return Saliency(class_id, (values / max(nats, 1e-9)).astype(np.float32), nats, patch, stride)


def _covering(image: Pixels, patch: int, stride: int) -> list[tuple[slice, slice]]:
    """Where a patch covers any ink; those at the frame's edge reach beyond it, so that the edge is covered as often."""
    starts = range(stride - patch, SIZE, stride)
    windows = [
        (slice(max(0, top), top + patch), slice(max(0, left), left + patch)) for top in starts for left in starts
    ]
    return [window for window in windows if image[window].any()]
