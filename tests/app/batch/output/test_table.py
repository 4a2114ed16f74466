import contextlib
import json
import os
import random
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from app.batch.inputs.input import Failure, Input
from app.batch.output.fingerprint import RunFingerprint
from app.batch.output.formats import Format
from app.batch.output.parse import rows
from app.batch.output.spool import VERSION, Spool
from app.batch.output.table import OutputError, SpooledTable, Table, open_table
from tests.app.batch.tables import ASKED, CHUNK, answer, cut_off, fill, in_chunks, items_in, row_of, run, write_inputs
from tests.conftest import ROOT
from tests.failing_disk import FAILURES, Died, failing, full_at

FORMS: tuple[Format, ...] = ("csv", "jsonl", "parquet")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_inputs(tmp_path / "pictures")


@pytest.fixture
def whole(tmp_path: Path, folder: Path) -> dict[Format, bytes]:
    """The bytes of tables of runs that nothing cut off."""
    time.sleep(0.02)  # the inputs are older than any run, by the file system's clock
    made = {}
    for form in FORMS:
        run(tmp_path / f"whole.{form}", folder, form)
        made[form] = (tmp_path / f"whole.{form}").read_bytes()
    return made


def names(tmp_path: Path) -> set[str]:
    return {path.name for path in tmp_path.iterdir() if path.is_file() and not path.name.startswith("whole")}


def refusal(output: Path, folder: Path, form: Format = "csv", asked: RunFingerprint = ASKED, **how: bool) -> str:
    def kept() -> dict[Path, bytes | None]:
        """What must not change: SQLite may tidy up a spool."""
        files = {path for path in output.parent.iterdir() if path.is_file() and not path.name.endswith("-wal")}
        return {path: None if path.suffix == ".partial" else path.read_bytes() for path in files}

    before = kept()
    with pytest.raises(OutputError) as error:
        run(output, folder, form, asked, **how)
    assert kept() == before
    return str(error.value)


# ------------------------------------------------------------------------------------------------- one run, undisturbed


@pytest.mark.parametrize("form", FORMS)
def test_a_table_has_its_name_only_when_it_is_complete(tmp_path: Path, folder: Path, form: Format) -> None:
    output = tmp_path / f"table.{form}"
    with open_table(str(output), form, fingerprint=ASKED) as table:
        fill(table, folder, form)
        assert names(tmp_path) == {f"{output.name}.partial", f"{output.name}.partial-wal"}
        assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("table.*")} == {0o600}
    assert names(tmp_path) == {output.name}
    assert list(rows(str(output), form)) == [row_of(item) for item in items_in(folder)]
    assert (table.done, table.counts.total(), table.taken_up) == (30, 30, 0)


