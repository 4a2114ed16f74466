import gzip
from pathlib import Path

from app.batch.inputs.files import in_file, is_companion, is_container, is_picture
from tests.app.archives.packed import png, zipped


def test_names_promise_what_a_file_is() -> None:
    assert all(map(is_picture, ("a.png", "b/c.JPEG", ".a.tiff")))
    assert not any(map(is_picture, (".png", "png", "a.png.txt", "a.heic")))
    assert all(map(is_container, ("a.zip", "b.TAR.xz", "c-idx3-ubyte", "d.parquet")))
    assert not any(map(is_container, ("a.png", "train-labels-idx1-ubyte", "a.7z")))
    assert all(map(is_companion, (".a.png", "Thumbs.db", "train-labels-idx1-ubyte.gz")))
    assert not any(map(is_companion, ("a.png", "idx1.zip", "notes.txt")))


def test_a_file_is_read_as_its_content_whatever_its_name(tmp_path: Path) -> None:
    contents = {
        "archive.png": (zipped({"a.png": b"a"}), "/a.png"),
        "picture.zip": (png(), ""),
        "rubbish.png": (b"rubbish", ""),
        "picture.gz": (gzip.compress(png()), ""),
        "empty": (b"", ""),
    }
    for name, (data, entry) in contents.items():
        path = tmp_path / name
        path.write_bytes(data)
        [item] = in_file(str(path), b"digest")
        assert (item.path, item.source) == (f"{path}{entry}", b"a" if entry else None)
        assert (item.listing_digest == b"digest") == (not entry)
