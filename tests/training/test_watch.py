import json
import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import training.watch
from tests.training.runs import CPU, small_config
from training.run import fit
from training.watch import Watch

EPOCH = {"epoch": 1, "train_loss": 0.5, "train_accuracy": 0.8, "validation_loss": 0.4, "validation_accuracy": 0.9}
EPOCH |= {"lr": 0.01, "seconds": 2.0, "images_per_second": 500.0}


@pytest.mark.slow
def test_the_curves_grow_while_it_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training.watch, "SECONDS_BETWEEN_CURVES", 0)
    history, curves = [EPOCH | {"epoch": number} for number in (1, 2, 3)], tmp_path / "curves.png"
    with Watch("run", tmp_path, 10, tensorboard=False) as watch:
        watch.epoch(history[:1])
        assert not curves.exists(), "one epoch makes no curve"
        watch.epoch(history[:2])
        before = curves.read_bytes()
        watch.epoch(history)
        assert curves.read_bytes() != before
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 3


def test_quick_epochs_do_not_wait_for_their_picture(tmp_path: Path) -> None:
    with Watch("run", tmp_path, 10, tensorboard=False) as watch:
        watch.epoch([EPOCH, EPOCH | {"epoch": 2}])
        assert not (tmp_path / "curves.png").exists()
    assert (tmp_path / "curves.png").exists(), "drawn at the end"


def test_a_watch_that_is_not_shown_writes_nothing(tmp_path: Path) -> None:
    with Watch("run", tmp_path, 10, tensorboard=True, shown=False) as watch:
        watch.resumed([EPOCH], 5)
        watch.epoch([EPOCH])
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_did_not_write_is_written_when_it_goes_on(tmp_path: Path) -> None:
    with Watch("run", tmp_path, 10, tensorboard=False) as watch:
        watch.resumed([EPOCH], 5)
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 1


def test_without_tensorboard_the_wish_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ValueError, match="--tensorboard: TensorBoard is not installed"):
        Watch("run", tmp_path, 10, tensorboard=True)


@pytest.mark.slow
def test_tensorboard_gets_every_epoch(data_dir: Path, tmp_path: Path) -> None:
    fit(small_config(epochs=2), data_dir, tmp_path, CPU, tensorboard=True)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    history = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    for tag, name in (("accuracy/validation", "validation_accuracy"), ("loss/train", "train_loss"), ("lr", "lr")):
        assert [(e.step, e.value) for e in events.Scalars(tag)] == [
            (line["epoch"], pytest.approx(line[name], rel=1e-6)) for line in history
        ]