def test_of_a_run_that_wrote_no_row_nothing_stays(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(KeyError), open_table(str(tmp_path / "table.csv"), "csv") as table:
        raise KeyError
    assert names(tmp_path) == set()
    assert table.saved == "No row had been written."


def test_no_inputs_are_a_table_without_rows(tmp_path: Path) -> None:
    run(tmp_path / "table.csv", write_inputs(tmp_path / "pictures", 0), "csv")
    assert (tmp_path / "table.csv").read_bytes().startswith(b"path,status,label")
    assert list(rows(str(tmp_path / "table.csv"), "csv")) == []


def test_a_table_that_is_there_is_replaced_only_when_that_is_asked(tmp_path: Path, folder: Path) -> None:
    output = tmp_path / "table.csv"
    output.write_text("precious")
    assert "already there: choose another name, or add --overwrite" in refusal(output, folder)
    with open_table(str(output), "csv", overwrite=True, fingerprint=ASKED) as table:
        fill(table, folder, "csv")
        assert output.read_text() == "precious"
    assert output.read_text().startswith("path,")


def test_what_took_the_name_meanwhile_is_left_alone(tmp_path: Path, folder: Path, whole: dict[Format, bytes]) -> None:
    for form in FORMS:
        output = tmp_path / f"table.{form}"
        with pytest.raises(OutputError, match="was created by another program during this run and was not overwritten"):
            run_and_meet_a_stranger(output, folder, form)
        assert output.read_text() == "precious"
        output.unlink()
        run(output, folder, form, resume=True)
        assert output.read_bytes() == whole[form]


def run_and_meet_a_stranger(output: Path, folder: Path, form: Format) -> None:
    with open_table(str(output), form, fingerprint=ASKED) as table:
        fill(table, folder, form)
        output.write_text("precious")


def test_a_link_is_followed_and_kept(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "table.csv").symlink_to(tmp_path / "far" / "real.csv")
    run(tmp_path / "table.csv", folder, "csv")
    assert (tmp_path / "table.csv").is_symlink()
    assert [path.name for path in (tmp_path / "far").iterdir()] == ["real.csv"]


@pytest.mark.parametrize(
    ("output", "how", "reason"),
    [
        ("pictures", {}, "not a regular file"),
        ("nowhere/table.csv", {}, "cannot be written: No such file or directory"),
        ("table.csv", {"resume": True, "overwrite": True}, "choose one of them"),
        ("-", {"resume": True}, "--resume needs a file"),
    ],
)
def test_a_place_that_will_not_do_is_refused(
    tmp_path: Path, folder: Path, output: str, how: dict[str, bool], reason: str
) -> None:
    with pytest.raises(OutputError, match=reason):
        run(output if output == "-" else tmp_path / output, folder, "csv", **how)


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


def test_who_reads_no_further_ends_the_run_without_a_word(tmp_path: Path) -> None:
    folder = write_inputs(tmp_path / "pictures", 900)
    command = [sys.executable, "-m", "tests.app.batch.tables", "-", "jsonl", str(folder), "0.001"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["path"].endswith("000.bin")
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 141


# ------------------------------------------------------------------------------------------------------ going on


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("after", [1, 3, 7])
def test_a_run_that_is_gone_on_with_makes_the_same_bytes(
    tmp_path: Path, folder: Path, whole: dict[Format, bytes], form: Format, after: int
) -> None:
    output = tmp_path / f"table.{form}"
    cut_off(output, folder, form, after)
    assert not output.exists()
    with open_table(str(output), form, resume=True, fingerprint=ASKED) as table:
        assert table.taken_up == table.done == CHUNK * after
        fill(table, folder, form)
    assert output.read_bytes() == whole[form]
    assert names(tmp_path) == {output.name}
    assert table.counts.total() == 30


def test_a_run_may_be_cut_off_again_and_again(tmp_path: Path, folder: Path, whole: dict[Format, bytes]) -> None:
    output = tmp_path / "table.csv"
    cut_off(output, folder, "csv", 1)
    for _ in range(6):
        with open_table(str(output), "csv", resume=True, fingerprint=ASKED) as table:
            fill(table, folder, "csv", stop_after=1)
    run(output, folder, "csv", resume=True)
    assert output.read_bytes() == whole["csv"]


def test_nothing_to_go_on_with_is_a_plain_start(tmp_path: Path, folder: Path, whole: dict[Format, bytes]) -> None:
    output = tmp_path / "table.csv"
    run(output, folder, "csv", resume=True)
    assert output.read_bytes() == whole["csv"]


def test_a_complete_table_is_left_alone(tmp_path: Path, folder: Path) -> None:
    output = tmp_path / "table.csv"
    output.write_text("complete")
    with open_table(str(output), "csv", resume=True, fingerprint=ASKED) as table:
        assert table.was_complete
        assert "is complete already" in table.saved
        assert list(table.remaining(in_chunks(items_in(folder)))) == []
        table.complete()
    assert output.read_text() == "complete"


def test_a_begun_table_needs_a_word(tmp_path: Path, folder: Path) -> None:
    output = tmp_path / "table.csv"
    cut_off(output, folder, "csv", 2)
    said = refusal(output, folder)
    assert "8 rows are in" in said
    assert "--resume" in said
    assert "--overwrite" in said
    run(output, folder, "csv", overwrite=True)
    assert len(list(rows(str(output), "csv"))) == 30


def test_a_replacing_run_is_gone_on_with_and_replaces(tmp_path: Path, folder: Path, whole: dict[Format, bytes]) -> None:
    output = tmp_path / "table.csv"
    output.write_text("old")
    with open_table(str(output), "csv", overwrite=True, fingerprint=ASKED) as table:
        fill(table, folder, "csv", stop_after=2)
    assert output.read_text() == "old"
    run(output, folder, "csv", resume=True)
    assert output.read_bytes() == whole["csv"]


def begin_to_replace(output: Path, asked: RunFingerprint = ASKED) -> Path:
    """Leave what a run leaves that is killed before its first row, and would have replaced ``output``."""
    output.write_text("old")
    with open_table(str(output), "csv", overwrite=True, fingerprint=asked):
        kept = {path: path.read_bytes() for path in output.parent.glob("table.csv.*")}
    for path, data in kept.items():
        path.write_bytes(data)
    return output.with_name("table.csv.partial")


def test_a_replacing_run_killed_before_its_first_row_does_not_take_the_old_table_for_its_own(
    tmp_path: Path, folder: Path, whole: dict[Format, bytes]
) -> None:
    output = tmp_path / "table.csv"
    begin_to_replace(output)
    run(output, folder, "csv", resume=True)
    assert output.read_bytes() == whole["csv"]


def test_resuming_or_starting_something_else_then_does_not_replace_the_old_table(tmp_path: Path, folder: Path) -> None:
    output = tmp_path / "table.csv"
    partial = begin_to_replace(output, replace(ASKED, model="mnist-convnet"))
    assert "--model was mnist-convnet" in refusal(output, folder, resume=True)
    assert "already there" in refusal(output, folder)
    partial.write_bytes(b"")
    assert "cut off before it said what it was" in refusal(output, folder, resume=True)
    assert "already there" in refusal(output, folder)
    assert output.read_text() == "old"


def test_of_no_inputs_too_the_end_may_be_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_inputs(tmp_path / "pictures", 0)
    for form in FORMS:
        output = tmp_path / f"table.{form}"
        with monkeypatch.context() as patch:
            patch.setattr(Spool, "remove", killed)
            patch.setattr(SpooledTable, "close", lambda self: self._spool.close())
            with pytest.raises(KeyboardInterrupt):
                run(output, folder, form)
        before = output.read_bytes()
        assert f"{output.name}.partial" in names(tmp_path)
        run(output, folder, form, resume=True)
        assert output.read_bytes() == before
        assert names(tmp_path) == {output.name}
        output.unlink()


def killed(_: Spool) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("form", FORMS)
def test_killed_between_the_name_and_the_end(
    tmp_path: Path, folder: Path, whole: dict[Format, bytes], form: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / f"table.{form}"
    with monkeypatch.context() as patch:
        patch.setattr(Spool, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            run(output, folder, form)
    assert output.read_bytes() == whole[form]
    assert f"{output.name}.partial" in names(tmp_path)
    run(output, folder, form, resume=True)
    assert output.read_bytes() == whole[form]
    assert names(tmp_path) == {output.name}


# ----------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (replace(ASKED, model="mnist-convnet"), "--model was mnist-lenet and is mnist-convnet"),
        (replace(ASKED, digest="cd" * 32), "the file of mnist-lenet was SHA-256 abababababab"),
        (replace(ASKED, options={"--top-k": 5, "--format": "csv"}), "--top-k was 3 and is 5"),
        (replace(ASKED, options={"--top-k": 3}), "--format was csv and is not given"),
        (replace(ASKED, arguments=["other"]), "the inputs were named 'pictures' and are 'other'"),
        (replace(ASKED, missing=[]), "'pictures' appeared or disappeared"),
    ],
)
def test_another_question_is_not_gone_on_with(tmp_path: Path, folder: Path, now: RunFingerprint, reason: str) -> None:
    output = tmp_path / "table.csv"
    cut_off(output, folder, "csv")
    said = refusal(output, folder, asked=now, resume=True)
    assert reason in said
    assert "start anew with --overwrite" in said


def change_content(folder: Path) -> None:
    (folder / "002.bin").write_bytes(b"other")


def add_a_file(folder: Path) -> None:
    (folder / "0005.bin").write_bytes(b"new")


def remove_a_file(folder: Path) -> None:
    (folder / "006.bin").unlink()


def remove_all_but_a_few(folder: Path) -> None:
    for path in sorted(folder.iterdir())[4:]:
        path.unlink()


def change_what_is_not_read_yet(folder: Path) -> None:
    (folder / "020.bin").write_bytes(b"other")


def change_it_behind_its_times(folder: Path) -> None:
    before = (folder / "020.bin").stat()
    (folder / "020.bin").write_bytes(bytes(before.st_size))
    os.utime(folder / "020.bin", ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (change_content, "'{folder}/002.bin' was changed"),
        (add_a_file, "'{folder}/0005.bin' was changed or added"),
        (remove_a_file, "of the inputs 1 to 4 ('{folder}/000.bin' to '{folder}/003.bin'), or in their folder"),
        (remove_all_but_a_few, "inputs 1 to 4"),
        (change_what_is_not_read_yet, "'{folder}/020.bin' was changed since the run began"),
        (change_it_behind_its_times, "'{folder}/020.bin' was changed since the run began"),
    ],
)
def test_other_inputs_are_not_gone_on_with(tmp_path: Path, whole: dict, folder: Path, change, reason: str) -> None:
    output = tmp_path / "table.csv"
    cut_off(output, folder, "csv")
    time.sleep(0.02)
    change(folder)
    with pytest.raises(OutputError) as error:
        run(output, folder, "csv", resume=True)
    assert reason.format(folder=folder) in str(error.value)
    assert "--overwrite" in str(error.value)
    assert not output.exists()
    assert (tmp_path / "table.csv.partial").exists()
    run(output, folder, "csv", overwrite=True)
    assert list(rows(str(output), "csv")) == [row_of(item) for item in items_in(folder)]


def test_fewer_inputs_than_rows_are_not_gone_on_with(tmp_path: Path, folder: Path) -> None:
    output = tmp_path / "table.csv"
    cut_off(output, folder, "csv")
    with (
        pytest.raises(OutputError, match="more than 4 inputs when the run began"),
        open_table(str(output), "csv", resume=True, fingerprint=ASKED) as table,
    ):
        list(table.remaining([list(items_in(folder))[:4]]))


def test_a_changed_archive_is_known_by_its_own_time(tmp_path: Path, folder: Path, whole: dict) -> None:
    output, archive = tmp_path / "table.csv", tmp_path / "scans.zip"
    entries = [[Input(f"{archive}/{number}.png", Failure("damaged", "no"))] for number in range(4)]
    archive.write_bytes(b"zip")
    time.sleep(0.02)
    with open_table(str(output), "csv", fingerprint=ASKED) as table:
        for chunk in entries[:2]:
            table.add(answer(chunk, "csv"))
    with open_table(str(output), "csv", resume=True, fingerprint=ASKED) as table:
        assert list(table.remaining(entries)) == entries[2:]
    time.sleep(0.02)
    archive.write_bytes(b"zap")
    with (
        pytest.raises(OutputError, match=r"scans\.zip/2\.png' was changed since"),
        open_table(str(output), "csv", resume=True, fingerprint=ASKED) as table,
    ):
        list(table.remaining(entries))


# --------------------------------------------------------------------------------------------------------------- damage


def spool_of_a_killed_run(output: Path, folder: Path) -> dict[Path, bytes]:
    """What a killed run leaves after three chunks: a WAL, as it could not close it."""
    with open_table(str(output), "csv", fingerprint=ASKED) as table:
        fill(table, folder, "csv", stop_after=3)
        left = {path: path.read_bytes() for path in output.parent.glob("table.csv.*")}
    assert {path.suffix for path in left} == {".partial", ".partial-wal"}
    return left


def put(files: dict[Path, bytes]) -> None:
    for path, data in files.items():
        path.write_bytes(data)


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
    execute(partial, f"PRAGMA user_version = {VERSION + 1}")
    assert other in refusal(output, folder, resume=True)
    partial.unlink()
    execute(partial, "CREATE TABLE precious (page TEXT)")
    assert other in refusal(output, folder)


def execute(partial: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(partial)) as connection:
        connection.execute(statement)


@pytest.mark.parametrize("form", FORMS)
def test_a_disk_that_is_full_after_any_byte_costs_no_row(
    tmp_path: Path, whole: dict[Format, bytes], folder: Path, form: Format
) -> None:
    output, size, done = tmp_path / f"table.{form}", 0, []
    while True:
        with full_at(size):
            error = error_of(output, folder, form)
        if error is None:
            break
        assert error.startswith(f"--output {output} cannot be written: disk I/O error.")
        assert not output.exists()
        done.append(int(found[1]) if (found := re.search(r"(\d+) rows are safe", error)) else 0)
        with open_table(str(output), form, resume=True, fingerprint=ASKED) as table:
            assert table.taken_up == done[-1]
            fill(table, folder, form)
        assert output.read_bytes() == whole[form]
        assert names(tmp_path) == {output.name}
        output.unlink()
        size += 3001
    assert done == sorted(done)
    assert {*range(0, 30, CHUNK)} <= {*done}


def error_of(output: Path, folder: Path, form: Format) -> str | None:
    try:
        run(output, folder, form)
    except OutputError as error:
        return str(error)
    return None


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("failure", FAILURES)
def test_whichever_call_fails_the_run_is_gone_on_with_and_leaves_nothing_else(
    tmp_path: Path, whole: dict[Format, bytes], folder: Path, form: Format, failure: str
) -> None:
    """Every call that opens, syncs, names or removes a file fails in turn, those of the journal too."""
    output, after = tmp_path / f"table.{form}", 0
    while True:
        with failing(after, failure) as calls, contextlib.suppress(Exception, KeyboardInterrupt, Died):
            run(output, folder, form)
        if len(calls) <= after:
            break
        where = f"{failure} at call {after}, {calls[after]}"
        assert not output.exists() or output.read_bytes() == whole[form], f"torn: {where}"
        run(output, folder, form, resume=True)
        assert output.read_bytes() == whole[form], f"not the same: {where}"
        assert names(tmp_path) == {output.name}, f"left behind: {where}"
        output.unlink()
        after += 1
    assert after >= 4


@pytest.mark.parametrize("form", FORMS)
def test_a_disk_that_is_full_at_the_end_costs_no_row(
    tmp_path: Path, whole: dict[Format, bytes], folder: Path, form: Format
) -> None:
    output = tmp_path / f"table.{form}"
    for size in (0, 1, len(whole[form]) // 2, len(whole[form]) - 1):
        table = open_table(str(output), form, resume=True, fingerprint=ASKED)
        fill(table.__enter__(), folder, form)
        with full_at(size), pytest.raises(OutputError, match=r"cannot be written: .*\. 30 rows are safe"):
            table.__exit__(None, None, None)
        assert names(tmp_path) <= {f"{output.name}.partial", f"{output.name}.partial-wal"}
    run(output, folder, form, resume=True)
    assert output.read_bytes() == whole[form]
    assert names(tmp_path) == {output.name}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("limit", [300, 15_000, 45_000])
def test_a_real_limit_of_the_system(
    tmp_path: Path, whole: dict[Format, bytes], folder: Path, form: Format, limit: int
) -> None:
    output = tmp_path / f"table.{form}"
    command = [sys.executable, "-m", "tests.app.batch.tables", str(output), form, str(folder), "0"]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert ended.returncode != 0
    assert "cannot be written: disk I/O error" in ended.stderr
    assert not output.exists()
    run(output, folder, form, resume=True)
    assert output.read_bytes() == whole[form]


def test_killed_at_any_moment_and_gone_on_with(tmp_path: Path) -> None:
    """kill -9, eight times, each at another moment, of a program that writes a table."""
    folder = write_inputs(tmp_path / "pictures", 120)
    time.sleep(0.02)
    run(tmp_path / "whole.csv", folder, "csv")
    draw, hit = random.Random(5), 0
    for number in range(8):
        output = tmp_path / f"table{number}.csv"
        command = [sys.executable, "-m", "tests.app.batch.tables", str(output), "csv", str(folder), "0.02"]
        process = subprocess.Popen(command, cwd=ROOT)
        partial, deadline = tmp_path / f"{output.name}.partial", time.monotonic() + 30
        while not partial.exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(draw.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        wal = tmp_path / f"{partial.name}-wal"
        hit += wal.exists() and wal.stat().st_size > 20_000
        assert not output.exists()
        with open_table(str(output), "csv", resume=True, fingerprint=ASKED) as table:
            fill(table, folder, "csv")
        assert output.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert hit >= 4
