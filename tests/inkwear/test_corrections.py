import csv
import io
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inkwear.corrections import APPLICATION_ID, COLUMNS, DATABASE, TABLE, VERSION, Correction, read_corrections
from inkwear.errors import CorrectionsError

FACTS = ("2026-01-01T00:00:00.000+00:00", "mnist", "MNIST", ("0", "1"), "1", "0", 0.5, "mnist-lenet", "0" * 64)
MADE = Correction("f" * 32, *FACTS, pixels=np.arange(784).reshape(28, 28).astype(np.uint8), format="JPEG")


def row_of(correction: Correction) -> dict[str, object]:
    return {column: getattr(correction, column) for column in COLUMNS} | {"class_names": json.dumps(("0", "1"))}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """One as the app writes it."""
    extra = {"pixels": MADE.pixels.tobytes(), "format": "JPEG", "checksum": MADE.checksum(), "picture": b"sent"}
    row = row_of(MADE) | extra
    with closing(sqlite3.connect(tmp_path / DATABASE)) as connection, connection:
        connection.execute(TABLE)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        marks = ", ".join(f":{name}" for name in row)
        connection.execute(f"INSERT INTO corrections ({', '.join(row)}) VALUES ({marks})", row)
    return tmp_path / DATABASE


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A ZIP as the page exports it."""
    table, image = io.StringIO(), io.BytesIO()
    writer = csv.DictWriter(table, COLUMNS)
    writer.writeheader()
    writer.writerow(row_of(MADE))
    Image.fromarray(MADE.pixels).save(image, "PNG")
    with zipfile.ZipFile(tmp_path / "corrections.zip", "w") as file:
        file.writestr("labels.csv", table.getvalue())
        file.writestr(f"images/{MADE.id}.png", image.getvalue())
    return tmp_path / "corrections.zip"


def test_a_database_a_zip_and_its_folder_hold_the_same(database: Path, archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        file.extractall(tmp_path / "unpacked")
    for source, kind in ((database.parent, "JPEG"), (archive, "PNG"), (tmp_path / "unpacked", "PNG")):
        [found] = read_corrections(source)
        assert row_of(found) == row_of(MADE)
        assert (found.class_names, found.format) == (MADE.class_names, kind)
        assert np.array_equal(found.pixels, MADE.pixels)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE corrections SET label = '0'", "is not what was written"),
        ("UPDATE corrections SET pixels = x'00'", "damaged"),
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
