import shutil
from pathlib import Path

import onnx
import pytest

from inkwear.errors import ModelFileError
from inkwear.numbers.line_reader import FILE, ROWS, LineReader, find_reader
from tests.conftest import EXPORTS


def test_another_file_in_the_place_of_the_reader_is_said(tmp_path: Path) -> None:
    shutil.copy(EXPORTS / "mnist-lenet.onnx", tmp_path / FILE)
    with pytest.raises(ModelFileError, match=r"no line reader; make one with python -m training\.train_line_reader"):
        LineReader(tmp_path / FILE, "cpu")


@pytest.mark.slow
def test_a_reader_of_other_strips_is_said(tmp_path: Path) -> None:
    model = onnx.load(EXPORTS / FILE)
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = ROWS + 2
    del model.graph.value_info[:]
    (tmp_path / FILE).write_bytes(model.SerializeToString())
    with pytest.raises(ModelFileError, match=f"reads strips of {ROWS + 2} rows, and this version makes {ROWS}"):
        LineReader(tmp_path / FILE, "cpu")


def test_a_reader_is_found_beside_models_with_its_characters() -> None:
    digits = tuple("0123456789")
    assert find_reader(EXPORTS / "mnist-lenet.onnx", digits, "cpu").alphabet == "".join(digits)
    assert find_reader(EXPORTS / "mnist-lenet.onnx", ("Bag",), "cpu") is None
    assert find_reader(EXPORTS / "reports" / "mnist-lenet.onnx", digits, "cpu") is None
