import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.training.commands import invoke
from training.checkpoint import load_checkpoint
from training.evaluate.__main__ import cli as evaluate


def test_evaluate_measures_checkpoint_and_export_alike(checkpoint: Path, export: Path, data_dir: Path) -> None:

    result = CliRunner().invoke(evaluate, [str(checkpoint), str(export), f"--data-dir={data_dir}", "--json"])
    first, second = (json.loads(line) for line in result.output.splitlines())
    assert first["images"] == second["images"] == 200
    assert first["accuracy"] == pytest.approx(load_checkpoint(checkpoint).metrics["test_accuracy"])
    assert second["accuracy"] == pytest.approx(first["accuracy"], abs=0.01)


def test_evaluate_refuses_other_files(data_dir: Path) -> None:

    output = invoke(evaluate, "five.png", f"--data-dir={data_dir}", code=2)
    assert "a checkpoint (.pt) or an export (.onnx) is needed" in output
