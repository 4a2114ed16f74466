import os
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from app.batch.inputs.input import Input
from app.batch.run.local import answer_all
from app.batch.run.pool import WINDOW, Pool
from app.batch.run.reader import Job, Reader
from tests.app.batch.processes import are_gone, children_of
from tests.app.batch.run.readers import JOB, Fragile, chunks_of, labels_of, text_of
from tests.conftest import EXPORTS

AUTO = tuple(EXPORTS / f"{name}.onnx" for name in ("mnist-lenet", "fashion_mnist-lenet"))


@pytest.mark.slow
@pytest.mark.parametrize("job", [JOB, replace(JOB, models=AUTO)], ids=["one", "auto"])
def test_the_networks_in_the_parent_give_the_same_bytes(digits: list[str], job: Job) -> None:
    chunks = chunks_of(digits)
    reader = Reader(job)
    with Pool(reader, 1, Reader, shares_network=True) as pool:
        assert text_of(pool.answers(iter(chunks))) == text_of(map(reader.answer, chunks))
        assert len(pool.workers) == 2


@pytest.mark.parametrize(
    "places", [[0, 59], [8, 9, 15], pytest.param([3, 20, 30, 41], marks=pytest.mark.slow), [*range(16, 24)]]
)
def test_a_picture_that_kills_its_reader_costs_its_own_row_alone(digits: list[str], places: list[int]) -> None:
    paths = [f"killer{index}.png" if index in places else path for index, path in enumerate(digits)]
    text = text_of(answer_all(chunks_of(paths), JOB, workers=2, make=Fragile))
    lines = text.splitlines()
    assert [line.split(b",")[0].decode() for line in lines] == paths
    assert labels_of(text) == ["" if index in places else str(index % 10) for index in range(60)]
    for index in places:
        assert all(part in lines[index] for part in (b",error,,", b"ended the process that read it", b",internal,"))


def test_a_worker_killed_from_outside_costs_no_row_and_no_bit(digits: list[str]) -> None:
    chunks = chunks_of(digits)
    for index in (5, 33):
        Path(f"{digits[index]}.doom").touch()
    assert text_of(answer_all(chunks, JOB, workers=2, make=Fragile)) == text_of(map(Reader(JOB).answer, chunks))
    assert not any(Path(f"{path}.doom").exists() for path in digits)


def test_what_is_ahead_of_a_slow_chunk_is_bounded(digits: list[str]) -> None:
    numbers = count()
    endless = ([Input(digits[1] if number else "slow.png")] for number in numbers)
    answers = answer_all(endless, JOB, workers=2, make=Fragile)
    assert b"missing" in next(answers).text
    assert next(numbers) <= 2 * WINDOW + 5
    answers.close()


def test_no_process_is_left_behind(digits: list[str]) -> None:
    before = set(children_of(os.getpid()))
    answers = answer_all(chunks_of(digits), JOB, workers=2)
    next(answers)
    workers = set(children_of(os.getpid())) - before
    assert len(workers) == 2
    answers.close()
    assert are_gone(workers, seconds=0)
