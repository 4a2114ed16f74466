import pytest

from app.batch.run.local import answer_all, cores
from app.batch.run.pool import Pool
from app.batch.run.reader import Reader
from tests.app.batch.run.readers import JOB, chunks_of, labels_of, text_of


def test_rows_are_the_same_bytes_however_many_workers(digits: list[str]) -> None:
    chunks = chunks_of(digits)
    here = text_of(map(Reader(JOB).answer, chunks))
    assert labels_of(here) == [str(index % 10) for index in range(60)]
    for workers in (1, 2, 5):
        assert text_of(answer_all(chunks, JOB, workers=workers)) == here


def test_no_process_for_one_input(digits: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pool, "__enter__", lambda pool: pytest.fail("a pool was entered"))
    [answer] = answer_all(chunks_of(digits[:1]), JOB)
    assert labels_of(answer.text) == ["0"]
    assert list(answer_all([], JOB)) == []
    assert cores() >= 1
