import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.hand import render

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("picture", [None, "three.png"], ids=["its own drawing", "a picture"])
def test_the_example_trains_exports_and_reads(picture: str | None, data_dir: Path, tmp_path: Path) -> None:
    render("3", canvas=200, side=120).save(tmp_path / "three.png")
    command = [sys.executable, "-m", "examples.train_and_read", *([str(tmp_path / picture)] if picture else [])]
    env = os.environ | {"INKWEAR_DATA": str(data_dir)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search(r"classifies \d+\.\d\d% of the test images right", done.stdout)
    assert re.search(r"reads the drawing as \d, with a confidence of \d+\.\d%", done.stdout)


def test_the_example_stays_a_way_in() -> None:
    assert len((ROOT / "examples" / "train_and_read.py").read_text().splitlines()) < 50
