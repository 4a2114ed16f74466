import contextlib
import json
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from app.batch.output.fingerprint import RunFingerprint
from app.batch.output.formats import Format
from app.batch.output.parse import rows
from app.batch.output.spool import Spool
from app.batch.output.table import OutputError, SpooledTable, open_table
from tests.app.batch.output.conftest import FORMS, names, refusal
from tests.app.batch.tables import ASKED, CHUNK, cut_off, fill, in_chunks, items_in, row_of, run, write_inputs
from tests.conftest import ROOT
from tests.failing_disk import FAILURES, Died, failing, full_at


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
    assert (tmp_path / "table.csv").read_bytes().startswith(b"path,status,label,text,class_id")
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


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cuts", [[0], [1], [3], [7], [1, 1, 2, 3]])
def test_a_run_that_is_gone_on_with_makes_the_same_bytes(
    tmp_path: Path, folder: Path, whole: dict[Format, bytes], form: Format, cuts: list[int]
) -> None:
    output = tmp_path / f"table.{form}"
    for number, chunks in enumerate(cuts):
        with open_table(str(output), form, resume=True, fingerprint=ASKED) as table:
            assert table.taken_up == table.done == CHUNK * sum(cuts[:number])
            fill(table, folder, form, stop_after=chunks)
        assert not output.exists()
    with open_table(str(output), form, resume=True, fingerprint=ASKED) as table:
        fill(table, folder, form)
    assert output.read_bytes() == whole[form]
    assert names(tmp_path) == {output.name}
    assert (table.counts.total(), table.taken_up) == (30, CHUNK * sum(cuts))


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
    output, other = tmp_path / "table.csv", replace(ASKED, options={"--top-k": 5, "--format": "csv"})
    cut_off(output, folder, "csv", 2)
    begun = f"8 rows are in {output}.partial. Go on with --resume, or start anew with --overwrite."
    assert begun in refusal(output, folder)
    changed = "--top-k was 3 and is 5. Ask for what was asked for then, or start anew with --overwrite."
    assert changed in refusal(output, folder, asked=other, resume=True)
    run(output, folder, "csv", asked=other, overwrite=True)
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


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("count", [0, 30])
def test_killed_between_the_name_and_the_end(
    tmp_path: Path, form: Format, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_: Spool) -> None:
        raise KeyboardInterrupt

    output, folder = tmp_path / f"table.{form}", write_inputs(tmp_path / "pictures", count)
    time.sleep(0.02)
    with monkeypatch.context() as patch:
        patch.setattr(Spool, "remove", killed)
        patch.setattr(SpooledTable, "close", lambda self: self._spool.close())
        with pytest.raises(KeyboardInterrupt):
            run(output, folder, form)
    made = output.read_bytes()
    assert names(tmp_path) == {output.name, f"{output.name}.partial"}
    run(output, folder, form, resume=True)
    assert output.read_bytes() == made
    assert names(tmp_path) == {output.name}
    assert len(list(rows(str(output), form))) == count


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


def test_a_full_disk_is_called_so(tmp_path: Path, whole: dict[Format, bytes], folder: Path) -> None:
    output = tmp_path / "table.csv"
    with open_table(str(output), "csv", fingerprint=ASKED) as table:
        assert isinstance(table, SpooledTable)
        table._spool._execute("PRAGMA max_page_count = 3")
        with pytest.raises(OutputError, match=r"cannot be written: No space left on device\. \d+ rows are safe"):
            fill(table, folder, "csv")
    run(output, folder, "csv", resume=True)
    assert output.read_bytes() == whole["csv"]


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
    """Every call that opens, syncs, names or removes a file fails in turn, those for the spool too."""
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
