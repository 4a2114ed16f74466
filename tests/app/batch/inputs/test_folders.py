import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.batch.inputs import folders
from app.batch.inputs.folders import MAX_ENDINGS, LeftOut, in_folder
from app.batch.inputs.input import Failure, Input
from inkwear.errors import ImageError
from inkwear.images.decode import open_image
from tests.peak import COUNT_INPUTS, only_linux, peak_of


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def found(folder: Path) -> list[str]:
    return [os.path.relpath(item.path, folder) for item in items(folder)]


def items(folder: Path | str) -> list[Input]:
    return list(in_folder(str(folder), LeftOut()))


def test_files_come_before_subfolders_each_by_name(tmp_path: Path) -> None:
    touch(tmp_path, "b/2.png", "b/1.png", "b/a/0.png", "a/z.jpeg", "c.TIFF", "skip.txt", ".png", "png", "a.png/1.webp")
    assert found(tmp_path) == ["c.TIFF", "a/z.jpeg", "a.png/1.webp", "b/1.png", "b/2.png", "b/a/0.png"]


def test_a_folder_given_with_a_slash_as_a_dot_or_as_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a/1.png")
    monkeypatch.chdir(tmp_path)
    assert [item.path for item in items("a/")] == ["a/1.png"]
    assert [item.path for item in items(".")] == ["./a/1.png"]
    (tmp_path / "link").symlink_to("a")
    assert found(tmp_path / "link") == ["1.png"]


def test_links_to_files_are_read_and_loops_are_not_walked(tmp_path: Path) -> None:
    root = tmp_path / "root"
    touch(root, "a/1.png", "b/2.png")
    touch(tmp_path, "outside/3.png", "outside/deep/4.png")
    for link, target in {
        "root/link.png": tmp_path / "outside" / "3.png",
        "root/gone.png": "nowhere.png",
        "root/circle.png": "circle.png",
        "root/a/up": root,
        "root/a/beside": root / "b",
        "root/c": tmp_path / "outside",
        "root/d": tmp_path / "outside" / "deep",
        "outside/deep/back": tmp_path,
    }.items():
        (tmp_path / link).symlink_to(target)
    assert found(root) == ["circle.png", "gone.png", "link.png", "a/1.png", "b/2.png", "c/3.png", "c/deep/4.png"]
    assert [item.source.code for item in items(root) if isinstance(item.source, Failure)] == ["missing"]
    with pytest.raises(ImageError, match="Too many levels of symbolic links") as caught:
        open_image(root / "circle.png")
    assert caught.value.code == "unreadable"


def test_a_link_to_a_folder_above_is_walked_without_what_was_walked(tmp_path: Path) -> None:
    touch(tmp_path, "0.png", "root/1.png", "root/sub/2.png", "other/3.png")
    (tmp_path / "root" / "up").symlink_to(tmp_path)
    assert found(tmp_path / "root") == ["1.png", "sub/2.png", "up/0.png", "up/other/3.png"]


def test_a_folder_that_cannot_be_listed_is_a_row_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a/1.png", "b/2.png", "c/3.png")
    listed = os.scandir

    def scandir(folder: str) -> Iterator[os.DirEntry[str]]:
        if folder.endswith("b"):
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    monkeypatch.setattr(folders.os, "scandir", scandir)
    assert found(tmp_path) == ["a/1.png", "b", "c/3.png"]
    [refused] = [item.source for item in items(tmp_path) if item.source]
    assert refused.code == "unreadable"
    assert "Permission denied" in refused.sentence


@pytest.mark.slow
def test_a_tree_of_any_depth_is_walked(tmp_path: Path) -> None:
    deepest = tmp_path / "/".join("a" * 1100)  # 2,200 letters: Python's stack is 1,000 calls, a path has 4,096 bytes
    subprocess.run(["mkdir", "-p", str(deepest)], check=True)
    (deepest / "1.png").touch()
    assert [item.path for item in items(tmp_path)] == [str(deepest / "1.png")]
    subprocess.run(["rm", "-r", str(tmp_path / "a")], check=True)


def left_out_of(folder: Path) -> str:
    left_out = LeftOut()
    list(in_folder(str(folder), left_out))
    return left_out.in_words()


def test_files_that_are_left_out_are_reported_by_their_endings(tmp_path: Path) -> None:
    touch(tmp_path, "1.png", "a.HEIC", "b.heic", "below/c.heic", "d.avif", "d.tar.zst", "below/e.txt")
    touch(tmp_path, "no_ending", "a.name like a sentence")
    assert "read: 3 .heic, 2 without an ending, 1 .avif, 1 .tar.zst, 1 .txt. Name a file" in left_out_of(tmp_path)


def test_what_is_not_meant_as_a_picture_is_not_reported(tmp_path: Path) -> None:
    touch(tmp_path, "1.png", "2.zip", ".DS_Store", ".hidden.heic", "Thumbs.db", "desktop.ini", "a.b/3.jpg")
    touch(tmp_path, "train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte.gz")
    (tmp_path / "nowhere.heic").symlink_to("gone.heic")
    os.mkfifo(tmp_path / "pipe.heic")
    assert left_out_of(tmp_path) == ""


def test_any_number_of_endings_is_counted_in_bounded_memory() -> None:
    left_out = LeftOut()
    for number in range(3 * MAX_ENDINGS):
        left_out.add(f"a.{number:03d}")
    assert len(left_out._counts) == MAX_ENDINGS
    assert f"1 .009, {3 * MAX_ENDINGS - 10} with other endings." in left_out.in_words()


@only_linux
@pytest.mark.slow
def test_memory_does_not_grow_with_a_folder(tmp_path: Path) -> None:
    """120,000 files here; a million took 8 MB more than 10,000."""
    peaks = []
    for count in (2_000, 120_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        for index in range(count):
            path = folder / f"{index:07d}.png"
            if index % 30_000 == 0:  # a file has no more names than some 65,000
                first = path
                first.touch()
            else:
                os.link(first, path)
        printed, peak = peak_of(COUNT_INPUTS, folder)
        assert printed == [str(count)]
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 20


def test_ten_thousand_files_take_a_moment(tmp_path: Path) -> None:
    """Some 14 ms beyond the listing itself; ten times that would be a file opened or looked at each."""
    for index in range(10_000):
        os.close(os.open(tmp_path / f"{index}.png", os.O_CREAT))
    started = time.process_time()
    assert sum(1 for _ in in_folder(str(tmp_path), LeftOut())) == 10_000
    assert time.process_time() - started < 0.25
