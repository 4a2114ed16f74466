from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from app.corrections import Corrections
from inkwear.corrections import Correction
from tests.app.test_corrections import correction
from training.checkpoint import load_checkpoint
from training.config import Config
from training.corrections_data import MAX_REPEATS, load_corrections, repeats
from training.datasets import DATASETS
from training.errors import DataError, RunError
from training.loop import predict_logits
from training.pretrained import rebuild
from training.publish.describe import describe_recipe
from training.run import fit
from training.splits import Split, to_split

MNIST = DATASETS["mnist"]


def kept(folder: Path, *made: Correction) -> Path:
    with Corrections(folder) as corrections:
        for each in made:
            corrections.add(each, b"picture")
    return folder


def test_corrections_become_pixels_and_labels(tmp_path: Path) -> None:
    made = [correction(seed, label) for seed, label in enumerate("7301")]
    extra = load_corrections([kept(tmp_path, *made)], MNIST)
    found = {pixels.tobytes(): int(label) for pixels, label in zip(extra.pixels, extra.labels, strict=True)}
    assert found == {each.pixels.tobytes(): int(each.label) for each in made}


def test_the_same_corrections_have_the_same_digest_in_any_order(tmp_path: Path) -> None:
    made = [correction(seed) for seed in range(4)]
    one = load_corrections([kept(tmp_path / "one", *made)], MNIST)
    other = load_corrections([kept(tmp_path / "a", *made[2:]), kept(tmp_path / "b", *made[:2])], MNIST)
    assert str(one) == str(other)
    assert str(one).startswith("4 corrections, sha256 ")
    assert str(load_corrections([kept(tmp_path / "c", made[0])], MNIST)).startswith("1 correction, ")


def test_of_two_folders_the_newest_counts(tmp_path: Path) -> None:
    old = replace(correction(1, "7"), created="2026-01-01T00:00:00.000+00:00")
    extra = load_corrections([kept(tmp_path / "new", correction(1, "4")), kept(tmp_path / "old", old)], MNIST)
    assert extra.labels.tolist() == [4]


def test_those_of_another_data_set_are_left_out_and_counted(tmp_path: Path, capsys) -> None:
    other = replace(correction(2), dataset="fashion_mnist", label="Bag")
    extra = load_corrections([kept(tmp_path, correction(1), other)], MNIST)
    assert len(extra.labels) == 1
    assert "1 of 2 are of fashion_mnist, not mnist: left out" in capsys.readouterr().err
    with pytest.raises(DataError, match="holds no corrections of mnist"):
        load_corrections([kept(tmp_path / "only", other)], MNIST)


def test_a_label_that_is_no_class_is_named(tmp_path: Path) -> None:
    strange = replace(correction(2), label="seven")
    with pytest.raises(DataError, match=rf"{strange.id} says 'seven'. Known: 0, 1"):
        load_corrections([kept(tmp_path, correction(1), strange)], MNIST)


@pytest.mark.parametrize(
    ("extra", "others", "share", "times"),
    [
        (1000, 9000, 0.1, 1),
        (100, 900, 0.5, 9),
        (9000, 10, 0.1, 1),
        (5, 55_000, 0.1, MAX_REPEATS),
        (99, 55_000, 0.1, 62),
    ],
)
def test_each_is_repeated_until_they_make_up_their_share(extra: int, others: int, share: float, times: int) -> None:
    assert repeats(extra, others, share) == times


def test_they_are_mixed_into_the_training_images(tmp_path: Path) -> None:
    extra = load_corrections([kept(tmp_path, *[correction(seed, "7") for seed in range(10)])], MNIST)
    train_images = Split(torch.zeros(90, 1, 28, 28), torch.zeros(90, dtype=torch.int64))
    mixed = extra.mixed_into(train_images, 0.5, MNIST)
    assert mixed.images.shape == (180, 1, 28, 28)
    assert mixed.labels.bincount().tolist() == [90, 0, 0, 0, 0, 0, 0, 90]


@pytest.mark.slow
def test_a_run_learns_them_and_its_export_says_so(tmp_path: Path, data_dir: Path) -> None:
    """Noise that is called a seven is a seven after a moment of training."""
    folder = kept(tmp_path / "private", *[correction(seed, "7") for seed in range(20)])
    options = {"extra_data": [folder], "extra_share": 0.3, "epochs": 3, "batch_size": 32, "lr": 0.01}
    fit(Config.of("mnist", "mlp_small", **options), data_dir, tmp_path / "run", torch.device("cpu"))
    best = load_checkpoint(tmp_path / "run" / "best.pt")
    assert best.config["extra_data"] == str(load_corrections([folder], MNIST))
    assert best.config["extra_share"] == 0.3
    unseen = np.stack([correction(seed).pixels for seed in range(100, 150)])
    images = to_split(unseen, np.zeros(50, np.uint8), MNIST).images
    assert (predict_logits(rebuild(best), images).argmax(dim=1) == 7).float().mean() > 0.9
    recipe = describe_recipe(best)  # what an export carries
    assert recipe["extra_data"].startswith("20 corrections, sha256 ")
    assert recipe["command"].endswith("--extra-data corrections --extra-share 0.3")
    assert "private" not in str(recipe)
    assert str(tmp_path) not in str(recipe)


@pytest.mark.slow
def test_a_run_does_not_go_on_with_other_corrections(tmp_path: Path, data_dir: Path) -> None:
    folder = kept(tmp_path / "kept", correction(1))
    options = {"extra_data": [folder], "epochs": 1, "batch_size": 64}
    fit(Config.of("mnist", "mlp_small", **options), data_dir, tmp_path / "run", torch.device("cpu"))
    kept(folder, correction(2))
    with pytest.raises(RunError, match="extra_data was 1 correction, sha256"):
        fit(Config.of("mnist", "mlp_small", **options), data_dir, tmp_path / "run", torch.device("cpu"), resume=True)
