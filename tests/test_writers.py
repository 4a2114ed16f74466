"""Every writer of the project, before a disk that fails: there is the old or the new, never half of either."""

import dataclasses
import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from app.corrections import Corrections
from inkwear.corrections import DATABASE
from inkwear.errors import CorrectionsError
from inkwear.files import atomic_path, write_text
from inkwear.onnx.checksums import list_file, listed_path, read_sums
from inkwear.report import read_report, report_path
from tests.conftest import EXPORTS, some_exports
from tests.failing_disk import Writer, full_at, hold, hold_when_full
from tests.inkwear.test_corrections import MADE
from training import charts, run_page
from training.analysis import Answers
from training.checkpoint import load_checkpoint, save_checkpoint
from training.datasets import DATASETS
from training.extra_images import ExtraImages, load_extra_images, save_extra_images
from training.publish import export_report
from training.watch import Watch

pytestmark = pytest.mark.slow  # a checkpoint is trained first

SMALL, OTHER = EXPORTS / "mnist-mlp_small.onnx", EXPORTS / "mnist-convnet.onnx"


# ------------------------------------------------------------------------------------------------------- the writers


def a_text(folder: Path, checkpoint: Path) -> Writer:
    path = folder / "file.txt"
    return Writer(lambda: path.write_text("old" * 5000), lambda: write_text(path, "new" * 5000), path.read_text)


def a_checkpoint(folder: Path, checkpoint: Path) -> Writer:
    path, old = folder / "best.pt", load_checkpoint(checkpoint)
    new = dataclasses.replace(old, steps=old.steps + 7)
    return Writer(
        prepare=lambda: shutil.copy(checkpoint, path),
        write=lambda: save_checkpoint(new, path),
        look=lambda: load_checkpoint(path).steps,
    )


def an_export(folder: Path, checkpoint: Path) -> Writer:
    path = folder / SMALL.name

    def write() -> None:
        with listed_path(path) as temporary:
            shutil.copyfile(OTHER, temporary)

    def listed_digest() -> str:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert digest in read_sums(folder)[path.name]
        return digest

    return Writer(lambda: some_exports(folder, [SMALL.stem]), write, listed_digest)


def a_list_of_digests(folder: Path, checkpoint: Path) -> Writer:
    path = folder / "mine.onnx"
    shutil.copy(OTHER, path)
    return Writer(
        prepare=lambda: some_exports(folder, [SMALL.stem]),
        write=lambda: list_file(path),
        look=lambda: path.name in read_sums(folder),
    )


def a_report(folder: Path, checkpoint: Path) -> Writer:
    path = some_exports(folder, [SMALL.stem]) / SMALL.name
    old, run = report_path(path).read_text(), load_checkpoint(checkpoint)
    answers = Answers(np.zeros((1, 28, 28), np.uint8), np.array([3]), np.eye(10)[[3]], tuple("0123456789"))

    def write() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(export_report, "answer_test_set", lambda *_: answers)
            export_report.write_report(path, run, folder)

    return Writer(lambda: report_path(path).write_text(old), write, lambda: read_report(path).confusion)


def a_page_about_a_run(folder: Path, checkpoint: Path) -> Writer:
    path, page = folder / "best.pt", folder / "report.html"
    shutil.copy(checkpoint, path)
    seen = {
        **dict.fromkeys(("curves", "confusion", "reliability", "filters"), "data:,"),
        **dict.fromkeys(("classes", "pairs", "worst", "suspects"), ()),
        **dict.fromkeys(("parameters", "images", "mistakes"), 1),
        "calibration_error": 0.1,
    }

    def write() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(run_page, "answer_validation_set", lambda *_: None)
            patch.setattr(run_page, "contents", lambda found, *_: seen | vars(found))
            run_page.write_page(path, folder)

    def look() -> bool:
        text = page.read_text()
        assert text.rstrip().endswith("</html>")
        return "old" in text.splitlines()[0]

    return Writer(lambda: page.write_text("<!-- old -->\n</html>\n"), write, look)


def a_runs_metrics(folder: Path, checkpoint: Path) -> Writer:
    path, history = folder / "metrics.jsonl", load_checkpoint(checkpoint).history
    return Writer(
        prepare=lambda: path.write_text(json.dumps(history[0]) + "\n"),
        write=lambda: Watch("run", folder, 1, tensorboard=False).resumed(history, 0),
        look=lambda: [json.loads(line) for line in path.read_text().splitlines()],
    )


