import gzip
import hashlib
import random
import shutil
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

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


@pytest.mark.slow
@pytest.mark.parametrize("name", DATASETS)
def test_real_sets_have_their_sizes_a_stratified_validation_part_and_the_published_mean(
    name: str, real_data: Path
) -> None:
    pixels, labels = {}, {}
    for part in ("train", "validation", "test"):
        pixels[part], labels[part] = load_pixels(DATASETS[name], part, real_data)
    assert [len(each) for each in labels.values()] == [55_000, 5_000, 10_000]
    assert len(DATASETS[name].published) == 4, "each file was held against its digest"
    whole = np.bincount(np.concatenate([labels["train"], labels["validation"]]))
    assert np.abs(np.bincount(labels["validation"]) - whole / 12).max() <= 1
    learnt = np.concatenate([pixels["train"], pixels["validation"]]) / 255
    assert abs(learnt.mean() - DATASETS[name].input.mean) < 1e-4
    assert abs(learnt.std() - DATASETS[name].input.std) < 1e-4


def test_fewer_held_out_are_among_those_held_out_before(real_data: Path) -> None:
    few, many = (load_pixels(find_dataset("mnist", size), "validation", real_data)[0] for size in (1_000, 5_000))
    assert len(few) == 1_000
    assert {image.tobytes() for image in few} <= {image.tobytes() for image in many}


def test_train_and_validation_share_no_image_and_lose_none(data_dir: Path) -> None:
    parts = [load_pixels(MNIST, part, data_dir)[0] for part in ("train", "validation")]
    together = [image.tobytes() for part in parts for image in part]
    assert len(together) == len(set(together)) == 1200


IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@pytest.mark.parametrize(
    ("file", "damage", "reason"),
    [
        (IMAGES, lambda old: b"\x00\x00\x08\x01" + old[4:], "magic number is 0x0801, expected 0x0803"),
        (IMAGES, lambda old: old[:-100], "announces 940,800 bytes of 1200×28×28, the file holds 940,700"),
        (IMAGES, lambda _: np.zeros((1200, 27, 28)), "27×28, expected 28×28"),
        (LABELS, lambda old: old[:25] + b"\xc8" + old[26:], "label 17 is 200, above 9"),
        (LABELS, lambda _: np.zeros(1190), "1,190 labels for 1,200 images"),
        (LABELS, lambda _: b"\x00\x00", "magic number"),
    ],
)
def test_damage_is_named_with_its_file_and_its_cure(damaged: Path, file: str, damage, reason: str) -> None:
    path = raw(damaged, file)
    content = damage(path.read_bytes())
    path.write_bytes(content) if isinstance(content, bytes) else write_idx(path, content)
    with pytest.raises(DataError, match=f"{file}: .*{reason}.*(download it anew|copy an intact one)"):
        load_split(MNIST, "train", damaged)


NAMES = tuple(MNIST.published)


def pack(path: Path, level: int = 9) -> None:
    """Put a file into an archive, as somebody might whose archive has another digest than the published one."""
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), level))
    path.unlink()


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
            pack(raw(damaged, name), level=1)
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


def test_an_archive_that_fills_the_memory_is_refused(damaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.idx.MAX_BYTES", 1000)
    pack(raw(damaged, "t10k-images-idx3-ubyte"))
    with pytest.raises(DataError, match=r"idx3-ubyte\.gz: it unpacks to more than 1,000 bytes"):
        load_pixels(MNIST, "test", damaged)


def test_missing_files_are_downloaded_and_a_failure_names_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(root: str, download: bool) -> None:
        raise RuntimeError("no network")

    monkeypatch.setattr("torchvision.datasets.MNIST", no_network)
    with pytest.raises(DataError, match=f"{tmp_path}/MNIST/raw lacks files.*no network.*copy them there"):
        load_split(MNIST, "train", tmp_path)


def test_an_unknown_data_set_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="Known: mnist, fashion_mnist"):
        find_dataset("cifar")
