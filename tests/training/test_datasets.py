import gzip
import hashlib
import random
import shutil
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import write_idx
from tests.mutations import mutants
from training.datasets import DATASETS, Dataset, find_dataset, load_pixels
from training.errors import DataError
from training.idx import Published
from training.splits import load_split

MNIST = DATASETS["mnist"]


@pytest.fixture
def damaged(data_dir: Path, tmp_path: Path) -> Path:
    """A copy of our small data set, to be damaged."""
    return shutil.copytree(data_dir, tmp_path / "data")


def raw(folder: Path, name: str) -> Path:
    return folder / "MNIST/raw" / name


@pytest.mark.parametrize("name", DATASETS)
def test_real_sets_have_their_sizes_and_a_stratified_validation_part(name: str, real_data: Path) -> None:
    labels = {part: load_pixels(DATASETS[name], part, real_data)[1] for part in ("train", "validation", "test")}
    assert {part: len(part_labels) for part, part_labels in labels.items()} == {
        "train": 55_000,
        "validation": 5_000,
        "test": 10_000,
    }
    whole = np.bincount(np.concatenate([labels["train"], labels["validation"]]))
    assert np.abs(np.bincount(labels["validation"]) - whole / 12).max() <= 1


def test_fewer_held_out_are_among_those_held_out_before(real_data: Path) -> None:
    few, many = (load_pixels(find_dataset("mnist", size), "validation", real_data)[0] for size in (1_000, 5_000))
    before = {image.tobytes() for image in many}
    assert len(few) == 1_000
    assert all(image.tobytes() in before for image in few)
    assert len(load_pixels(find_dataset("mnist", 1_000), "train", real_data)[0]) == 59_000


@pytest.mark.parametrize("name", DATASETS)
def test_the_published_mean_and_std_are_those_of_the_training_images(name: str, real_data: Path) -> None:
    parts = [load_pixels(DATASETS[name], part, real_data)[0] for part in ("train", "validation")]
    pixels = np.concatenate(parts) / 255
    assert abs(pixels.mean() - DATASETS[name].input.mean) < 1e-4
    assert abs(pixels.std() - DATASETS[name].input.std) < 1e-4


def test_train_and_validation_share_no_image_and_lose_none(data_dir: Path) -> None:
    train, validation = (load_pixels(MNIST, part, data_dir)[0] for part in ("train", "validation"))
    together = {image.tobytes() for image in (*train, *validation)}
    assert len(train) + len(validation) == 1200
    assert len(together) == 1200


def test_a_split_is_one_normalized_tensor(data_dir: Path) -> None:
    test = load_split(MNIST, "test", data_dir)
    assert test.images.shape == (200, 1, 28, 28)
    assert test.images.dtype == torch.float32
    assert test.labels.dtype == torch.int64
    assert abs(test.images.min() - (0 - MNIST.input.mean) / MNIST.input.std) < 1e-6


def wrong_magic(folder: Path) -> None:
    path = raw(folder, "train-images-idx3-ubyte")
    path.write_bytes(b"\x00\x00\x08\x01" + path.read_bytes()[4:])


def label_above_nine(folder: Path) -> None:
    path = raw(folder, "train-labels-idx1-ubyte")
    content = bytearray(path.read_bytes())
    content[8 + 17] = 200
    path.write_bytes(content)


def fewer_labels(folder: Path) -> None:
    write_idx(raw(folder, "train-labels-idx1-ubyte"), np.zeros(1190, np.uint8))


def truncated(folder: Path) -> None:
    path = raw(folder, "train-images-idx3-ubyte")
    path.write_bytes(path.read_bytes()[:-100])


def too_short_for_a_header(folder: Path) -> None:
    raw(folder, "train-labels-idx1-ubyte").write_bytes(b"\x00\x00")


def other_size(folder: Path) -> None:
    write_idx(raw(folder, "train-images-idx3-ubyte"), np.zeros((1200, 27, 28), np.uint8))


@pytest.mark.parametrize(
    ("damage", "file", "reason"),
    [
        (wrong_magic, "train-images-idx3-ubyte", "magic number is 0x0801, expected 0x0803"),
        (label_above_nine, "train-labels-idx1-ubyte", "label 17 is 200, above 9"),
        (fewer_labels, "train-labels-idx1-ubyte", "1,190 labels for 1,200 images"),
        (truncated, "train-images-idx3-ubyte", "announces 940,800 bytes of 1200×28×28, the file holds 940,700"),
        (too_short_for_a_header, "train-labels-idx1-ubyte", "magic number"),
        (other_size, "train-images-idx3-ubyte", "27×28, expected 28×28"),
    ],
)
def test_damage_is_named_with_its_file_and_its_cure(damaged: Path, damage, file: str, reason: str) -> None:
    damage(damaged)
    with pytest.raises(DataError, match=f"{file}: .*{reason}.*(download it anew|copy an intact one)"):
        load_split(MNIST, "train", damaged)


