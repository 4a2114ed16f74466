from dataclasses import replace
from pathlib import Path

import pytest

from app.batch.output.fingerprint import RunFingerprint
from tests.app.batch.tables import ASKED


@pytest.mark.parametrize(
    ("now", "changes"),
    [
        (ASKED, []),
        (replace(ASKED, model="mnist-convnet"), ["--model was mnist-lenet and is mnist-convnet"]),
        (replace(ASKED, digest="cd" * 32), ["the file of mnist-lenet was SHA-256 abababababab… and is cdcdcdcdcdcd…"]),
        (replace(ASKED, options={"--top-k": 5}), ["--format was csv and is not given", "--top-k was 3 and is 5"]),
        (replace(ASKED, arguments=[*"abcd"]), ["the inputs were named 'pictures' and are 'a', 'b', 'c' and 1 more"]),
        (replace(ASKED, missing=[]), ["'pictures' appeared or disappeared"]),
    ],
)
def test_each_change_is_named(now: RunFingerprint, changes: list[str]) -> None:
    assert ASKED.changes(now) == changes


def test_arguments_that_name_nothing_and_options_are_part_of_it(tmp_path: Path) -> None:
    there, missing = str(tmp_path), str(tmp_path / "missing")
    found = RunFingerprint.of("mnist-lenet", "ab", [there, missing], top_k=3)
    assert found == RunFingerprint("mnist-lenet", "ab", [there, missing], {"--top-k": 3}, [missing])
