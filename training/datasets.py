"""The facts of a data set, and its images as one tensor.

The files are torchvision's own (``<data_dir>/MNIST/raw/train-images-idx3-ubyte`` …, or the same with ``.gz``), fetched
by torchvision when they are absent, but read and checked here: torchvision's reader accepts a label of 200 and fewer
labels than images.
"""

import gzip
import hashlib
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inkwear.preprocess.steps import SIZE, InputSpec, Pixels, normalize, unsqueeze
from training.augment import Augmentation

Part = Literal["train", "validation", "test"]

VALIDATION_SIZE = 5_000
"""Of the 60,000 training images, held out for selection where nothing else is asked for."""

SPLIT_SEED = 20_260_101
"""The split is the same for every run, whatever its own seed: what one model trained on, no other is selected on."""


class DataError(RuntimeError):
    """A data file that is missing or damaged; the message names it, says what is wrong and how to get it."""


@dataclass(frozen=True)
class Dataset:
    """What there is to know about a data set before its first image is read."""

    name: str
    title: str
    folder: str
    """The name of torchvision's class, and of its folder under ``data_dir``."""
    class_names: tuple[str, ...]
    input: InputSpec
    augmentation: Augmentation
    published: Mapping[str, "Published"] = field(default_factory=dict)
    """The files as their makers published them, by name."""
    held_out: int = VALIDATION_SIZE
    """How many of the training images are the validation part; fewer are some of the same ones."""


@dataclass(frozen=True)
class Published:
    """A file of a data set, unpacked: how many images or labels it holds, and its SHA-256.

    The digests are those of the files that torchvision unpacks: MNIST's from archives with the MD5 that
    ``torchvision.datasets.MNIST.resources`` states, Fashion-MNIST's likewise.
    """

    count: int
    sha256: str


def _published(*sha256: str) -> dict[str, Published]:
    names = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
    counts = (60_000, 60_000, 10_000, 10_000)
    return {name: Published(count, digest) for name, count, digest in zip(names, counts, sha256, strict=True)}


@dataclass(frozen=True)
class Split:
    """One part of a data set: normalised ``images`` (N, 1, 28, 28) float32 and ``labels`` (N,) int64."""

    images: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> "Split":
        return Split(self.images.to(device), self.labels.to(device))

    def joined(self, other: "Split") -> "Split":
        return Split(torch.cat([self.images, other.images]), torch.cat([self.labels, other.labels]))


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


def find_dataset(name: str, held_out: int = VALIDATION_SIZE) -> Dataset:
    """Return the facts of data set ``name``, of whose training images ``held_out`` are for validation.

    Raises:
        ValueError: no data set has this name; the message lists the names there are.
    """
    if name not in DATASETS:
        raise ValueError(f"There is no data set {name!r}. Known: {', '.join(DATASETS)}.")
    return replace(DATASETS[name], held_out=held_out)


def load_split(dataset: Dataset, part: Part, data_dir: Path) -> Split:
    """Load one part of a data set, normalised by the code that serves it.

    ``train`` has 55,000 images, ``validation`` 5,000 of the same 60,000 (or as ``dataset.held_out`` has it), ``test``
    10,000.

    Raises:
        DataError: a file is missing and cannot be downloaded, or is damaged.
    """
    return to_split(*load_pixels(dataset, part, data_dir), dataset)


def to_split(pixels: Pixels, labels: Pixels, dataset: Dataset) -> Split:
    """Normalise images as stored, (N, 28, 28) uint8, and put them with their labels, (N,) uint8, into tensors."""
    images = unsqueeze(normalize(pixels, dataset.input))
    return Split(torch.from_numpy(images), torch.from_numpy(labels.astype(np.int64)))


def load_pixels(dataset: Dataset, part: Part, data_dir: Path) -> tuple[Pixels, Pixels]:
    """Load one part of a data set as stored: pixels (N, 28, 28) uint8 and labels (N,) uint8.

    Raises:
        DataError: as ``load_split``.
    """
    images_file, labels_file = find_files(dataset, part, data_dir)
    pixels = read_idx(images_file, 3, dataset.published.get(images_file.name))
    labels = read_idx(labels_file, 1, dataset.published.get(labels_file.name))
    _check_together(pixels, labels, images_file, labels_file, len(dataset.class_names))
    if part == "test":
        return pixels, labels
    held_out = _held_out(labels, dataset.held_out)
    chosen = held_out if part == "validation" else ~held_out
    return pixels[chosen], labels[chosen]


def find_files(dataset: Dataset, part: Part, data_dir: Path) -> tuple[Path, Path]:
    """Return the files of one part's images and labels, packed or not, downloaded where they are missing.

    Raises:
        DataError: one is missing and cannot be downloaded.
    """
    prefix = "t10k" if part == "test" else "train"
    raw = data_dir / dataset.folder / "raw"
    files = raw / f"{prefix}-images-idx3-ubyte", raw / f"{prefix}-labels-idx1-ubyte"
    if not all(map(_is_there, files)):
        _download(dataset, data_dir)
    return files