NAMES = tuple(MNIST.published)


def published(folder: Path) -> Dataset:
    """Our small set, as if it were the one that was published."""
    contents = {name: raw(folder, name).read_bytes() for name in NAMES}
    facts = {
        name: Published(int.from_bytes(content[4:8], "big"), hashlib.sha256(content).hexdigest())
        for name, content in contents.items()
    }
    return replace(MNIST, published=facts)


@pytest.mark.parametrize("packed", [False, True], ids=["unpacked", "gz"])
def test_no_damaged_set_is_accepted(damaged: Path, packed: bool) -> None:
    """Every mutant is refused by the name of its file, with what to do."""
    dataset, draw = published(damaged), random.Random(3)
    if packed:
        for name in NAMES:
            raw(damaged, f"{name}.gz").write_bytes(gzip.compress(raw(damaged, name).read_bytes(), 1))
            raw(damaged, name).unlink()
    for seed in range(60):
        path = raw(damaged, draw.choice(NAMES) + ".gz" * packed)
        whole = path.read_bytes()
        [mutant] = mutants(whole, 1, seed)
        path.write_bytes(mutant)
        if not packed or unpacks_to_something_else(mutant, whole):
            part = "test" if path.name.startswith("t10k") else "train"
            with pytest.raises(DataError, match=f"{path.name}: .*(Delete the file and run again|copy an intact one)"):
                load_pixels(dataset, part, damaged)
        path.write_bytes(whole)
    assert len(load_pixels(dataset, "test", damaged)[1]) == 200


def unpacks_to_something_else(mutant: bytes, whole: bytes) -> bool:
    """Not every byte of an archive matters: the time in its header does not, nor do zeros behind its end."""
    try:
        return gzip.decompress(mutant) != gzip.decompress(whole)
    except (OSError, EOFError, zlib.error):
        return True


def test_a_set_of_ones_own_is_held_against_its_structure_alone(damaged: Path) -> None:
    content = bytearray(raw(damaged, "t10k-labels-idx1-ubyte").read_bytes())
    content[8] = 9 - content[8]
    raw(damaged, "t10k-labels-idx1-ubyte").write_bytes(content)
    assert len(load_pixels(MNIST, "test", damaged)[1]) == 200


@pytest.mark.parametrize("name", DATASETS)
def test_one_wrong_label_of_a_published_set_is_found(name: str, real_data: Path, tmp_path: Path) -> None:
    """A label that is a class, only another one."""
    folder = tmp_path / DATASETS[name].folder / "raw"
    folder.mkdir(parents=True)
    real = real_data / DATASETS[name].folder / "raw"
    (folder / "t10k-images-idx3-ubyte").symlink_to(real / "t10k-images-idx3-ubyte")
    content = bytearray((real / "t10k-labels-idx1-ubyte").read_bytes())
    content[8 + 17] = (content[8 + 17] + 1) % 10
    (folder / "t10k-labels-idx1-ubyte").write_bytes(content)
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte: its 10,000 entries are not the published ones"):
        load_pixels(DATASETS[name], "test", tmp_path)


def test_packed_files_are_read_as_they_are(damaged: Path) -> None:
    """As somebody packed them, whose archive has another digest than the published one."""
    expected = load_pixels(MNIST, "test", damaged)
    for name in NAMES:
        raw(damaged, f"{name}.gz").write_bytes(gzip.compress(raw(damaged, name).read_bytes(), 9))
        raw(damaged, name).unlink()
    found = load_pixels(MNIST, "test", damaged)
    assert all(np.array_equal(one, other) for one, other in zip(expected, found, strict=True))


def test_an_archive_that_fills_the_memory_is_refused(damaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.idx.MAX_BYTES", 1000)
    path = raw(damaged, "t10k-images-idx3-ubyte")
    raw(damaged, f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    with pytest.raises(DataError, match=r"idx3-ubyte\.gz: it unpacks to more than 1,000 bytes"):
        load_pixels(MNIST, "test", damaged)


def test_missing_files_are_downloaded_and_a_failure_names_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torchvision

    def no_network(root: str, download: bool) -> None:
        raise RuntimeError("no network")

    monkeypatch.setattr(torchvision.datasets, "MNIST", no_network)
    with pytest.raises(DataError, match=f"{tmp_path}/MNIST/raw lacks files.*no network.*copy them there"):
        load_split(MNIST, "train", tmp_path)


def test_an_unknown_data_set_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="Known: mnist, fashion_mnist"):
        find_dataset("cifar")
