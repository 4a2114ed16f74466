from pathlib import Path

import pytest

from inkwear.files import atomic_path, remove_leftovers


def test_the_file_appears_whole_and_alone_and_a_failure_leaves_it_so(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    with atomic_path(path) as temporary:
        temporary.write_text("all of it")
        assert not path.exists()
    with pytest.raises(OSError, match="disk full"), atomic_path(path):
        raise OSError("disk full")
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]
    assert path.read_text() == "all of it"


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    names = ("last.pt", "best.pt", ".best-abcdefgh.pt", ".last-abcdefgh.png", ".last-notours.pt")
    kept = [tmp_path / name for name in names]
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
