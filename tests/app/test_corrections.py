import signal
import sqlite3
import stat
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from app.corrections import Corrections, NoSuchCorrectionError, new_correction
from inkwear.classifier import Classifier
from inkwear.corrections import DATABASE, Correction, read_corrections
from inkwear.errors import CorrectionsError
from tests.conftest import EXPORTS, ROOT

METADATA = Classifier(EXPORTS / "mnist-mlp_small.onnx", "cpu").metadata


def correction(seed: int = 0, label: str = "7") -> Correction:
    pixels = np.random.default_rng(seed).integers(0, 256, (28, 28), np.uint8)
    facts = {"said": "1", "confidence": 0.6, "model": "mnist-mlp_small", "digest": "0" * 64, "format": "JPEG"}
    return new_correction(METADATA, label, pixels=pixels, **facts)


def content_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def test_the_newest_correction_of_the_same_counts(folder: Path) -> None:
    with Corrections(folder) as corrections:
        corrections.add(correction(seed=1, label="7"), b"first picture")
        corrections.add(correction(seed=2, label="3"), b"another")
        corrections.add(correction(seed=1, label="4"), b"later picture")
        later, other = corrections.newest()
        assert (later.label, other.label, later.created[-6:]) == ("4", "3", "+00:00")
        assert corrections.picture(later.id) == (b"later picture", "JPEG")
        assert b"first picture" not in content_of(folder)


@pytest.mark.parametrize("size", [20, 50_000])
def test_what_is_deleted_is_gone_from_the_disk(folder: Path, size: int) -> None:
    one, other = correction(1), correction(2)
    with Corrections(folder) as corrections:
        empty = (folder / DATABASE).stat().st_size
        corrections.add(one, b"SECRET-ONE" * size)
        corrections.add(other, b"SECRET-TWO" * size)
        assert b"SECRET-ONE" in content_of(folder)
        corrections.delete(one.id)
        assert b"SECRET-ONE" not in content_of(folder)
        assert one.id.encode() not in content_of(folder)
        assert corrections.picture(other.id)[0] == b"SECRET-TWO" * size
        for use in (corrections.delete, corrections.picture):
            with pytest.raises(NoSuchCorrectionError, match="There is no correction"):
                use(one.id)
        assert (corrections.delete_all(), corrections.count()) == (1, 0)
        assert b"SECRET" not in content_of(folder)
        assert (folder / DATABASE).stat().st_size <= empty + 4096
        assert all(path.stat().st_size == 0 for path in folder.glob("*-wal"))


def test_folder_and_files_are_for_their_owner_alone(folder: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with Corrections(folder) as corrections, Corrections(tmp_path):
        corrections.add(correction(), b"picture")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600] * 3
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755  # it was there before


def test_many_threads_of_two_apps_add_to_one_folder(folder: Path) -> None:
    made = [correction(seed) for seed in range(100)]
    with Corrections(folder) as one, Corrections(folder) as other, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda store, each: store.add(each, each.id.encode() * 100), (one, other) * 50, made))
        assert one.count() == other.count() == 100
        assert all(one.picture(each.id)[0] == each.id.encode() * 100 for each in made)


ADD_FOR_EVER = """
import sys
from itertools import count
from pathlib import Path
from app.corrections import Corrections
from tests.app.test_corrections import correction
with Corrections(Path(sys.argv[1])) as corrections:
    for seed in count():
        made = correction(seed)
        corrections.add(made, made.id.encode() * 5_000)
        print(made.id, flush=True)
"""


def test_kill_in_the_middle_of_adding_loses_nothing_that_was_answered(folder: Path) -> None:
    for seconds in (0.05, 0.2):
        process = subprocess.Popen(
            [sys.executable, "-c", ADD_FOR_EVER, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        answered = [process.stdout.readline().strip()]
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        answered += process.stdout.read().split("\n")[:-1]
        process.wait()
        kept = {each.id for each in read_corrections(folder)}
        with Corrections(folder) as corrections:
            found = {each.id for each in corrections.newest(limit=100_000)}
            assert kept == found >= set(answered)
            assert all(corrections.picture(each)[0] == each.encode() * 5_000 for each in found)
            corrections.delete_all()


def test_the_zip_holds_everything_and_its_file_has_no_name(folder: Path, tmp_path: Path) -> None:
    first, second = correction(1), correction(2, label="0")
    with Corrections(folder) as corrections:
        with corrections.export() as file:
            (tmp_path / "none.zip").write_bytes(file.read())
        corrections.add(first, b"first picture")
        corrections.add(second, b"second picture")
        names = set(folder.iterdir())
        with corrections.export() as file, zipfile.ZipFile(file) as archive:
            assert set(folder.iterdir()) == names
            assert archive.testzip() is None
            assert archive.read(f"pictures/{first.id}.jpg") == b"first picture"
            assert [line[:32] for line in archive.read("labels.csv").decode().splitlines()[1:]] == [first.id, second.id]
    assert read_corrections(tmp_path / "none.zip") == []


# -------------------------------------------------------------------------------------------------- what can be wrong


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")


def newer(path: Path) -> None:
    Corrections(path.parent).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 9")


def torn(path: Path) -> None:
    with Corrections(path.parent) as corrections:
        for seed in range(20):
            corrections.add(correction(seed), b"picture" * 1000)
    content = bytearray(path.read_bytes())
    content[4096 : 3 * 4096] = bytes(2 * 4096)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda path: path.write_text("a shopping list, and a long one at that" * 90), "damaged, or no database"),
        (foreign, "a database of another program. Move it away"),
        (newer, "of version 9, this Inkwear reads 1. Update Inkwear"),
        (torn, "damaged, or no database of corrections"),
    ],
)
def test_a_database_that_cannot_be_used_is_named_and_left_alone(tmp_path: Path, spoil, sentence: str) -> None:
    path = tmp_path / DATABASE
    spoil(path)
    before = path.read_bytes()
    for use in (Corrections, read_corrections):
        with pytest.raises(CorrectionsError, match=f"{path}: .*{sentence}"):
            use(tmp_path)
    assert path.read_bytes() == before


def test_while_somebody_reads_a_deletion_says_what_is_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.corrections.MAX_WAIT_SECONDS", 0.1)
    with Corrections(folder) as corrections:
        corrections.add(correction(), b"picture")
        reader = sqlite3.connect(folder / DATABASE, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM corrections").fetchone()
        with pytest.raises(CorrectionsError, match="another program reads it"):
            corrections.delete(corrections.newest()[0].id)
        reader.close()
        assert corrections.count() == 0
