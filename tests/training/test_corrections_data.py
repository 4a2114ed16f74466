from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from app.corrections import Corrections
from inkwear.corrections import Correction
from tests.app.test_corrections import correction
from tests.training.runs import CPU, small_config
from training.checkpoint import load_checkpoint
from training.corrections_data import MAX_REPEATS, CorrectedImages, load_corrections, repeats
from training.datasets import DATASETS
from training.errors import DataError, RunError
from training.loop import predict_logits
from training.pretrained import rebuild
from training.publish.describe import describe_recipe
from training.run import fit
from training.splits import Split, to_split

MNIST = DATASETS["mnist"]
BAG = replace(correction(2), dataset="fashion_mnist", label="Bag")


def kept(folder: Path, *made: Correction) -> Path:
    with Corrections(folder) as corrections:
        for each in made:
            corrections.add(each, b"picture")
    return folder


def loaded(folder: Path, *made: Correction) -> CorrectedImages:
    return load_corrections([kept(folder, *made)], MNIST)


def test_corrections_become_pixels_and_labels(tmp_path: Path) -> None:
    made = [correction(seed, label) for seed, label in enumerate("7301")]
    extra = loaded(tmp_path, *made)
    found = {pixels.tobytes(): int(label) for pixels, label in zip(extra.pixels, extra.labels, strict=True)}
    assert found == {each.pixels.tobytes(): int(each.label) for each in made}


def test_the_same_corrections_have_the_same_digest_in_any_order(tmp_path: Path) -> None:
    made = [correction(seed) for seed in range(4)]
    one = loaded(tmp_path / "one", *made)
    other = load_corrections([kept(tmp_path / "a", *made[2:]), kept(tmp_path / "b", *made[:2])], MNIST)
    assert str(one) == str(other)
    assert str(one).startswith("4 corrections, sha256 ")


def test_of_two_folders_the_newest_counts(tmp_path: Path) -> None:
    old = replace(correction(1, "7"), created="2026-01-01T00:00:00.000+00:00")
    extra = load_corrections([kept(tmp_path / "new", correction(1, "4")), kept(tmp_path / "old", old)], MNIST)
    assert extra.labels.tolist() == [4]


def test_those_of_another_data_set_are_left_out_and_counted(tmp_path: Path, capsys) -> None:
    assert len(loaded(tmp_path, correction(1), BAG).labels) == 1
    assert "1 of 2 are of fashion_mnist, not mnist: left out" in capsys.readouterr().err


def test_those_of_larger_networks_are_left_out_and_counted(tmp_path: Path, capsys) -> None:
    whole = replace(correction(3), pixels=np.zeros((128, 128), np.uint8))
    assert len(loaded(tmp_path, correction(1), whole).labels) == 1
    assert "1 of 2 have 128×128 pixels, not 28×28: left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("strange", "reason"),
    [
        (BAG, "holds no corrections of mnist"),
        (replace(correction(2), label="seven"), r"\w+ says 'seven'. Known: 0, 1"),
    ],
)
def test_what_cannot_be_learnt_is_named(tmp_path: Path, strange: Correction, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        loaded(tmp_path, strange)


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
    extra = loaded(tmp_path, *[correction(seed, "7") for seed in range(10)])
    mixed = extra.mixed_into(Split(torch.zeros(90, 1, 28, 28), torch.zeros(90, dtype=torch.int64)), 0.5, MNIST)
    assert mixed.images.shape == (180, 1, 28, 28)
    assert mixed.labels.bincount().tolist() == [90, 0, 0, 0, 0, 0, 0, 90]


@pytest.mark.slow
def test_a_run_learns_them_its_export_says_so_and_with_others_it_does_not_go_on(tmp_path: Path, data_dir: Path) -> None:
    """Noise that is called a seven is a seven after a moment of training."""
    folder = kept(tmp_path / "private", *[correction(seed, "7") for seed in range(20)])
    config = small_config(extra_data=[folder], extra_share=0.3, epochs=3, lr=0.01)
    best = fit(config, data_dir, tmp_path / "run", CPU)
    assert best.config["extra_data"] == str(load_corrections([folder], MNIST))
    unseen = np.stack([correction(seed).pixels for seed in range(100, 150)])
    images = to_split(unseen, np.zeros(50, np.uint8), MNIST).images
    best = load_checkpoint(tmp_path / "run" / "best.pt")
    assert (predict_logits(rebuild(best), images).argmax(dim=1) == 7).float().mean() > 0.9
    recipe = describe_recipe(best)
    assert recipe["extra_data"].startswith("20 corrections, sha256 ")
    assert recipe["command"].endswith("--extra-data corrections --extra-share 0.3")
    assert str(tmp_path) not in str(recipe)
    assert "private" not in str(recipe)
    kept(folder, correction(20))
    with pytest.raises(RunError, match="extra_data was 20 corrections, sha256"):
        fit(replace(config), data_dir, tmp_path / "run", CPU, resume=True)
