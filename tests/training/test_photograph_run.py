from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.clothes import write_photographs
from training import photograph_run
from training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from training.errors import RunError
from training.extra_images import NO_CLASS
from training.photograph_recipe import PhotographRecipe, input_spec
from training.photograph_run import _batches, _first_checkpoint, accuracy, mixed, to_input, train_on_photographs
from training.photographs import Photograph, load_photographs

RECIPE = PhotographRecipe(epochs=2, size=32, photographs=12, pasted=4, nothing=4, bank=20, batch_size=8)


@pytest.fixture
def photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Photograph]:
    """A few photographs, with a bank of pasted ones that takes no time."""
    gray = np.random.default_rng(0).integers(0, 256, (40, 30)).astype(np.uint8)
    monkeypatch.setattr(photograph_run, "pasted", lambda count, seed, behind, folder: [(gray, 8)] * count)
    monkeypatch.setattr(photograph_run, "nothing_to_wear", lambda count, seed, folder: [(gray, NO_CLASS)] * count)
    write_photographs(tmp_path / "clothing", ("Pants", "Dress", "Hat"), senders=8)
    return load_photographs(tmp_path / "clothing")


def train(photographs: list[Photograph], folder: Path) -> Checkpoint:
    return train_on_photographs(RECIPE, photographs, folder, folder, None)


@pytest.mark.slow
def test_training_goes_on_from_its_checkpoint(
    photographs: list[Photograph], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = train(photographs, tmp_path / "whole")
    assert [epoch["epoch"] for epoch in whole.history] == [1, 2]
    assert whole.metrics["epoch"] == 2
    assert [line.split()[1] for line in capsys.readouterr().err.splitlines()] == ["1/2", "2/2"]
    stopped = tmp_path / "stopped"
    measured = iter([0.25])
    with monkeypatch.context() as patch:
        patch.setattr(photograph_run, "accuracy", lambda *_: next(measured))
        with pytest.raises(StopIteration):
            train(photographs, stopped)
    assert len(load_checkpoint(stopped / "best.pt").history) == 1
    capsys.readouterr()
    resumed = train(photographs, stopped)
    assert [line.split()[1] for line in capsys.readouterr().err.splitlines()] == ["2/2"]
    for name, weights in resumed.weights.items():
        assert torch.equal(weights, whole.weights[name])


@pytest.mark.slow
def test_a_run_with_other_options_is_not_gone_on_with(photographs: list[Photograph], tmp_path: Path) -> None:
    save_checkpoint(_first_checkpoint(replace(RECIPE, lr=0.5), None, None), tmp_path / "best.pt")
    with pytest.raises(RunError, match="a run with other options"):
        train(photographs, tmp_path)


def test_a_side_that_cannot_be_halved_five_times_is_refused() -> None:
    with pytest.raises(ValueError, match="a multiple of 32 is needed"):
        PhotographRecipe(size=100)


def test_photographs_of_no_class_do_not_count_for_accuracy(photographs: list[Photograph]) -> None:
    class Pants(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.eye(10)[[1] * len(images)]

    assert accuracy(Pants(), photographs, 32) == pytest.approx(0.5)


def test_squares_are_normalized_as_the_published_weights_were_learned() -> None:
    levels = np.full((1, 32, 32), 127, np.uint8)
    levels[0, 0, :2] = 0, 255
    assert to_input(levels).shape == (1, 1, 32, 32)
    np.testing.assert_allclose(to_input(levels)[0, 0, 0, :3], [-127 / 128, 1, 0], atol=1e-6)


def test_a_recipe_learns_what_it_says() -> None:
    recipe = replace(RECIPE, lr=0.01)
    assert (recipe.learning().lr, recipe.learning().epochs, recipe.learning().outliers) == (0.01, 2, True)
    assert (input_spec(96).size, input_spec(96).whole) == (96, True)


def test_a_part_of_the_published_weights_is_kept() -> None:
    learned, published = {"a": torch.ones(2)}, {"a": torch.full((2,), 3.0)}
    assert torch.allclose(mixed(learned, published, 0.25)["a"], torch.full((2,), 1.5))
    assert mixed(learned, None, 0.25) is learned


def test_photographs_by_senders_of_few_are_drawn_more_often() -> None:
    grays = {sender: np.full((40, 40), 20 * sender, np.uint8) for sender in (1, 9)}
    ours = [Photograph(Path("a"), 0, 1, grays[1])] * 90 + [Photograph(Path("b"), 0, 9, grays[9])] * 10
    recipe = replace(RECIPE, photographs=400, pasted=0, nothing=0, batch_size=400)
    drawn: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(photograph_run, "changed", lambda gray, *_: drawn.append(int(gray[0, 0])) or gray[:32, :32])
        next(_batches(recipe, ours, [], [], 0))
    assert 0.18 < drawn.count(180) / 400 < 0.32  # a tenth of the photographs, a quarter of those drawn
