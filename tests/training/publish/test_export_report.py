import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from inkwear.classifier import Classifier
from inkwear.report import Report, read_report, report_path
from tests.training.runs import invoke
from training.analysis import Answers
from training.checkpoint import load_checkpoint, save_checkpoint
from training.errors import CheckpointError
from training.publish.export_report import cli, find_checkpoint, measure_confidence


@pytest.fixture
def runs(checkpoint: Path, tmp_path: Path) -> Path:
    """A folder of two runs, of which the second was exported."""
    first, second = (tmp_path / "runs" / name / "best.pt" for name in ("mnist-convnet", "mnist-convnet-tuned"))
    run = load_checkpoint(checkpoint)
    save_checkpoint(run, second)
    save_checkpoint(dataclasses.replace(run, config=run.config | {"seed": 9}), first)
    return tmp_path / "runs"


@pytest.fixture
def alone(export: Path, tmp_path: Path) -> Path:
    """The export without its report."""
    return Path(shutil.copy(export, tmp_path))


def test_an_export_comes_with_its_report(export: Path) -> None:
    report, metrics = read_report(export), Classifier(export, "cpu").metadata.metrics
    right = sum(row[index] for index, row in enumerate(report.confusion))
    assert sum(map(sum, report.confusion)) == 200
    assert right / 200 == pytest.approx(metrics["test_accuracy"])
    assert [epoch["epoch"] for epoch in report.curves] == [1, 2, 3]
    assert sum(layer.parameters for layer in report.layers) == metrics["parameters"]
    sure = report.confidence
    assert right / 200 >= sure["accuracy_when_sure"] * (1 - sure["unsure"]) - 1e-4
    assert 0 <= sure["calibration_error"] < 1


def test_confidence_is_measured_on_what_is_sure_and_what_is_not() -> None:
    probabilities = np.array([[0.95, 0.05], [0.9, 0.1], [0.1, 0.9], [0.6, 0.4]])
    answers = Answers(np.zeros((4, 28, 28), np.uint8), np.array([0, 1, 1, 0]), probabilities, ("a", "b"))
    found = measure_confidence(answers, 0.7)
    assert (found["unsure"], found["accuracy_when_sure"]) == (0.25, pytest.approx(2 / 3))
    # the bin from 0.9: three images, on average 0.9167 sure and two of them right; that from 0.6: one, right
    assert found["calibration_error"] == pytest.approx(0.75 * (0.55 / 0.6 - 2 / 3) + 0.25 * 0.4)
    assert set(measure_confidence(answers, 0.99)) == {"calibration_error", "unsure"}


def test_a_report_of_before_confidence_was_measured_is_read(export: Path) -> None:
    lines = report_path(export).read_text().splitlines(keepends=True)
    report = Report.from_json("".join(line for line in lines if not line.startswith('"confidence"')))
    assert report.confidence == {}
    assert report.layers == read_report(export).layers


def test_the_command_finds_the_run_and_writes_the_same_report(
    export: Path, alone: Path, runs: Path, data_dir: Path
) -> None:
    output = invoke(cli, str(alone), f"--checkpoints={runs}", f"--data-dir={data_dir}")
    assert output.strip() == str(report_path(alone))
    assert report_path(alone).read_text() == report_path(export).read_text()


def test_a_run_of_other_options_is_not_taken(alone: Path, runs: Path, data_dir: Path) -> None:
    shutil.rmtree(runs / "mnist-convnet-tuned")
    with pytest.raises(CheckpointError, match=r"none of the runs under .* train it again: python -m training.train"):
        find_checkpoint(alone, runs)
    invoke(cli, str(alone), f"--checkpoints={runs}", f"--data-dir={data_dir}", code=4)
    assert not report_path(alone).exists()
