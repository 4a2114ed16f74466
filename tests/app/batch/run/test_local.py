import csv
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image

from app.batch.inputs.input import Failure, Input
from app.batch.run.local import answer_all
from app.batch.run.pool import WINDOW, Pool
from app.batch.run.reader import Answered, Job, Reader, Stopwatch
from app.predict import CHUNK
from inkwear.prediction import Prepared
from tests.app.batch.processes import are_gone, children_of, signal_all
from tests.conftest import ROOT
from tests.hand import DIGITS, render

JOB = Job(ROOT / "exports" / "mnist-lenet.onnx", "cpu", 3, "csv")


class Fragile(Reader):
    """A reader that certain pictures kill, and others upset."""

    def prepared_images(self, items: Sequence[Input], watch: Stopwatch) -> list[Prepared | Failure]:
        for item in items:
            if "killer" in item.path and item.source is None:
                os._exit(9)
            if "upsetting" in item.path and item.source is None:
                raise RuntimeError("upset")
            if "slow" in item.path:
                time.sleep(0.5)
            if (doom := Path(f"{item.path}.doom")).exists():
                doom.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
        return super().prepared_images(items, watch)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Sixty digits, by turns large and framed already."""
    folder = tmp_path_factory.mktemp("digits")
    reader = Reader(JOB)
    paths = []
    for index in range(60):
        picture = render(str(index % 10), canvas=120, side=70 + index % 7, pen=8)
        if index % 2:
            picture = Image.fromarray(reader.classifier.predict([picture])[0].pixels)
        paths.append(str(folder / f"{index:02}.png"))
        picture.save(paths[-1])
    return paths


def chunks_of(paths: Sequence[str], size: int = 8) -> list[list[Input]]:
    return [[Input(path) for path in paths[start : start + size]] for start in range(0, len(paths), size)]


def text_of(answers: Iterator[Answered]) -> bytes:
    return b"".join(answer.text for answer in answers)


def labels_of(text: bytes) -> list[str]:
    return [line.split(b",")[2].decode() for line in text.splitlines()]


def test_rows_are_the_same_bytes_however_many_workers(digits: list[str]) -> None:
    chunks = chunks_of(digits)
    here = text_of(map(Reader(JOB).answer, chunks))
    assert labels_of(here) == [str(index % 10) for index in range(60)]
    for workers in (1, 2, 5):
        assert text_of(answer_all(chunks, JOB, workers=workers)) == here


def test_the_network_in_the_parent_gives_the_same_bytes(digits: list[str]) -> None:
    chunks = chunks_of(digits)
    reader = Reader(JOB)
    with Pool(reader, 1, Reader, shares_network=True) as pool:
        assert text_of(pool.answers(iter(chunks))) == text_of(map(reader.answer, chunks))
        assert len(pool.workers) == 2


def test_no_process_for_one_input(digits: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pool, "__enter__", lambda pool: pytest.fail("a pool was entered"))
    [answer] = answer_all(chunks_of(digits[:1]), JOB)
    assert labels_of(answer.text) == ["0"]
    assert list(answer_all([], JOB)) == []


@pytest.mark.parametrize("places", [[0], [59], [8, 9, 15], [3, 20, 30, 41], list(range(16, 24))])
def test_a_picture_that_kills_its_reader_costs_its_own_row_alone(
    digits: list[str], places: list[int], tmp_path: Path
) -> None:
    paths = [str(tmp_path / f"killer{index}.png") if index in places else path for index, path in enumerate(digits)]
    text = text_of(answer_all(chunks_of(paths), JOB, workers=2, make=Fragile))
    lines = text.splitlines()
    assert [line.split(b",")[0].decode() for line in lines] == paths
    for index, line in enumerate(lines):
        if index in places:
            assert b",error,," in line
            assert b"ended the process that read it" in line
            assert b",internal," in line
        else:
            assert line.split(b",")[2].decode() == str(index % 10)


def test_a_worker_killed_from_outside_costs_no_row_and_no_bit(digits: list[str]) -> None:
    chunks = chunks_of(digits)
    for index in (5, 33):
        Path(f"{digits[index]}.doom").touch()
    assert text_of(answer_all(chunks, JOB, workers=2, make=Fragile)) == text_of(map(Reader(JOB).answer, chunks))
    assert not any(Path(f"{path}.doom").exists() for path in digits)


def test_an_error_of_ours_is_a_row(digits: list[str]) -> None:
    paths = [*digits[:11], "upsetting.png", *digits[12:]]
    lines = text_of(answer_all(chunks_of(paths), JOB, workers=2, make=Fragile)).splitlines()
    assert b"an error of ours (RuntimeError: upset)" in lines[11]
    assert labels_of(b"\n".join(lines)) == ["" if index == 11 else str(index % 10) for index in range(60)]


def test_what_is_ahead_of_a_slow_chunk_is_bounded(digits: list[str], tmp_path: Path) -> None:
    taken = 0

    def endless() -> Iterator[list[Input]]:
        nonlocal taken
        yield [Input(str(tmp_path / "slow.png"))]
        while True:
            taken += 1
            yield [Input(digits[1])]

    answers = answer_all(endless(), JOB, workers=2, make=Fragile)
    assert b"missing" in next(answers).text
    assert taken <= 2 * WINDOW + 4
    answers.close()


def test_no_process_is_left_behind(digits: list[str]) -> None:
    before = set(children_of(os.getpid()))
    answers = answer_all(chunks_of(digits), JOB, workers=2)
    next(answers)
    workers = set(children_of(os.getpid())) - before
    assert len(workers) == 2
    answers.close()
    assert are_gone(workers, seconds=0)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """So many pictures that they take some seconds."""
    folder = tmp_path / "many"
    folder.mkdir()
    for digit in DIGITS:
        render(digit, canvas=512).save(folder / f"0-{digit}.png")
        for copy in range(1, 100):
            os.link(folder / f"0-{digit}.png", folder / f"{copy}-{digit}.png")
    return folder


def start(many: Path, *options: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "app.predict", str(many), "--model=mnist-lenet", "--output=-", *options]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_for_workers(process: subprocess.Popen) -> list[int]:
    for _ in range(600):
        if workers := children_of(process.pid):
            time.sleep(0.3)
            return workers
        time.sleep(0.02)
    raise AssertionError("no worker was started")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_lets_what_is_in_work_be_written(many: Path, number: int, code: int) -> None:
    process = start(many, "--workers=2")
    workers = wait_for_workers(process)
    os.killpg(process.pid, number)  # as a terminal does: the workers get it too
    table, said = process.communicate(timeout=60)
    assert process.returncode == code
    rows = list(csv.DictReader(io.StringIO(table)))
    assert 2 * CHUNK <= len(rows) < 1000
    assert [row["path"] for row in rows] == sorted(map(str, many.iterdir()))[: len(rows)]
    assert all(row["label"] == Path(row["path"]).stem[-1] for row in rows)
    assert f"{len(rows):,} inputs: " in said
    assert "Stopping: what is in work is finished" in said
    assert f"Interrupted. {len(rows):,} rows were written to stdout; the inputs behind them were not read." in said
    assert are_gone(workers)


def test_a_second_signal_stops_at_once(many: Path) -> None:
    process = start(many, "--workers=2")
    workers = wait_for_workers(process)
    signal_all(workers, signal.SIGSTOP)  # so that what is in work is not finished before
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert are_gone(workers)


def test_workers_end_with_a_parent_that_is_killed(many: Path) -> None:
    process = start(many, "--workers=3")
    workers = wait_for_workers(process)
    process.kill()
    process.communicate(timeout=20)
    assert are_gone(workers)
