import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from app.batch.output.formats import Format
from app.batch.output.parse import rows
from app.batch.output.spool import VERSION
from app.batch.output.table import OutputError, Table, open_table
from tests.app.batch.output.conftest import names, refusal
from tests.app.batch.tables import ASKED, CHUNK, answer, cut_off, fill, in_chunks, items_in, run
from tests.conftest import ROOT


def test_two_runs_do_not_write_the_same_table(tmp_path: Path, folder: Path) -> None:
    output = tmp_path / "table.csv"
    with open_table(str(output), "csv", fingerprint=ASKED) as table:
        fill(table, folder, "csv", stop_after=2)
        for option in ("--resume", "--start"):
            other = program(output, folder, option)
            assert "is being written by another run" in other.stderr
        fill_rest(table, folder)
    assert len(list(rows(str(output), "csv"))) == 30


def fill_rest(table: Table, folder: Path) -> None:
    for chunk in list(in_chunks(items_in(folder)))[table.done // CHUNK :]:
        table.add(answer(chunk, "csv"))
    table.complete()


def program(output: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.app.batch.tables", str(output), "csv", str(folder), "0", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


ORPHAN = """
import os, signal, sys, time
from pathlib import Path
from app.batch.output.table import open_table
from tests.app.batch.tables import ASKED, fill
with open_table(sys.argv[1], "csv", fingerprint=ASKED) as table:
    fill(table, Path(sys.argv[2]), "csv", stop_after=2)
    if worker := os.fork():
        Path(sys.argv[3]).write_text(str(worker))
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)
"""


def test_a_worker_that_outlives_its_run_does_not_keep_it_from_going_on(
    tmp_path: Path, folder: Path, whole: dict[Format, bytes]
) -> None:
    output, worker = tmp_path / "table.csv", tmp_path / "whole.worker"
    killed = subprocess.run([sys.executable, "-c", ORPHAN, output, folder, worker], cwd=ROOT, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    try:
        os.kill(int(worker.read_text()), 0)
        run(output, folder, "csv", resume=True)
        assert output.read_bytes() == whole["csv"]
    finally:
        os.kill(int(worker.read_text()), signal.SIGKILL)


def spool_of_a_killed_run(output: Path, folder: Path) -> dict[Path, bytes]:
    """What a killed run leaves after three chunks: a WAL, as it could not close it."""
    with open_table(str(output), "csv", fingerprint=ASKED) as table:
        fill(table, folder, "csv", stop_after=3)
        left = {path: path.read_bytes() for path in output.parent.glob("table.csv.*")}
    assert {path.suffix for path in left} == {".partial", ".partial-wal"}
    return left


def test_a_spool_torn_at_any_byte_keeps_the_rows_before_it(
    tmp_path: Path, whole: dict[Format, bytes], folder: Path
) -> None:
    output, wal = tmp_path / "table.csv", tmp_path / "table.csv.partial-wal"
    left = spool_of_a_killed_run(output, folder)
    taken_up = []
    for length in range(0, len(left[wal]), 515):
        put({**left, wal: left[wal][:length]})
        with open_table(str(output), "csv", resume=True, fingerprint=ASKED) as table:
            taken_up.append(table.taken_up)
            fill(table, folder, "csv")
        assert output.read_bytes() == whole["csv"]
        output.unlink()
    assert taken_up == sorted(taken_up)
    assert {*taken_up} == {0, 4, 8}


def put(files: dict[Path, bytes]) -> None:
    for path, data in files.items():
        path.write_bytes(data)


def test_a_spool_changed_at_any_byte_is_refused_or_gives_the_same_table(
    tmp_path: Path, whole: dict[Format, bytes], folder: Path
) -> None:
    output, partial = tmp_path / "table.csv", tmp_path / "table.csv.partial"
    cut_off(output, folder, "csv", 3)
    kept, refusals, taken_up = partial.read_bytes(), list[str](), set[int]()
    for place in range(0, len(kept), 67):
        partial.write_bytes(kept[:place] + bytes([kept[place] ^ 0x55]) + kept[place + 1 :])
        try:
            with open_table(str(output), "csv", resume=True, fingerprint=ASKED) as table:
                taken_up.add(table.taken_up)
                fill(table, folder, "csv")
        except OutputError as error:
            refusals.append(str(error))
            run(output, folder, "csv", overwrite=True)
        assert output.read_bytes() == whole["csv"], place
        assert names(tmp_path) == {output.name}
        output.unlink()
    assert len(refusals) > 1
    assert all("cannot be gone on with" in refusal for refusal in refusals)
    assert taken_up == {0, 4, 8, 12}


@pytest.mark.parametrize("content", [b"path,status\r\n", b"~" * 5000])
def test_a_file_that_is_no_spool_is_replaced_only_when_that_is_asked(
    tmp_path: Path, folder: Path, content: bytes
) -> None:
    output, partial = tmp_path / "table.csv", tmp_path / "table.csv.partial"
    partial.write_bytes(content)
    for how in ({}, {"resume": True}):
        assert "table.csv.partial cannot be used (file is not a database)" in refusal(output, folder, **how)
    run(output, folder, "csv", overwrite=True)
    assert names(tmp_path) == {output.name}


def test_a_spool_of_another_version_or_program_is_refused(tmp_path: Path, folder: Path) -> None:
    output, partial = tmp_path / "table.csv", tmp_path / "table.csv.partial"
    other = "another version of Inkwear, or another program, began it"
    cut_off(output, folder, "csv", 2)
    for version in (VERSION - 1, VERSION + 1):
        execute(partial, f"PRAGMA user_version = {version}")
        assert other in refusal(output, folder, resume=True)
    partial.unlink()
    execute(partial, "CREATE TABLE precious (page TEXT)")
    assert other in refusal(output, folder)


def execute(partial: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(partial)) as connection:
        connection.execute(statement)