def read_idx(path: Path, dimensions: int, published: Published | None = None) -> Pixels:
    """Read a file of unsigned bytes in the IDX format (LeCun's page of MNIST, "FILE FORMATS"), packed or not.

    One of as many images or labels as ``published`` has to be that file, byte for byte. Any other number of them is
    somebody's own set, of which only the structure can be checked.

    Raises:
        DataError: not there, a wrong magic number, a length that its header does not announce, or another content.
    """
    path, content = _content(path)
    magic, announced = int.from_bytes(content[:4], "big"), 4 + 4 * dimensions
    expected = 0x0800 + dimensions  # 0x08: unsigned bytes
    if len(content) < announced or magic != expected:
        raise DataError(f"{path}: the magic number is {magic:#06x}, expected {expected:#06x}. {_HOW_TO_MEND}")
    shape = tuple(np.frombuffer(content, ">u4", count=dimensions, offset=4).tolist())
    if len(content) - announced != math.prod(shape):
        raise DataError(
            f"{path}: the header announces {math.prod(shape):,} bytes of {'×'.join(map(str, shape))}, "
            f"the file holds {len(content) - announced:,}. {_HOW_TO_MEND}"
        )
    if published and shape[0] == published.count and hashlib.sha256(content).hexdigest() != published.sha256:
        raise DataError(
            f"{path}: its {shape[0]:,} entries are not the published ones (the SHA-256 is another), so it is damaged. "
            f"{_HOW_TO_MEND} Another data set of this size gets an entry of its own (CONTRIBUTING.md)."
        )
    return np.frombuffer(content, np.uint8, offset=announced).reshape(shape)


_HOW_TO_GET = "Leave --data-dir where the files may be written and torchvision downloads them, or copy them there."
_HOW_TO_MEND = "Delete the file and run again to download it anew, or copy an intact one in its place."

LARGEST = 4_000_000_000
"""Bytes of an unpacked file; MNIST's largest has 47 million."""


def _packed(path: Path) -> Path:
    return path.with_name(f"{path.name}.gz")


def _is_there(path: Path) -> bool:
    return path.exists() or _packed(path).exists()


def _content(path: Path) -> tuple[Path, bytes]:
    """Return what a file holds, and which one it was: itself, or the archive of it."""
    packed = path if path.exists() else _packed(path)
    try:
        if packed == path:
            return path, path.read_bytes()
        with gzip.open(packed) as archive:
            content = archive.read(LARGEST)
            if archive.read(1):
                raise DataError(f"{packed}: it unpacks to more than {LARGEST:,} bytes. {_HOW_TO_MEND}")
        return packed, content
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing. {_HOW_TO_GET}") from error
    except (OSError, EOFError, zlib.error) as error:  # gzip.BadGzipFile is an OSError
        raise DataError(f"{packed}: cannot be read or unpacked ({error}). {_HOW_TO_MEND}") from error


def _check_together(pixels: Pixels, labels: Pixels, images_file: Path, labels_file: Path, classes: int) -> None:
    if pixels.shape[1:] != (SIZE, SIZE):
        raise DataError(f"{images_file}: images of {pixels.shape[1]}×{pixels.shape[2]}, expected 28×28. {_HOW_TO_MEND}")
    if len(pixels) != len(labels):
        raise DataError(f"{labels_file}: {len(labels):,} labels for {len(pixels):,} images. {_HOW_TO_MEND}")
    if not len(labels):
        raise DataError(f"{images_file}: holds no images. {_HOW_TO_MEND}")
    if labels.max() >= classes:
        first = int(np.argmax(labels >= classes))
        raise DataError(f"{labels_file}: label {first} is {labels[first]}, above {classes - 1}. {_HOW_TO_MEND}")


def _download(dataset: Dataset, data_dir: Path) -> None:
    from torchvision import datasets as torchvision_datasets  # 1 s to import, and seldom needed

    try:
        getattr(torchvision_datasets, dataset.folder)(str(data_dir), download=True)
    except Exception as error:  # urllib, OSError, RuntimeError and assertions, as the mirror and the disk have it
        raw = data_dir / dataset.folder / "raw"
        raise DataError(
            f"{raw} lacks files of {dataset.title}, and downloading failed: {error}. {_HOW_TO_GET}"
        ) from error


def _held_out(labels: Pixels, size: int) -> NDArray[np.bool_]:
    """Mark ``size`` validation images, of every class its share, drawn by ``SPLIT_SEED``.

    A fifth of ``VALIDATION_SIZE`` are all among those of the whole (so is every odd part), so that what was held out
    last was also held out before.
    """
    generator = np.random.default_rng(SPLIT_SEED)
    shuffled = generator.permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    size = min(size, len(labels) // 12)
    every = (np.arange(size) + 0.5) * len(labels) / size  # equal steps through the sorted list: stratified
    held_out = np.zeros(len(labels), bool)
    held_out[by_class[every.astype(int)]] = True
    return held_out
