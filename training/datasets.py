"""The facts of the data sets, and their images as stored; numpy only, so that nothing here waits for torch.

The files are torchvision's own (``<data_dir>/MNIST/raw/train-images-idx3-ubyte`` …, or these with ``.gz``), which
torchvision downloads when they are missing.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from inkwear.preprocess.spec import SIZE, InputSpec, Pixels
from training.errors import DataError
from training.idx import HOW_TO_GET, HOW_TO_MEND, Published, idx_exists, read_idx

Part = Literal["train", "validation", "test"]

VALIDATION_SIZE = 5_000
"""Images of the 60,000 for training that are held out to choose by."""

SPLIT_SEED = 20_260_101
"""The seed of every split, whatever the seed of a run: no model is chosen by images that another one learnt from."""


@dataclass(frozen=True)
class Augmentation:
    """How far an image may be changed at random, evenly to either side of zero; the last four only where it is strong.

    Attributes:
        degrees: of rotation.
        shear: pixels to the side per pixel upward.
        scale: fraction of the size, drawn for each axis.
        shift: pixels, drawn for each axis.
        mirror: whether left and right may be exchanged.
        gamma: the logarithm of the exponent that brightens or darkens the object.
        negate: the share of the images whose light and dark are exchanged inside of the object.
        bend: pixels by which points of an image are displaced; neighbors move alike.
        stroke: the share of the change to a stroke thicker or thinner by a pixel on both sides.
        erase: the share of the images from which a rectangle is erased.
        sharp: the share of the images that are only mirrored and shifted by whole pixels. The others lose some of
            their sharpness, as most of their pixels come to lie between those of the original.
    """

    degrees: float
    shear: float
    scale: float
    shift: float
    mirror: bool
    gamma: float = 0.0
    negate: float = 0.0
    bend: float = 0.0
    stroke: float = 0.0
    erase: float = 0.0
    sharp: float = 0.0

    def scaled(self, strength: float) -> "Augmentation":
        """Return these limits times ``strength``, but for ``mirror`` and ``sharp``, which stay as they are."""
        kept = ("mirror", "sharp")
        return replace(self, **{name: limit * strength for name, limit in asdict(self).items() if name not in kept})


@dataclass(frozen=True)
class Dataset:
    """The facts of a data set that are known before its first image is read.

    Attributes:
        folder: the name of torchvision's class, and of its folder under ``data_dir``.
        input: how an image must be framed and normalized.
        augmentation: how far an image may be changed at random.
        published: the files as their makers published them, by name.
        validation_size: images of the validation part; those of a smaller part are also in the larger one.
    """

    name: str
    title: str
    folder: str
    class_names: tuple[str, ...]
    input: InputSpec
    augmentation: Augmentation
    published: Mapping[str, Published] = field(default_factory=dict)
    validation_size: int = VALIDATION_SIZE


def _published(*sha256: str) -> dict[str, Published]:
    names = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
    counts = (60_000, 60_000, 10_000, 10_000)
    return {name: Published(count, digest) for name, count, digest in zip(names, counts, sha256, strict=True)}


DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            name="mnist",
            title="MNIST digits",
            folder="MNIST",
            class_names=tuple("0123456789"),
            input=InputSpec(
                mean=0.1307,
                std=0.3081,
                box=20,
                centering="mass",
                full_range=True,
                stroke=(1.95, 2.73),
                even_lighting=True,
            ),  # the box: LeCun et al. 1998, section III.A
            augmentation=Augmentation(
                degrees=12,
                shear=0.15,
                scale=0.1,
                shift=1.5,
                mirror=False,
                gamma=0.3,
                bend=1.2,
                stroke=0.3,
                erase=0.25,
                sharp=0.25,
            ),
            published=_published(
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ),
        Dataset(
            name="fashion_mnist",
            title="Fashion-MNIST clothing",
            folder="FashionMNIST",
            class_names=(
                *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
                *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
            ),
            input=InputSpec(
                mean=0.2860, std=0.3530, box=28, centering="box", full_range=False, stroke=None, even_lighting=False
            ),  # the box: Xiao, Rasul, Vollgraf 2017, section 2
            augmentation=Augmentation(
                degrees=0, shear=0, scale=0.05, shift=1, mirror=True, gamma=0.7, negate=0.25, erase=0.5, sharp=0.5
            ),
            published=_published(
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        ),
    )
}


def find_dataset(name: str, validation_size: int = VALIDATION_SIZE) -> Dataset:
    """Return the facts of data set ``name``, with ``validation_size`` of its training images held out.

    Raises:
        ValueError: no data set has this name; the message lists the names there are.
    """
    if name not in DATASETS:
        raise ValueError(f"There is no data set {name!r}. Known: {', '.join(DATASETS)}.")
    return replace(DATASETS[name], validation_size=validation_size)


def load_pixels(dataset: Dataset, part: Part, data_dir: Path) -> tuple[Pixels, Pixels]:
    """Load one part of a data set as stored: pixels (N, 28, 28) uint8 and labels (N,) uint8.

    Args:
        dataset: its facts.
        part: ``train`` and ``validation`` share the 60,000 training images; ``test`` has 10,000 of its own.
        data_dir: torchvision's folder of data sets.

    Raises:
        DataError: a file is missing and cannot be downloaded, or is damaged.
    """
    images_file, labels_file = find_files(dataset, part, data_dir)
    pixels = read_idx(images_file, 3, dataset.published.get(images_file.name))
    labels = read_idx(labels_file, 1, dataset.published.get(labels_file.name))
    _check_match(pixels, labels, images_file, labels_file, len(dataset.class_names))
    if part == "test":
        return pixels, labels
    validation = _validation_mask(labels, dataset.validation_size)
    chosen = validation if part == "validation" else ~validation
    return pixels[chosen], labels[chosen]


def find_files(dataset: Dataset, part: Part, data_dir: Path) -> tuple[Path, Path]:
    """Return the files of the images and labels of a part, unpacked or packed, downloaded if they are missing.

    Args:
        dataset: its facts.
        part: of the data set.
        data_dir: torchvision's folder of data sets.

    Raises:
        DataError: one is missing and cannot be downloaded.
    """
    prefix = "t10k" if part == "test" else "train"
    raw = data_dir / dataset.folder / "raw"
    files = raw / f"{prefix}-images-idx3-ubyte", raw / f"{prefix}-labels-idx1-ubyte"
    if not all(map(idx_exists, files)):
        _download(dataset, data_dir)
    return files


def _check_match(pixels: Pixels, labels: Pixels, images_file: Path, labels_file: Path, classes: int) -> None:
    if pixels.shape[1:] != (SIZE, SIZE):
        raise DataError(f"{images_file}: images of {pixels.shape[1]}×{pixels.shape[2]}, expected 28×28. {HOW_TO_MEND}")
    if len(pixels) != len(labels):
        raise DataError(f"{labels_file}: {len(labels):,} labels for {len(pixels):,} images. {HOW_TO_MEND}")
    if not len(labels):
        raise DataError(f"{images_file}: holds no images. {HOW_TO_MEND}")
    if labels.max() >= classes:
        first = int(np.argmax(labels >= classes))
        raise DataError(f"{labels_file}: label {first} is {labels[first]}, above {classes - 1}. {HOW_TO_MEND}")


def _download(dataset: Dataset, data_dir: Path) -> None:
    from torchvision import datasets as torchvision_datasets  # 4 s to import with torch, and seldom needed

    try:
        getattr(torchvision_datasets, dataset.folder)(str(data_dir), download=True)
    except Exception as error:  # urllib, OSError, RuntimeError or assertions, as the mirror and the disk have it
        raw = data_dir / dataset.folder / "raw"
        raise DataError(
            f"{raw} lacks files of {dataset.title}, and downloading failed: {error}. {HOW_TO_GET}"
        ) from error


def _validation_mask(labels: Pixels, size: int) -> NDArray[np.bool_]:
    """Mark ``size`` validation images, of every class its share, drawn by ``SPLIT_SEED``.

    A fifth of ``VALIDATION_SIZE`` (and any other odd part of it) lies within the whole, so that an image held out by
    a last run was never learnt from by the runs before.
    """
    generator = np.random.default_rng(SPLIT_SEED)
    shuffled = generator.permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    size = min(size, len(labels) // 12)
    every = (np.arange(size) + 0.5) * len(labels) / size  # equal steps through the sorted list: stratified
    mask = np.zeros(len(labels), bool)
    mask[by_class[every.astype(int)]] = True
    return mask
