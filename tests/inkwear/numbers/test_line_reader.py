import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from inkwear.errors import ModelFileError
from inkwear.numbers.line_reader import FILE, ROWS, UNKNOWN, LineReader, find_reader
from tests.conftest import EXPORTS, change_metadata

DIGITS = tuple("0123456789")
MAKE_ONE = r"make one with python -m training\.train_line_reader"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A copy of the reader in a folder without a list of digests."""
    return Path(shutil.copy(EXPORTS / FILE, tmp_path))


def without(path: Path, name: str) -> Path:
    """Take an entry out of the metadata of a file."""
    model = onnx.load(path)
    kept = {entry.key: entry.value for entry in model.metadata_props if entry.key != name}
    onnx.helper.set_model_props(model, kept)
    onnx.save(model, path)
    return path


def test_another_file_in_the_place_of_the_reader_is_said(tmp_path: Path) -> None:
    shutil.copy(EXPORTS / "mnist-lenet.onnx", tmp_path / FILE)
    with pytest.raises(ModelFileError, match=f"no line reader; {MAKE_ONE}"):
        LineReader(tmp_path / FILE, "cpu")


@pytest.mark.parametrize("name", ["alphabet", "signs"])
def test_a_reader_of_an_older_version_is_said(path: Path, name: str) -> None:
    data = without(path, name).read_bytes()
    with pytest.raises(ModelFileError, match=rf"{FILE}: it does not list its {name}; {MAKE_ONE}"):
        LineReader(path, "cpu", data)
    change_metadata(path, **{name: 12})
    with pytest.raises(ModelFileError, match=f"does not list its {name}"):
        LineReader(path, "cpu", path.read_bytes())


@pytest.mark.slow
def test_a_reader_of_other_strips_is_said(path: Path) -> None:
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = ROWS + 2
    del model.graph.value_info[:]
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelFileError, match=f"reads strips of {ROWS + 2} rows, and this version makes {ROWS}"):
        LineReader(path, "cpu")


@pytest.mark.slow
def test_the_sandbox_counts_the_signs_of_a_foreign_reader(path: Path) -> None:
    signs = LineReader(path, "cpu").signs
    change_metadata(path, signs=signs[:-1])
    with pytest.raises(ModelFileError, match="of another shape than its signs"):
        LineReader(path, "cpu")


def test_each_step_has_the_digits_the_signs_and_the_blank() -> None:
    reader = LineReader(EXPORTS / FILE, "cpu")
    assert set(".,-/:'+=% ") | {UNKNOWN} == set(reader.signs)
    assert reader.signs[-1] == UNKNOWN
    logits = reader.read(np.zeros((ROWS, 200), np.uint8))
    assert logits.shape == (50, len(reader.alphabet) + len(reader.signs) + 1)
    assert np.isfinite(logits).all()
    assert reader.alphabet == "".join(DIGITS)


def test_a_reader_is_found_beside_models_with_its_characters() -> None:
    assert find_reader(EXPORTS / "mnist-lenet.onnx", DIGITS, "cpu").alphabet == "".join(DIGITS)
    assert find_reader(EXPORTS / "mnist-lenet.onnx", ("Bag",), "cpu") is None
    assert find_reader(EXPORTS / "reports" / "mnist-lenet.onnx", DIGITS, "cpu") is None
