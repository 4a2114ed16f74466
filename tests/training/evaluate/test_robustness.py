import json
from pathlib import Path

import pytest

from tests.training.commands import invoke
from training.evaluate import __main__ as evaluate
from training.evaluate import robustness


def test_evaluate_reads_simulated_pictures_by_condition(export: Path, data_dir: Path) -> None:
    options = ["--real", "--count=10", "--condition=drawings/large", "--condition=numbers/apart", "--json"]
    output = invoke(evaluate.cli, str(export), *options, f"--data-dir={data_dir}")
    drawn, numbers = (json.loads(line) for line in output.splitlines())
    assert (drawn["condition"], drawn["images"]) == ("drawings/large", 10)
    assert drawn["correct"] >= 7
    assert numbers["condition"] == "numbers/apart"


def test_real_pictures_to_choose_by_are_made_of_validation_images(
    export: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    original = robustness.load_pixels
    monkeypatch.setattr(robustness, "load_pixels", lambda d, part, f: (read.append(part), original(d, part, f))[1])
    options = ["--real", "--count=4", "--condition=drawings/large", "--part=validation", f"--data-dir={data_dir}"]
    invoke(evaluate.cli, str(export), *options)
    assert read == ["validation"]


def test_an_unknown_condition_is_answered_with_those_there_are(export: Path, data_dir: Path) -> None:
    output = invoke(evaluate.cli, str(export), "--real", "--condition=underwater", f"--data-dir={data_dir}", code=2)
    assert "There is no condition underwater. Known: drawings" in output
