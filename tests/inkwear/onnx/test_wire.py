import io

import pytest

from inkwear.errors import ProtobufError
from inkwear.onnx.wire import BYTES, FIXED32, FIXED64, VARINT, content, fields

MESSAGE = b"\x08\x96\x01" + b"\x12\x03abc" + b"\x19" + bytes(8) + b"\x25" + bytes(4)
"""Field 1 is the number 150, field 2 is abc, fields 3 and 4 have eight and four bytes."""


def test_every_wire_type_is_found_in_its_place() -> None:
    file = io.BytesIO(b"before" + MESSAGE + b"after")
    found = list(fields(file, 6, 6 + len(MESSAGE), 4))
    assert [(field.number, field.kind) for field in found] == [(1, VARINT), (2, BYTES), (3, FIXED64), (4, FIXED32)]
    assert found[0].value == 150
    assert content(file, found[1]) == b"abc"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (MESSAGE[:-1], "cut short"),
        (b"\x08", "cut short"),
        (b"\x0b", "not an ONNX file"),
        (b"\x08" + b"\xff" * 10, "not an ONNX file"),
        (MESSAGE * 2, "has more than 4 fields"),
    ],
)
def test_what_is_no_message_is_said(data: bytes, reason: str) -> None:
    with pytest.raises(ProtobufError, match=reason):
        list(fields(io.BytesIO(data), 0, len(data), 4))
