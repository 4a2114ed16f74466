import random
from pathlib import Path

import pytest

from app.batch.inputs import names
from app.batch.inputs.names import Names

WORDS = ["b", "a", "ü", "f\udcfcnf", "a", "五", "a.png", "B", " ", "line\nbreak"]


def filled(words: list[str]) -> Names:
    made = Names()
    for word in words:
        made.add(word)
    return made


@pytest.mark.parametrize("run", [1, 3, 10, 500, 1000])
def test_runs_in_a_file_make_no_difference(run: int, monkeypatch: pytest.MonkeyPatch) -> None:
    words = WORDS + [f"{number:x}" * 9 for number in random.Random(0).choices(range(700), k=990)]
    whole = filled(words)
    monkeypatch.setattr(names, "MAX_NAMES_IN_MEMORY", run)
    monkeypatch.setattr(names, "BLOCK", 100)
    monkeypatch.setattr(names, "WRITTEN_AT_ONCE", 7)
    in_runs = filled(words)
    for _ in range(2):
        assert list(in_runs) == list(whole) == sorted(set(words))
    assert in_runs.digest() == whole.digest()
    one, other = iter(in_runs), iter(in_runs)
    first, second, third, *_ = whole
    assert [next(one), next(one), next(other), next(one)] == [first, second, first, third]


def test_the_digest_is_that_of_the_names_and_not_of_their_coming() -> None:
    assert filled(["a", "b"]).digest() == filled(["b", "a"]).digest()
    assert filled(["a", "b"]).digest() != filled(["ab"]).digest()
    assert filled([]).digest() != filled([""]).digest()
    assert list(filled([])) == []


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(names.tempfile, "tempdir", None)
    monkeypatch.setattr(names, "MAX_NAMES_IN_MEMORY", 2)
    assert list(filled(WORDS))
    assert list(tmp_path.iterdir()) == []