def a_runs_curves(folder: Path, checkpoint: Path) -> Writer:
    path = folder / "curves.png"

    def look() -> tuple[int, int]:
        with Image.open(path) as picture:
            picture.load()
            return picture.size

    return Writer(
        prepare=lambda: Image.new("L", (3, 3)).save(path),
        write=lambda: charts.save(Figure(figsize=(1, 1)), path),
        look=look,
    )


def extra_images(folder: Path, checkpoint: Path) -> Writer:
    path, rng = folder / "extra.npz", np.random.default_rng(0)
    old, new = (
        ExtraImages("mnist", rng.integers(0, 256, (count, 28, 28), np.uint8), rng.integers(0, 10, count, np.uint8))
        for count in (20, 30)
    )
    return Writer(
        prepare=lambda: save_extra_images(old, path),
        write=lambda: save_extra_images(new, path),
        look=lambda: len(load_extra_images(path, DATASETS["mnist"]).labels),
    )


FILES = (a_text, a_checkpoint, an_export, a_list_of_digests, a_report, a_page_about_a_run)
RUNS = (a_runs_metrics, a_runs_curves, extra_images)


@pytest.fixture(params=(*FILES, *RUNS), ids=lambda make: make.__name__)
def writer(request: pytest.FixtureRequest, tmp_path: Path, checkpoint: Path) -> Writer:
    return request.param(tmp_path, checkpoint)


def test_whichever_call_fails_there_is_the_old_or_the_new(writer: Writer, tmp_path: Path) -> None:
    assert hold(writer, tmp_path) >= 16


def test_whenever_the_disk_is_full_there_is_the_old(writer: Writer, tmp_path: Path) -> None:
    assert hold_when_full(writer, tmp_path) >= 4


def test_the_harness_catches_a_writer_that_tears(tmp_path: Path) -> None:
    path, note = tmp_path / "file.txt", tmp_path / "note.txt"

    def write_two_files() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("new")
        note.write_text("it is new")

    torn = Writer(lambda: path.write_text("old" * 5000), lambda: path.write_text("new" * 5000), path.read_text)
    with pytest.raises(AssertionError, match="torn"):
        hold_when_full(torn, tmp_path)
    littering = Writer(
        prepare=lambda: (path.write_text("old"), note.write_text("it is old")),
        write=write_two_files,
        look=lambda: (path.read_text(), note.read_text()),
    )
    with pytest.raises(AssertionError, match="torn"):
        hold(littering, tmp_path)


# ------------------------------------------------------------------------------------------------------- corrections


def picture_of(number: int) -> bytes:
    return f"picture {number}".encode() * 1000


def add(number: int, store: Corrections) -> None:
    pixels = np.full((28, 28), number, np.uint8)
    store.add(dataclasses.replace(MADE, id=f"{number:032x}", pixels=pixels), picture_of(number))


def added_when_full_at(size: int, folder: Path) -> bool:
    """Whether a second correction was said to be kept; where it was not, the file was named."""
    try:
        with full_at(size), Corrections(folder) as store:
            add(2, store)
    except CorrectionsError as error:
        return str(folder / DATABASE) not in str(error)
    return True


def test_whenever_the_disk_is_full_a_correction_is_there_with_its_picture_or_not_at_all(tmp_path: Path) -> None:
    """The database, its log, and what is moved from one into the other: full after every half kilobyte."""
    whole = tmp_path / "whole"
    with Corrections(whole) as store:
        add(1, store)
    pictures = {f"{number:032x}": picture_of(number) for number in (1, 2)}
    refused, kept = 0, 0
    for size in range(0, 72_000, 512):
        folder = tmp_path / str(size)
        shutil.copytree(whole, folder)
        said = added_when_full_at(size, folder)
        refused += not said
        with Corrections(folder) as store:
            found = {each.id: store.picture(each.id)[0] for each in store.newest()}
        assert found.items() <= pictures.items()
        assert f"{1:032x}" in found
        assert not said or len(found) == 2
        kept += len(found) == 2
        with closing(sqlite3.connect(folder / DATABASE)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert {path.name for path in folder.iterdir()} == {DATABASE}
    assert refused > 10
    assert kept > 10
