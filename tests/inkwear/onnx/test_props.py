from pathlib import Path

import onnx
import pytest

from inkwear.errors import ProtobufError
from inkwear.onnx.props import read_props
from tests.conftest import EXPORTS


@pytest.mark.parametrize("path", sorted(EXPORTS.glob("*lenet*.onnx")), ids=lambda path: path.stem)
def test_the_same_is_read_as_onnx_reads(path: Path) -> None:
    assert read_props(path) == {entry.key: entry.value for entry in onnx.load(path).metadata_props}


LENET = (EXPORTS / "mnist-lenet.onnx").read_bytes()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"broken", "it is not an ONNX file"),
        (b"PK\x03\x04" + b"\0" * 60, "it is not an ONNX file"),
        *((LENET[: int(share * len(LENET))], "cut short") for share in (0.1, 0.5, 0.99)),
        (LENET + b"\x72\x06\x0a\x04seal", "the key 'seal' twice"),
        (LENET + b"\x72\x03\x0a\x01\xff", "not text"),
    ],
)
def test_what_is_no_onnx_file_is_said(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "bad.onnx").write_bytes(data)
    with pytest.raises(ProtobufError, match=reason):
        read_props(tmp_path / "bad.onnx")
