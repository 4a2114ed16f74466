from glob import glob
from pathlib import Path

import pytest

from app.batch.inputs.arguments import Inputs
from app.batch.inputs.patterns import is_pattern, matches

FILES = (
    "a/1.png",
    "a/2.png",
    "a/b/3.png",
    "a/b/c/4.png",
    "a/.hidden/5.png",
    "a/.6.png",
    "d[1].png",
    "d1.png",
    "e/7.gif",
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "a" / "b" / "loop").symlink_to(tmp_path)
    return tmp_path


PATTERNS = "*.png a/*.png a/?.png */[12].png a/**/*.png **/*.png **/b/*.png a/b * a/.* d[[]1].png d[!2].png \
    **/[!b]/*.png nothing* */nothing/*.png ./a/*.png a/*/../*.png"


@pytest.mark.parametrize("pattern", PATTERNS.split())
def test_patterns_match_what_glob_matches(pattern: str, here: Path) -> None:
    links_aside = {path for path in glob(pattern, recursive=True) if "loop" not in path}  # noqa: PTH207
    assert list(matches(pattern)) == sorted(links_aside)
    absolute = {path for path in glob(f"{here}/{pattern}", recursive=True) if "loop" not in path}  # noqa: PTH207
    assert list(matches(f"{here}/{pattern}")) == sorted(absolute)


def test_what_is_a_pattern() -> None:
    assert all(map(is_pattern, ("*", "a?", "[a]")))
    assert not any(map(is_pattern, ("a", "a]", "{a,b}", "~")))


def test_with_any_depth_files_are_meant_once_each() -> None:
    assert [item.path for item in Inputs(["a/**"])] == ["a/1.png", "a/2.png", "a/b/3.png", "a/b/c/4.png"]
    assert [item.path for item in Inputs(["a/**/**/*.png"])] == ["a/1.png", "a/2.png", "a/b/3.png", "a/b/c/4.png"]


def test_folders_that_match_are_gone_through(here: Path) -> None:
    (here / "a" / "b" / "loop").unlink()
    assert [item.path for item in Inputs(["[ae]"])] == [
        *("a/.6.png", "a/1.png", "a/2.png", "a/.hidden/5.png", "a/b/3.png", "a/b/c/4.png", "e/7.gif")
    ]
