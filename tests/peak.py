"""The peak of a process's memory, as Linux tells it."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak of a process's memory")

PEAK = """
import pathlib, re
print(re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1])
"""
"""``getrusage`` would count the memory of whoever started the process, too."""

COUNT_INPUTS = """
import sys
from app.batch.inputs.arguments import Inputs
for path in sys.argv[1:]:
    print(sum(1 for _ in Inputs([path])))
"""
"""A script that prints how many inputs each of its arguments gives."""


def peak_of(script: str, *arguments: object) -> tuple[list[str], float]:
    """Run a script in a process of its own; return the lines that it prints, and the peak of its memory in MB."""
    command = [sys.executable, "-c", script + PEAK, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *lines, peak = done.stdout.splitlines()
    return lines, int(peak) / 1000
