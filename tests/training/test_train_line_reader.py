from pathlib import Path

import numpy as np
import onnx
from typer.testing import CliRunner

from inkwear.numbers.line_reader import ROWS, LineReader
from training import train_line_reader as lines


def test_a_line_depends_on_its_number_and_on_nothing_else(data_dir: Path) -> None:
    together = lines.make_lines("mnist", 100, 0, data_dir, first=0, count=8)
    later = lines.make_lines("mnist", 100, 0, data_dir, first=5, count=3)
    for (strip, classes), (same, likewise) in zip(together[5:], later, strict=True):
        assert classes == likewise
        assert np.array_equal(strip, same)
    assert all(strip.shape[0] == ROWS and strip.max() > 100 for strip, _ in together)
    assert len({classes for _, classes in together}) > 4


def test_strips_of_a_batch_are_empty_beyond_their_end() -> None:
    narrow, wide = np.full((ROWS, 10), 255, np.uint8), np.full((ROWS, 14), 255, np.uint8)
    batch = lines.stack([narrow, wide])
    assert batch.shape == (2, 1, ROWS, 14)
    assert batch[0, 0, 0].tolist() == [1.0] * 10 + [0.0] * 4


def test_training_leaves_a_reader_that_the_app_can_open(data_dir: Path, tmp_path: Path) -> None:
    output = tmp_path / "lines.onnx"
    options = ["--count=48", "--digits=100", "--batch-size=16", f"--data-dir={data_dir}", f"--output={output}"]
    result = CliRunner().invoke(lines.cli, options)
    assert result.exit_code == 0, result.output
    reader = LineReader(output, "cpu")
    assert reader.alphabet == "0123456789"
    assert reader.read(np.zeros((ROWS, 91), np.uint8)).shape == (46, 11)
    assert output.stat().st_size < 450_000
    graph = onnx.load(output).graph
    eight_bits = {tensor.name for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.INT8}
    dequantized = {node.output[0] for node in graph.node if node.input[0] in eight_bits}
    assert {node.input[1] for node in graph.node if node.op_type == "Conv"} == dequantized


def test_clothes_stand_on_no_line(data_dir: Path) -> None:
    result = CliRunner().invoke(lines.cli, ["--dataset=fashion_mnist", f"--data-dir={data_dir}"])
    assert result.exit_code == 2
    assert "fashion_mnist has no strokes" in result.output
