import csv
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.batch.command import CHUNK
from tests.app.batch.processes import are_gone, children_of
from tests.conftest import ROOT
from tests.hand import DIGITS, render

pytestmark = pytest.mark.slow


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A thousand pictures, which take some seconds."""
    for digit in DIGITS:
        render(digit, canvas=512).save(tmp_path / f"0-{digit}.png")
        for copy in range(1, 100):
            os.link(tmp_path / f"0-{digit}.png", tmp_path / f"{copy}-{digit}.png")
    return tmp_path


def start(many: Path, workers: int) -> tuple[subprocess.Popen, list[int]]:
    """Start the command; return it, and its workers once they are at work."""
    command = [sys.executable, "-m", "app.predict", many, "--model=mnist-lenet", "--output=-", f"--workers={workers}"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, **pipes)
    for _ in range(600):
        if pids := children_of(process.pid):
            time.sleep(0.3)
            return process, pids
        time.sleep(0.02)
    raise AssertionError("no worker was started")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_lets_what_is_in_work_be_written(many: Path, number: int, code: int) -> None:
    process, workers = start(many, 2)
    os.killpg(process.pid, number)  # as a terminal does: the workers get it too
    table, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    rows = list(csv.DictReader(io.StringIO(table)))
    assert 2 * CHUNK <= len(rows) < 1000
    assert [row["path"] for row in rows] == sorted(map(str, many.iterdir()))[: len(rows)]
    assert all(row["label"] == Path(row["path"]).stem[-1] for row in rows)
    assert "Stopping: what is in work is finished" in stderr
    assert f"Interrupted. {len(rows):,} rows were written to stdout; the inputs behind them were not read." in stderr
    assert are_gone(workers)


def test_a_second_signal_stops_at_once(many: Path) -> None:
    process, workers = start(many, 2)
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)  # so that what is in work is not finished before
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert are_gone(workers)


def test_workers_end_with_a_parent_that_is_killed(many: Path) -> None:
    process, workers = start(many, 3)
    process.kill()
    process.communicate(timeout=20)
    assert are_gone(workers)
