import os
import time
from pathlib import Path

import pytest

from app.batch.inputs.input import Failure, Input
from app.batch.output.parse import rows
from app.batch.output.table import OutputError, open_table
from tests.app.batch.tables import ASKED, answer, cut_off, items_in, row_of, run


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
