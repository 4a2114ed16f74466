"""What the tests of the table and its spool share."""

import time
from pathlib import Path

import pytest

from app.batch.output.fingerprint import RunFingerprint
from app.batch.output.formats import Format
from app.batch.output.table import OutputError
from tests.app.batch.tables import ASKED, run, write_inputs

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
