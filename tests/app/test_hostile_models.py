"""Files made to harm are refused for what is wrong with them, and the process that looks after them goes on."""

import re
import resource
import time
from pathlib import Path

import pytest

from app.catalog import scan
from inkwear.onnx.sandbox import MAX_WALL_SECONDS
from tests.app.hostile_models import HOSTILE, good

MOST_MEMORY = 60_000
"""Kilobytes by which this process may grow; the files themselves have a few million bytes at most."""


def test_there_are_forty_and_more() -> None:
    assert len(HOSTILE) >= 40


def test_the_network_they_are_made_of_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "good.onnx").write_bytes(good())
    catalog = scan(tmp_path, "cpu")
    catalog.look()
    catalog.examine(catalog.find("good"))
    assert catalog.find("good").opened_on == ("cpu",)


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused_and_nothing_happens(name: str, tmp_path: Path) -> None:
    make, reason = HOSTILE[name]
    path = tmp_path / "exports" / "hostile.onnx"
    path.parent.mkdir()
    path.write_bytes(make(path))
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    catalog = scan(path.parent, "cpu")
    for entry in catalog.entries.values():
        catalog.examine(entry)
    assert not catalog.entries
    assert re.search(reason, catalog.refused["hostile"]), catalog.refused["hostile"]
    assert catalog.refused["hostile"].startswith(f"{path}: ")
    assert len(catalog.refused["hostile"]) < 600
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_MEMORY
    assert time.monotonic() - started < MAX_WALL_SECONDS + 10


def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.onnx")
    (tmp_path / "folder.onnx").mkdir()
    refused = scan(tmp_path).refused
    assert all("it is not a file" in refused[name] for name in ("pipe", "folder"))


def test_an_examination_leaves_no_file_and_no_process(tmp_path: Path) -> None:
    make, _ = HOSTILE["a_doubling_forty_times_over"]
    path = tmp_path / "hostile.onnx"
    path.write_bytes(make(path))
    catalog = scan(tmp_path, "cpu")
    catalog.examine(catalog.find("hostile"))
    assert [each.name for each in tmp_path.iterdir()] == ["hostile.onnx"]
    children = Path("/proc/self/task").glob("*/children")
    assert not any(b"inkwear.onnx.sandbox_worker" in commands(each.read_text()) for each in children)


def commands(children: str) -> bytes:
    return b"".join(
        Path(f"/proc/{number}/cmdline").read_bytes() for number in children.split() if Path(f"/proc/{number}").exists()
    )
