import gzip
from pathlib import Path

from app.batch.inputs.files import in_file, is_picture
from tests.app.archives.packed import png, zipped


def test_names_promise_a_picture() -> None:
    assert all(map(is_picture, ("a.png", "b/c.JPEG", ".a.tiff")))
    assert not any(map(is_picture, (".png", "png", "a.png.txt", "a.heic")))


def test_a_file_is_read_as_its_content_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "archive.png"
    path.write_bytes(zipped({"a.png": b"a"}))
    [entry] = in_file(str(path), b"digest")
    assert (entry.path, entry.source) == (f"{path}/a.png", b"a")
    assert entry.listing_digest != b"digest"
    for data in (png(), gzip.compress(png()), b"rubbish", b""):
        path.write_bytes(data)
        [itself] = in_file(str(path), b"digest")
        assert (itself.path, itself.source, itself.listing_digest) == (str(path), None, b"digest")
