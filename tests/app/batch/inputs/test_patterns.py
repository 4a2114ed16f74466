from glob import glob
from pathlib import Path

import pytest

from app.batch.inputs.arguments import Inputs
from app.batch.inputs.patterns import is_pattern, matches

VISIBLE = ["a/1.png", "a/2.png", "a/b/3.png", "a/b/c/4.png"]

FILES = [*VISIBLE, "a/.hidden/5.png", "a/.6.png", "d[1].png", "d1.png", "e/7.gif"]


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


@pytest.mark.parametrize("relative", PATTERNS.split())
def test_patterns_match_what_glob_matches(relative: str, here: Path) -> None:
    for pattern in (relative, f"{here}/{relative}"):
        links_aside = {path for path in glob(pattern, recursive=True) if "loop" not in path}  # noqa: PTH207
        assert list(matches(pattern)) == sorted(links_aside)


def test_what_is_a_pattern() -> None:
    assert all(map(is_pattern, ("*", "a?", "[a]")))
    assert not any(map(is_pattern, ("a", "a]", "{a,b}", "~")))


def test_with_any_depth_files_are_meant_once_each_and_folders_that_match_are_gone_through(here: Path) -> None:
    for pattern in ("a/**", "a/**/**/*.png"):
        assert [item.path for item in Inputs([pattern])] == VISIBLE
    (here / "a" / "b" / "loop").unlink()
    assert [item.path for item in Inputs(["[ae]"])] == [
        *("a/.6.png", "a/1.png", "a/2.png", "a/.hidden/5.png", "a/b/3.png", "a/b/c/4.png", "e/7.gif")
    ]
