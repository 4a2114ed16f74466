"""The witnesses see: otherwise no test that they saw nothing could fail."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.witness import Canary, environment, written


def test_the_canary_counts() -> None:
    canary = Canary()
    socket.create_connection(("127.0.0.1", int(canary.url.rpartition(":")[2]))).recv(1)
    assert canary.asked == 1


def test_look_ups_are_written_down_and_fail(tmp_path: Path) -> None:
    script = "import urllib.request; urllib.request.urlopen('http://example.com')"
    finished = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | environment(tmp_path), capture_output=True
    )
    assert finished.returncode != 0
    assert any("example.com" in line for line in written(tmp_path))
