from pathlib import Path

import numpy as np
import onnx
import pytest

from inkwear.numbers.line_reader import ROWS, LineReader
from tests.training.runs import invoke
from training.line_reader import stack
from training.train_line_reader import cli

pytestmark = pytest.mark.slow


def test_strips_of_a_batch_are_empty_beyond_their_end() -> None:
    narrow, wide = np.full((ROWS, 10), 255, np.uint8), np.full((ROWS, 14), 255, np.uint8)
    batch = stack([narrow, wide])
    assert batch.shape == (2, 1, ROWS, 14)
    assert batch[0, 0, 0].tolist() == [1.0] * 10 + [0.0] * 4


def test_training_leaves_a_reader_that_the_app_can_open(data_dir: Path, tmp_path: Path) -> None:
    output = tmp_path / "lines.onnx"
    options = ["--count=48", "--digits=100", "--batch-size=16", f"--data-dir={data_dir}", f"--output={output}"]
    invoke(cli, *options)
    reader = LineReader(output, "cpu")
    assert reader.alphabet == "0123456789"
    assert reader.read(np.zeros((ROWS, 91), np.uint8)).shape == (46, 11)
    assert output.stat().st_size < 450_000
    graph = onnx.load(output).graph
    eight_bits = {tensor.name for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.INT8}
    dequantized = {node.output[0] for node in graph.node if node.input[0] in eight_bits}
    assert {node.input[1] for node in graph.node if node.op_type == "Conv"} == dequantized


def test_clothes_stand_on_no_line(data_dir: Path) -> None:
    output = invoke(cli, "--dataset=fashion_mnist", f"--data-dir={data_dir}", code=2)
    assert "fashion_mnist has no strokes" in output
