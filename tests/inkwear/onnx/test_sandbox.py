"""Files made to harm are refused for what is wrong with them, and the process that loads them survives."""

import os
import resource
import time
from pathlib import Path

import pytest

from inkwear.classifier import Classifier
from inkwear.errors import ModelFileError
from inkwear.onnx.sandbox import MAX_WALL_SECONDS, read_trusted
from tests.inkwear.onnx.hostile_models import HOSTILE, good

MAX_GROWTH = 60_000
"""Kilobytes by which this process may grow; the files themselves have a few million bytes at most."""


def test_the_network_they_are_made_of_is_accepted(tmp_path: Path) -> None:
    assert len(HOSTILE) >= 40
    (tmp_path / "good.onnx").write_bytes(good())
    Classifier(tmp_path / "good.onnx", "cpu").self_test()


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused_and_nothing_happens(name: str, tmp_path: Path) -> None:
    make, reason = HOSTILE[name]
    path = tmp_path / "exports" / "hostile.onnx"
    path.parent.mkdir()
    path.write_bytes(make(path))
    files = sorted(path.parent.iterdir())
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(ModelFileError, match=reason) as refusal:
        read_trusted(path)
    assert str(refusal.value).startswith(f"{path}: ")
    assert len(str(refusal.value)) < 600
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MAX_GROWTH
    assert time.monotonic() - started < MAX_WALL_SECONDS + 10
    assert sorted(path.parent.iterdir()) == files
    assert b"inkwear.onnx.sandbox_worker" not in commands_of_children()


def commands_of_children() -> bytes:
    children = b" ".join(path.read_bytes() for path in Path("/proc/self/task").glob("*/children")).split()
    commands = [Path("/proc") / number.decode() / "cmdline" for number in children]
    return b"".join(path.read_bytes() for path in commands if path.exists())


def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    (tmp_path / "folder.onnx").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(ModelFileError, match="it is not a file"):
            read_trusted(tmp_path / f"{name}.onnx")
