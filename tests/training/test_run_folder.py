import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import training.run
from tests.training.runs import CONFIG, CPU, contents
from training.checkpoint import load_checkpoint
from training.errors import DataError, RunError
from training.run import fit
from training.run_folder import ASIDE, RUN_FILES

pytestmark = pytest.mark.slow


@pytest.fixture
def earlier(finished: Path, tmp_path: Path) -> Path:
    """A finished run in a folder of its own."""
    return Path(shutil.copytree(finished, tmp_path / "earlier"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"start_from": Path("no.pt")}, "no.pt: there is no such checkpoint"),
        ({"teacher": Path("no.onnx")}, "no.onnx: there is no such export"),
        ({"extra_images": (Path("no.npz"),)}, "no.npz"),
        ({"extra_data": (Path("nowhere"),)}, "nowhere"),
    ],
)
def test_what_is_asked_for_is_looked_at_before_an_earlier_run_is_replaced(
    earlier: Path, data_dir: Path, change: dict, reason: str
) -> None:
    before = contents(earlier)
    with pytest.raises((ValueError, RuntimeError), match=reason):
        fit(replace(CONFIG, **change), data_dir, earlier, CPU, overwrite=True)
    assert contents(earlier) == before


@pytest.mark.parametrize("lost", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_the_data_are_looked_for_before_an_earlier_run_is_replaced(
    earlier: Path, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    monkeypatch.setattr("torchvision.datasets.MNIST", None)  # nothing is downloaded
    shutil.copytree(data_dir, tmp_path / "data")
    (tmp_path / "data/MNIST/raw" / lost).unlink()
    before = contents(earlier)
    with pytest.raises(DataError, match="lacks files of MNIST"):
        fit(CONFIG, tmp_path / "data", earlier, CPU, overwrite=True)
    assert contents(earlier) == before


def test_a_run_that_fails_before_its_first_checkpoint_gives_the_earlier_one_back(
    earlier: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(earlier)

    def fail(*_: object, **__: object) -> torch.Tensor:
        assert not (earlier / "last.pt").exists()
        raise RuntimeError("out of memory")

    monkeypatch.setattr(training.run, "augment", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        fit(CONFIG, data_dir, earlier, CPU, overwrite=True)
    assert contents(earlier) == before


@pytest.mark.parametrize("moves", range(5))
def test_a_run_killed_while_it_took_the_place_of_another_leaves_that(
    earlier: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    """After any number of files: ``os._exit`` would be such an end, and no ``finally`` is reached after it."""
    before = contents(earlier)
    (earlier / ASIDE).mkdir()
    for name in RUN_FILES[:moves]:
        if (earlier / name).exists():
            (earlier / name).rename(earlier / ASIDE / name)
    with pytest.raises(RunError, match=r"already there: add --resume .* or --overwrite"):
        fit(CONFIG, data_dir, earlier, CPU)
    assert contents(earlier) == before
    assert not (earlier / ASIDE).exists()


def test_a_run_that_was_asked_to_replaces_an_earlier_one(earlier: Path, finished: Path, data_dir: Path) -> None:
    config = replace(CONFIG, seed=6)
    fit(config, data_dir, earlier, CPU, overwrite=True)
    assert load_checkpoint(earlier / "best.pt").config["seed"] == 6
    assert set(contents(earlier)) == set(contents(finished))


def test_of_two_runs_in_a_folder_the_one_that_has_begun_stays(earlier: Path, data_dir: Path, tmp_path: Path) -> None:
    """A run that is killed after its first checkpoint, and goes on."""
    shutil.copytree(earlier, earlier / ASIDE)
    before = contents(earlier)
    fit(CONFIG, data_dir, earlier, CPU, resume=True)
    assert not (earlier / ASIDE).exists()
    assert contents(earlier).keys() == {name for name in before if not name.startswith(ASIDE)}
