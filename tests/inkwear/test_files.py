from pathlib import Path

import pytest

from inkwear.files import atomic_path, remove_leftovers


def test_the_file_appears_whole_and_alone(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "new" / "file.txt") as temporary:
        temporary.write_text("all of it")
        assert not (tmp_path / "new" / "file.txt").exists()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file.txt"]
    assert (tmp_path / "new" / "file.txt").read_text() == "all of it"


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def write_half() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("ne")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_half()
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]
    assert path.read_text() == "old"


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    kept = [
        tmp_path / name
        for name in ("last.pt", "best.pt", ".best-abcdefgh.pt", ".last-abcdefgh.png", ".last-notours.pt")
    ]
    for path in [*kept, tmp_path / ".last-k3x_7abc.pt"]:
        path.touch()
    remove_leftovers(tmp_path / "last.pt")
    assert sorted(tmp_path.iterdir()) == sorted(kept)
    remove_leftovers(tmp_path / "not here" / "last.pt")


def test_what_another_writer_is_at_is_left_alone(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "last.pt") as first:
        with atomic_path(tmp_path / "last.pt") as second:
            second.write_text("second")
        assert first.exists()
        first.write_text("first")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("last.pt", "first")]
