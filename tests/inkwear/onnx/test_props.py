from pathlib import Path

import onnx
import pytest

from inkwear.onnx.props import PropsError, read_props
from tests.conftest import EXPORTS


@pytest.mark.parametrize("path", sorted(EXPORTS.glob("*lenet*.onnx")), ids=lambda path: path.stem)
def test_the_same_is_read_as_onnx_reads(path: Path) -> None:
    assert read_props(path) == {entry.key: entry.value for entry in onnx.load(path).metadata_props}


@pytest.mark.parametrize("data", [b"", b"broken", b"\xff" * 40, b"\x00\x00", b"PK\x03\x04" + b"\0" * 60])
def test_what_is_no_onnx_file_is_said(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad.onnx").write_bytes(data)
    with pytest.raises(PropsError, match="it is "):
        read_props(tmp_path / "bad.onnx")


def test_a_file_cut_short_is_said(tmp_path: Path) -> None:
    whole = (EXPORTS / "mnist-lenet.onnx").read_bytes()
    for share in (0.1, 0.5, 0.99):
        (tmp_path / "cut.onnx").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(PropsError, match="cut short"):
            read_props(tmp_path / "cut.onnx")
