import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from app.corrections import Corrections
from inkwear.corrections import COLUMNS, DATABASE, VERSION, Correction, read_corrections
from inkwear.errors import CorrectionsError

FACTS = ("2026-01-01T00:00:00.000+00:00", "mnist", "MNIST", ("0", "1"), "1", "0", 0.5, "mnist-lenet", "0" * 64)
MADE = Correction("f" * 32, *FACTS, pixels=np.arange(784).reshape(28, 28).astype(np.uint8), format="JPEG")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    with Corrections(tmp_path) as store:
        store.add(MADE, b"sent")
    return tmp_path / DATABASE


def facts_of(correction: Correction) -> dict[str, object]:
    return {column: getattr(correction, column) for column in COLUMNS}


def test_a_database_a_zip_and_its_folder_hold_the_same(database: Path, tmp_path: Path) -> None:
    archive, folder = tmp_path / "corrections.zip", tmp_path / "unpacked"
    with Corrections(database.parent) as store, store.export() as exported:
        archive.write_bytes(exported.read())
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder)
    for source, kind in ((database.parent, "JPEG"), (archive, "PNG"), (folder, "PNG")):
        [found] = read_corrections(source)
        assert facts_of(found) == facts_of(MADE)
        assert (found.class_names, found.format) == (MADE.class_names, kind)
        assert np.array_equal(found.pixels, MADE.pixels)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE corrections SET label = '0'", "is not what was written"),
        ("UPDATE corrections SET pixels = x'00'", "1 pixels make no square"),
        ("UPDATE corrections SET pixels = zeroblob(785)", "785 pixels make no square|cannot reshape"),
        ("PRAGMA application_id = 1", "a database of another program"),
        (f"PRAGMA user_version = {VERSION + 1}", f"of version {VERSION + 1}, this Inkwear reads {VERSION}"),
        ("DROP TABLE corrections", "no such table"),
    ],
)
def test_what_is_wrong_with_a_database_is_said(database: Path, statement: str, reason: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement)
    with pytest.raises(CorrectionsError, match=f"{database}: .*{reason}"):
        read_corrections(database.parent)


def test_a_folder_without_corrections_is_said(tmp_path: Path) -> None:
    with pytest.raises(CorrectionsError, match="no corrections here"):
        read_corrections(tmp_path)


def test_a_table_cannot_name_files_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("id,label\n../../secret,7\n")
    with pytest.raises(CorrectionsError, match=r"'../../secret' is no id"):
        read_corrections(tmp_path)
