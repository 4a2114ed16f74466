import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from inkwear.numbers.line_reader import ROWS, LineReader
from tests.training.runs import invoke
from training import line_reader
from training.simulator.lines import alphabet
from training.train_line_reader import cli

pytestmark = pytest.mark.slow


@pytest.mark.usefixtures("few_characters")
def test_training_leaves_a_reader_that_the_app_can_open(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_reader, "VALIDATION_LINES", 4)
    output, checkpoint = tmp_path / "lines.onnx", tmp_path / "lines.pt"
    options = ["--digits=100", "--batch-size=16", f"--data-dir={data_dir}", f"--output={output}"]
    printed = invoke(cli, "--count=32", f"--checkpoint={checkpoint}", *options)
    assert "loss a character" in printed
    assert checkpoint.exists()
    reader = LineReader(output, "cpu")
    assert reader.alphabet == "0123456789"
    assert reader.alphabet + reader.signs == alphabet(reader.alphabet)
    assert reader.read(np.zeros((ROWS, 91), np.uint8)).shape == (23, 22)
    session = onnxruntime.InferenceSession(output)
    assert session.run(None, {"strips": np.zeros((3, 1, ROWS, 8), np.float32)})[0].shape == (3, 2, 22)
    facts = {key: json.loads(value) for key, value in session.get_modelmeta().custom_metadata_map.items()}
    assert facts["kind"] == "line reader"
    assert (facts["dataset"], facts["recipe"]["count"], facts["recipe"]["digits"]) == ("mnist", 32, 100)


def test_clothes_stand_on_no_line(data_dir: Path) -> None:
    output = invoke(cli, "--dataset=fashion_mnist", f"--data-dir={data_dir}", code=2)
    assert "fashion_mnist has no strokes" in output
