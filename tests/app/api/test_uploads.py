import io

import pytest

from app.api import uploads
from tests.app.api.test_classify import FIVE
from tests.app.conftest import error_of, message_of

FORM = {"Content-Type": "multipart/form-data; boundary=edge"}


@pytest.mark.parametrize("path", ["/classify", "/explain", "/compare"])
@pytest.mark.parametrize(
    ("kind", "content", "reason"),
    [
        ("multipart/form-data; boundary=edge", b"--edge--\r\n", "image: Field required"),
        ("multipart/form-data", b"hello", "The form cannot be read"),
        ("multipart/form-data; boundary=edge", b"no form at all", "The form cannot be read"),
    ],
)
def test_a_damaged_form_is_said(client, path: str, kind: str, content: bytes, reason: str) -> None:
    response = client.post(path, content=content, headers={"Content-Type": kind})
    assert error_of(response) == (422, "RequestError")
    assert reason in message_of(response)


def test_parts_and_fields_are_bounded(client, monkeypatch: pytest.MonkeyPatch) -> None:
    long = client.post("/classify", files={"image": ("a.png", FIVE)}, data={"model": "x" * 1001})
    assert error_of(long) == (422, "RequestError")
    assert message_of(long).startswith("model: a name is expected here")
    monkeypatch.setattr(uploads, "MAX_PARTS", 2)
    several = client.post("/classify", files=[("image", ("a.png", FIVE))] * 3)
    assert error_of(several) == (413, "TooLargeError")


def test_a_stretch_is_a_file_of_its_own() -> None:
    file = uploads.Stretch(io.BytesIO(b"0123456789"), 2, 5)
    assert file.read() == b"23456"
    assert (file.seek(-2, io.SEEK_END), file.read(9)) == (3, b"56")
    assert (file.seek(1), file.seek(1, io.SEEK_CUR), file.read(1)) == (1, 2, b"4")
    with pytest.raises(OSError, match="before the beginning"):
        file.seek(-1)
