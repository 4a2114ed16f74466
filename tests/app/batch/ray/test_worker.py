from pathlib import Path

import pytest

from app.batch.inputs.input import Failure, Input
from app.batch.ray import worker


def test_other_versions_of_packages_are_refused() -> None:
    worker._check_versions(worker.versions())
    with pytest.raises(worker.ClusterError, match=r"it has numpy .*, this machine has 1\.0, so that rows could differ"):
        worker._check_versions(worker.versions() | {"numpy": "1.0"})


def test_a_folder_is_needed_for_relative_paths_alone(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    worker._enter(nowhere, [[Input("/a.png"), Input("scans.zip/a.png", b"data"), Input("b", Failure("empty", "b"))]])
    with pytest.raises(worker.ClusterError, match=rf"it has no folder {nowhere} .*Mount it there"):
        worker._enter(nowhere, [[Input("a.png")]])


def test_attempts_are_counted_until_they_are_forgotten() -> None:
    attempts = worker.AttemptCounter()
    assert [attempts.begin(7), attempts.begin(7), attempts.begin(8)] == [1, 2, 1]
    attempts.forget([7])
    assert [attempts.begin(7), attempts.begin(8)] == [1, 2]
