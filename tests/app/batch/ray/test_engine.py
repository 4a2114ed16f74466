import csv
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.batch.inputs.input import Failure, Input
from app.batch.output.row import COLUMNS
from app.batch.ray import engine
from app.batch.run import local
from app.batch.run.reader import Answered, Job
from tests.app.command import predict
from tests.conftest import EXPORTS, ROOT, lacking
from tests.hand import DIGITS, render

JOB = Job((EXPORTS / "mnist-convnet.onnx",), "cpu", 3, "csv")


class Shell:
    """Becomes what a command prints, wherever it is unpickled: a picture's bytes, with a disaster on the way."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, ...]:
        return subprocess.check_output, (["sh", "-c", self.command],)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Digits, and among them what cannot be read."""
    for digit in DIGITS:
        render(digit).save(tmp_path / f"{digit}.png")
    with open(os.fsencode(tmp_path) + b"/f\xfcnf.png", "wb") as file:
        render("5").save(file, "PNG")
    (tmp_path / "cut.png").write_bytes((tmp_path / "2.png").read_bytes()[:500])
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("not a picture")
    return tmp_path


def chunks_of(items: Sequence[Input], size: int = 3) -> list[Sequence[Input]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def essentials(answers: Sequence[Answered]) -> list[tuple[object, ...]]:
    return [(answered.text, answered.counts, answered.fingerprint) for answered in answers]


def test_the_rows_are_those_of_one_machine(two_machines: Any, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pictures)
    seven = (pictures / "7.png").read_bytes()
    items = [
        *(Input(name) for name in sorted(map(str, Path().iterdir()))),
        *(Input(str(pictures / name)) for name in ("3.png", "cut.png", "nowhere.png")),
        Input("scans.zip/7.png", seven),
        Input("scans.zip/cut.png", seven[:300]),
        Input("t10k#0", np.asarray(render("8").convert("L"))),
        Input("scans.zip/locked.png", Failure("archive_refused", "locked with a password; pack it without.")),
    ] * 4
    expected = list(local.answer_all(chunks_of(items), JOB))
    assert sum(answered.counts["error"] for answered in expected) == 4 * 7
    assert essentials(list(engine.answer_all(chunks_of(items), JOB, two_machines.address))) == essentials(expected)


def test_inputs_are_read_two_windows_ahead_and_nothing_connects_again_behind_its_back(two_machines: Any) -> None:
    import ray

    numbers = count()
    endless = ([Input(str(number), Failure("empty", "the file is empty"))] for number in numbers)
    answers = engine.answer_all(endless, JOB, two_machines.address)
    assert next(answers).text.startswith(b"0,error")
    assert next(numbers) == 2 * engine.FIRST_LOAD * engine.LOADS_PER_CORE * 2
    answers.close()
    with pytest.raises(Exception, match=r"connect|init"):
        ray.put(b"what a thread that was left behind might ask for")
    assert not ray.is_initialized()


def test_a_machine_that_dies_costs_no_row(two_machines: Any, pictures: Path, capfd: pytest.CaptureFixture[str]) -> None:
    [victim] = two_machines.worker_nodes
    scheduler = victim.all_processes["raylet"][0].process.pid
    five = pictures / "5.png"
    items = [Input(f"{index}.png", five.read_bytes()) for index in range(150)]
    expected = list(local.answer_all(chunks_of(items), JOB))
    items[10] = Input("10.png", Shell(f"kill -9 {scheduler} 2>/dev/null; cat {five}"))  # type: ignore[arg-type]
    capfd.readouterr()
    answers = list(engine.answer_all(chunks_of(items), JOB, two_machines.address))
    assert capfd.readouterr() == ("", "")
    assert victim.all_processes["raylet"][0].process.poll() is not None
    two_machines.remove_node(victim, allow_graceful=False)
    assert essentials(answers) == essentials(expected)


def test_a_process_that_dies_costs_no_row_and_one_that_dies_again_and_again_costs_one(
    two_machines: Any, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "TRIES", 2)
    five, mark = pictures / "5.png", tmp_path / "died"
    items = [Input(f"{index}.png", five.read_bytes()) for index in range(30)]
    expected = list(local.answer_all(chunks_of(items), JOB))
    once = f"test -e {mark} || {{ touch {mark}; kill -9 $PPID; }}; cat {five}"
    items[1] = Input("1.png", Shell(once))  # type: ignore[arg-type]
    items[16] = Input("16.png", Shell("kill -9 $PPID"))  # type: ignore[arg-type]
    answers = list(engine.answer_all(chunks_of(items), JOB, two_machines.address))
    assert mark.exists()
    taken_apart, would_be = answers.pop(16 // 3), expected.pop(16 // 3)
    assert essentials(answers) == essentials(expected)
    assert taken_apart.fingerprint == would_be.fingerprint
    fifteen, sixteen, seventeen = csv.DictReader(taken_apart.text.decode().splitlines(), COLUMNS)
    assert (fifteen["path"], seventeen["path"]) == ("15.png", "17.png")
    assert (fifteen["label"], seventeen["label"]) == ("5", "5")
    assert (sixteen["path"], sixteen["status"], sixteen["code"]) == ("16.png", "error", "internal")
    assert "ended the process that read it" in sixteen["error"]


def test_a_file_that_another_machine_does_not_see_is_not_called_missing(two_machines: Any, pictures: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        lacking("a path that means something else in every process (/proc/self) is not to be had here")
    with (pictures / "5.png").open("rb") as file:
        os.dup2(file.fileno(), 999)
    with closing(os.fdopen(999)), pytest.raises(engine.ClusterError, match="same path: mount the folder there"):
        list(engine.answer_all([[Input("/proc/self/fd/999")]], JOB, two_machines.address))


# ------------------------------------------------------------------------------------------------------- the command


def test_without_ray_the_command_says_what_is_missing(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = predict(pictures / "5.png", "--model=mnist-convnet", "--output=-", "--engine=ray")
    assert result.exit_code == 2
    assert "needs Ray, which is not installed here. Run: pip install -r app/requirements-ray.txt" in result.stderr
    assert (ROOT / "app/requirements-ray.txt").is_file()


def test_options_that_do_not_go_together(ray_installed: None, pictures: Path) -> None:
    result = predict(pictures / "5.png", "--model=mnist-convnet", "--output=-", "--ray-address=auto")
    assert result.exit_code == 2
    assert "--ray-address is for --engine ray" in result.stderr
    with pytest.raises(engine.ClusterError, match="reads on CPUs"):
        engine.require("cuda")


@pytest.mark.slow
def test_on_this_machine_alone_it_is_quiet_and_leaves_nothing_behind(
    ray_installed: None, pictures: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (pictures / "left_out.heic").touch()
    before = set(Path("/tmp").glob("inkwear-ray-*"))
    command = [sys.executable, "-m", "app.predict", pictures, "--model=mnist-convnet", "--output=-"]
    env = os.environ | {"HOME": str(home)}
    here, cluster = (
        subprocess.run([*command, f"--engine={name}"], cwd=ROOT, env=env, capture_output=True)
        for name in ("local", "ray")
    )
    assert (here.returncode, cluster.returncode) == (1, 1), cluster.stderr
    assert here.stdout == cluster.stdout
    own = [line for line in cluster.stderr.splitlines() if b"task_manager.cc" not in line]  # of a busy machine's Ray
    assert len(own) == 3, cluster.stderr
    assert own[-1].startswith(b"Left out of folders, as their endings are not read: 1 .heic.")
    assert not list(home.iterdir())
    assert set(Path("/tmp").glob("inkwear-ray-*")) == before
