import json
from pathlib import Path

import numpy as np
import pytest

from inkwear.prediction import Prediction
from tests.conftest import EXPORTS
from tests.training.runs import invoke, noted_parts
from training.checkpoint import load_checkpoint
from training.evaluate import Result, robustness
from training.evaluate.__main__ import cli
from training.evaluate.tta import views


def test_a_checkpoint_and_its_export_are_measured_alike(checkpoint: Path, export: Path, data_dir: Path) -> None:
    output = invoke(cli, checkpoint, export, f"--data-dir={data_dir}", "--json")
    first, second = (json.loads(line) for line in output.splitlines())
    assert first["images"] == second["images"] == 200
    assert first["accuracy"] == pytest.approx(load_checkpoint(checkpoint).metrics["test_accuracy"])
    assert second["accuracy"] == pytest.approx(first["accuracy"], abs=0.01)
    assert first["wrong_with_ok"] is None, "a checkpoint has no threshold"
    assert 0 <= second["wrong_with_ok"] <= second["images"] - second["correct"]
    assert f" right, {second['accuracy']:.2%}, {second['wrong_with_ok']} wrong with ok  {export}" in invoke(
        cli, export, f"--data-dir={data_dir}"
    )


def test_the_reader_of_lines_among_the_exports_is_left_out(export: Path, data_dir: Path) -> None:
    output = invoke(cli, EXPORTS / "lines.onnx", export, f"--data-dir={data_dir}")
    assert "lines.onnx: left out" in output
    assert f"wrong with ok  {export}" in output


def test_wrong_answers_that_say_ok_are_counted() -> None:
    def answered(status: str) -> Prediction:
        return Prediction(status, ("0", "1"), (0.9, 0.1), np.zeros((28, 28), np.uint8), ())

    answers = [("ok", True), ("ok", False), ("ok", False), ("unsure", False), ("blank", False), ("unsure", True)]
    result = Result.of("drawn", ((answered(status), right) for status, right in answers))
    assert result == Result("drawn", correct=2, images=6, wrong_with_ok=2)


def test_evaluate_says_how_far_an_export_can_be_trusted(export: Path, real_data: Path) -> None:
    output = invoke(cli, export, "--trust", "--count=40", f"--data-dir={real_data}")
    values = {line.split("  ")[1]: float(line.split("  ")[0]) for line in output.splitlines()}
    assert 0 < values["calibration error"] < 1
    assert 0.3 < values["AUROC against noise"] <= 1


def test_simulated_pictures_of_a_part_are_read_by_condition(
    export: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = noted_parts(robustness, monkeypatch, "load_pixels")
    options = ["--real", "--count=10", "--condition=drawings/large", "--condition=numbers/apart", "--json"]
    output = invoke(cli, export, *options, "--part=validation", f"--data-dir={data_dir}")
    drawn, numbers = (json.loads(line) for line in output.splitlines())
    assert (drawn["condition"], drawn["images"], numbers["condition"]) == ("drawings/large", 10, "numbers/apart")
    assert drawn["correct"] >= 7
    assert read == ["validation"]


def test_what_cannot_be_measured_is_a_sentence(export: Path, data_dir: Path) -> None:
    output = invoke(cli, export, "--real", "--condition=underwater", f"--data-dir={data_dir}", code=2)
    assert "There is no condition underwater. Known: drawings" in output
    output = invoke(cli, "five.png", f"--data-dir={data_dir}", code=2)
    assert "a checkpoint (.pt) or an export (.onnx) is needed" in output


def test_views_are_shifted_and_mirrored_and_lose_no_pixel_inside() -> None:
    images = np.zeros((1, 28, 28), np.uint8)
    images[0, 10, 4] = 200
    seen = list(views(images, mirror=True))
    assert np.array_equal(seen[0], images)
    places = [tuple(int(i) for i in np.argwhere(view[0])[0]) for view in seen]
    assert places == [(10, 4), (10, 5), (10, 3), (11, 4), (9, 4), (10, 23), (10, 24), (10, 22), (11, 23), (9, 23)]
    assert len(list(views(images, mirror=False))) == 5


def test_evaluate_averages_over_views(export: Path, data_dir: Path) -> None:
    output = invoke(cli, export, "--views", f"--data-dir={data_dir}")
    assert "of 200 right" in output
    assert int(output.split()[0]) > 180
