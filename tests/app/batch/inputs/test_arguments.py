import gzip
import io
import os
import socket
import struct
from pathlib import Path

import numpy as np
import pytest

from app.batch.inputs.arguments import MAX_CHUNK_BYTES, Inputs, in_chunks
from app.batch.inputs.input import Failure, Input
from inkwear.errors import ImageError
from inkwear.images.decode import open_image
from tests.app.archives.packed import png, tarred, zipped

IDX = struct.pack(">4L", 0x803, 2, 28, 28) + bytes(2 * 28 * 28)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a little of everything, which is the current one."""
    monkeypatch.chdir(tmp_path)
    files = {
        "one.png": png("1"),
        "scans/b.png": png("2"),
        "scans/a.JPG": png("3"),
        "scans/below/c.png": png("4"),
        "scans/notes.txt": b"no picture",
        "scans/more.zip": zipped({"z.png": png("5")}),
        "many.tgz": tarred({"t.png": png("6")}, "gz"),
        "t10k-images-idx3-ubyte.gz": gzip.compress(IDX),
        "names.txt": b"one.png\nscans/b.png\n",
    }
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


def paths(*arguments: str, stdin: bytes = b"") -> list[str]:
    return [item.path for item in Inputs(arguments, io.BytesIO(stdin))]


def failure(argument: str) -> Failure:
    [item] = Inputs([argument])
    assert item.path == argument
    return item.source


def test_files_left_out_of_folders_are_counted_anew_each_time(here: Path) -> None:
    for name in ("scans/x.heic", "scans/below/y.HEIC"):
        (here / name).touch()
    inputs = Inputs(["scans", "one.png", "@list.txt", "sc*"])
    (here / "list.txt").write_text("scans\n")
    for _ in range(2):
        assert len(list(inputs)) == 3 * 4 + 1
        assert "read: 6 .heic, 3 .txt. Name" in inputs.left_out.in_words()


def test_everything_in_one_call_again_and_again(here: Path) -> None:
    arguments = ["one.png", "scans", "many.tgz", "t10k-images-idx3-ubyte.gz", "@names.txt", "-", "scans/?.png", "none"]
    inputs = Inputs(arguments, io.BytesIO(b"scans/below\none.png"))
    expected = [
        "one.png",
        *("scans/a.JPG", "scans/b.png", "scans/more.zip/z.png", "scans/below/c.png"),
        "many.tgz/t.png",
        *("t10k-images-idx3-ubyte.gz#0", "t10k-images-idx3-ubyte.gz#1"),
        *("one.png", "scans/b.png"),
        *("scans/below/c.png", "one.png"),
        "scans/b.png",
        "none",
    ]
    first, second = ([(item.path, item.fingerprint()) for item in inputs] for _ in range(2))
    assert [path for path, _ in first] == expected
    assert second == first


def test_pictures_of_a_folder_and_of_a_thousand_arguments_are_not_opened(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "scans" / "more.zip").unlink()
    monkeypatch.setattr("app.batch.inputs.files.open_file", None)
    assert len(paths("scans")) == 3
    assert paths(*["one.png"] * 1000) == ["one.png"] * 1000


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("missing", ["nowhere.png", "one.png/below.png", "nothing-*.png", "@nothing.txt"]),
        ("unreadable", ["a\0b", "x" * 300 + ".png", "loop.png"]),
        ("empty", ["empty", "empty.zip", "empty.tar", "@empty.txt"]),
    ],
)
def test_what_cannot_be_read_and_what_holds_nothing_is_a_row(here: Path, code: str, arguments: list[str]) -> None:
    (here / "loop.png").symlink_to("loop.png")
    (here / "empty").mkdir()
    (here / "empty.zip").write_bytes(zipped({}))
    (here / "empty.tar").write_bytes(tarred({}))
    (here / "empty.txt").write_bytes(b"\n\n")
    assert [failure(argument).code for argument in arguments] == [code] * len(arguments)


def test_pipes_and_sockets_are_refused_and_never_waited_for(here: Path) -> None:
    for name in ("pipe.png", "pipe.zip", "scans/pipe.png"):
        os.mkfifo(name)
    (here / "scans" / "to-pipe.png").symlink_to(here / "pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        for name in ("pipe.png", "pipe.zip", "socket.png", "/dev/zero"):
            assert failure(name).code == "unreadable"
    refused = [item.path for item in Inputs(["scans"]) if isinstance(item.source, Failure)]
    assert refused == ["scans/pipe.png", "scans/to-pipe.png"]
    with pytest.raises(ImageError, match="a pipe, a socket or a device") as caught:
        open_image("pipe.png")
    assert caught.value.code == "unreadable"


def test_a_file_of_the_very_name_comes_before_a_pattern_and_a_list(here: Path) -> None:
    for name in ("a[1].png", "a1.png", "@b.png"):
        (here / name).write_bytes(png())
    assert paths("a[1].png", "@b.png") == ["a[1].png", "@b.png"]
    assert paths("a[[]1].png", "a[!2].png") == ["a[1].png", "a1.png"]


def test_names_of_any_bytes_survive(here: Path) -> None:
    name = os.fsdecode(b"f\xfcnf")
    (here / f"{name}.png").write_bytes(png())
    (here / f"{name}.zip").write_bytes(zipped({"a.png": b"a"}))
    (here / name).mkdir()
    (here / name / "a.png").write_bytes(png())
    expected = [f"{name}.png", f"{name}.zip/a.png", f"{name}/a.png"]
    assert paths(f"{name}.png", f"{name}.zip", name) == expected
    assert paths("-", stdin=b"f\xfcnf.png\nf\xfcnf.zip\nf\xfcnf") == expected
    assert sorted(paths("f*")) == sorted(expected)
    assert all(item.fingerprint() for item in Inputs([f"{name}.zip"]))


def test_a_listing_digest_changes_with_the_place_that_an_input_is_from(here: Path) -> None:
    def digests() -> list[bytes]:
        return [next(iter(Inputs([name]))).listing_digest for name in ("scans/below", "many.tgz", "@names.txt")]

    before = digests()
    (here / "scans" / "below" / "d.txt").touch()
    assert digests() == before
    (here / "scans" / "below" / "d.png").touch()
    os.utime("many.tgz", ns=(1, 1))
    (here / "names.txt").write_bytes(b"one.png\nscans/b.png\nscans/a.JPG")
    assert all(one != other for one, other in zip(before, digests(), strict=True))


def test_chunks_are_of_one_length_and_shorter_where_they_would_be_heavy() -> None:
    light = [Input(str(index)) for index in range(7)]
    assert list(in_chunks(light, 3)) == [light[:3], light[3:6], light[6:]]
    assert list(in_chunks([], 3)) == []
    heavy = [Input(str(index), bytes(MAX_CHUNK_BYTES // 2)) for index in range(5)]
    assert list(in_chunks([*light[:1], *heavy], 32)) == [[light[0], *heavy[:2]], heavy[2:4], heavy[4:]]
    pixels = [Input(str(index), np.zeros((8000, 8000), np.uint8)) for index in range(2)]
    assert list(in_chunks(pixels, 32)) == [pixels[:1], pixels[1:]]
