"""Every writer of the project, before a disk that fails: there is the old or the new, never half of either."""

import dataclasses
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from app.corrections import Corrections
from inkwear.corrections import DATABASE, Correction
from inkwear.errors import CorrectionsError
from inkwear.files import atomic_path, write_text
from inkwear.onnx.checksums import list_file, listed_path, read_sums
from inkwear.report import read_report
from tests.conftest import EXPORTS, some_exports
from tests.failing_disk import Writer, full_at, hold, hold_when_full
from training.analysis import Answers
from training.checkpoint import load_checkpoint, save_checkpoint
from training.datasets import DATASETS
from training.extra_images import ExtraImages, load_extra_images, save_extra_images

pytestmark = pytest.mark.slow  # a checkpoint is trained first

SMALL, OTHER = EXPORTS / "mnist-mlp_small.onnx", EXPORTS / "mnist-convnet.onnx"


# ------------------------------------------------------------------------------------------------------- the writers


def a_text(folder: Path, checkpoint: Path) -> Writer:
    path = folder / "file.txt"
    return Writer(
        prepare=lambda: path.write_text("old" * 5000),
        write=lambda: write_text(path, "new" * 5000),
        look=path.read_text,
        folder=folder,
    )


def a_checkpoint(folder: Path, checkpoint: Path) -> Writer:
    path, content = folder / "best.pt", load_checkpoint(checkpoint)
    return Writer(
        prepare=lambda: shutil.copy(checkpoint, path),
        write=lambda: save_checkpoint(dataclasses.replace(content, steps=content.steps + 7), path),
        look=lambda: load_checkpoint(path).steps,
        folder=folder,
    )


def listed_digest(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest in read_sums(path.parent)[path.name]
    return digest


def an_export(folder: Path, checkpoint: Path) -> Writer:
    path = folder / SMALL.name

    def write() -> None:
        with listed_path(path) as temporary:
            shutil.copyfile(OTHER, temporary)

    return Writer(
        prepare=lambda: some_exports(folder, [SMALL.stem]), write=write, look=lambda: listed_digest(path), folder=folder
    )


def a_list_of_digests(folder: Path, checkpoint: Path) -> Writer:
    path = folder / "mine.onnx"

    def prepare() -> None:
        some_exports(folder, [SMALL.stem])
        shutil.copy(OTHER, path)

    return Writer(
        prepare=prepare, write=lambda: list_file(path), look=lambda: path.name in read_sums(folder), folder=folder
    )


def a_report(folder: Path, checkpoint: Path) -> Writer:
    from training.publish import export_report as card

    path = folder / SMALL.name
    some_exports(folder, [SMALL.stem])
    old = (folder / "reports" / f"{SMALL.stem}.json").read_text()
    with pytest.MonkeyPatch.context() as patch:
        new = load_checkpoint(checkpoint)
        answers = Answers(np.zeros((1, 28, 28), np.uint8), np.array([3]), np.eye(10)[[3]], tuple("0123456789"))

        def write() -> None:
            patch.setattr(card, "answer_test_set", lambda *_: answers)
            try:
                card.write_report(path, new, folder)
            finally:
                patch.undo()

        return Writer(
            prepare=lambda: (folder / "reports" / f"{SMALL.stem}.json").write_text(old),
            write=write,
            look=lambda: read_report(path).confusion,
            folder=folder,
        )


def a_page_about_a_run(folder: Path, checkpoint: Path) -> Writer:
    from training import run_page

    path = folder / "best.pt"
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
        text = (folder / "report.html").read_text()
        assert text.rstrip().endswith("</html>")
        return "old" in text.splitlines()[0]

    return Writer(
        prepare=lambda: (folder / "report.html").write_text("<!-- old -->\n</html>\n"),
        write=write,
        look=look,
        folder=folder,
    )


def a_runs_metrics(folder: Path, checkpoint: Path) -> Writer:
    from training.watch import Watch

    path, history = folder / "metrics.jsonl", load_checkpoint(checkpoint).history

    def write() -> None:
        Watch("run", folder, 1, tensorboard=False).resumed(history, 0)

    return Writer(
        prepare=lambda: path.write_text(json.dumps(history[0]) + "\n"),
        write=write,
        look=lambda: [json.loads(line) for line in path.read_text().splitlines()],
        folder=folder,
    )


def a_runs_curves(folder: Path, checkpoint: Path) -> Writer:
    from matplotlib.figure import Figure
    from PIL import Image

    from training import charts

    path = folder / "curves.png"

    def look() -> tuple[int, int]:
        with Image.open(path) as picture:
            picture.load()
            return picture.size

    return Writer(
        prepare=lambda: Image.new("L", (3, 3)).save(path),
        write=lambda: charts.save(Figure(figsize=(1, 1)), path),
        look=look,
        folder=folder,
    )


def a_corpus(folder: Path, checkpoint: Path) -> Writer:
    path = folder / "corpus.npz"
    rng = np.random.default_rng(0)
    old, new = (
        ExtraImages("mnist", rng.integers(0, 256, (count, 28, 28), np.uint8), rng.integers(0, 10, count, np.uint8))
        for count in (20, 30)
    )
    return Writer(
        prepare=lambda: save_extra_images(old, path),
        write=lambda: save_extra_images(new, path),
        look=lambda: len(load_extra_images(path, DATASETS["mnist"]).labels),
        folder=folder,
    )


WRITERS: tuple[Callable[[Path, Path], Writer], ...] = (
    a_text,
    a_checkpoint,
    an_export,
    a_list_of_digests,
    a_report,
    a_page_about_a_run,
    a_runs_metrics,
    a_runs_curves,
    a_corpus,
)


@pytest.mark.parametrize("make", WRITERS, ids=lambda make: make.__name__)
def test_whichever_call_fails_there_is_the_old_or_the_new(make, tmp_path: Path, checkpoint: Path) -> None:
    assert hold(make(tmp_path, checkpoint)) >= 16


@pytest.mark.parametrize("make", WRITERS, ids=lambda make: make.__name__)
def test_whenever_the_disk_is_full_there_is_the_old(make, tmp_path: Path, checkpoint: Path) -> None:
    assert hold_when_full(make(tmp_path, checkpoint)) >= 4


def test_the_harness_catches_a_writer_that_tears(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"

    def write() -> None:
        path.write_text("new" * 5000)

    def in_two_files() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("new")
        (tmp_path / "note.txt").write_text("it is new")

    torn = Writer(lambda: path.write_text("old" * 5000), write, path.read_text, tmp_path)
    with pytest.raises(AssertionError, match="torn"):
        hold_when_full(torn)
    littering = Writer(
        lambda: (path.write_text("old"), (tmp_path / "note.txt").write_text("it is old")),
        in_two_files,
        lambda: (path.read_text(), (tmp_path / "note.txt").read_text()),
        tmp_path,
    )
    with pytest.raises(AssertionError, match="torn"):
        hold(littering)


# ------------------------------------------------------------------------------------------------------- corrections


def correction(label: str, number: int) -> Correction:
    return Correction(
        id=f"{number:032x}",
        created="2026-01-01T00:00:00.000+00:00",
        dataset="mnist",
        title="MNIST digits",
        class_names=tuple("0123456789"),
        label=label,
        said="1",
        confidence=0.5,
        model="mnist-lenet",
        digest="0" * 64,
        pixels=np.full((28, 28), number, np.uint8),
    )


def added_when_full_at(size: int, folder: Path) -> bool:
    """Whether a correction was said to be kept; where it was not, the file was named."""
    try:
        with full_at(size), Corrections(folder) as store:
            store.add(correction("8", 2), b"other" * 2000)
    except CorrectionsError as error:
        return str(folder / DATABASE) not in str(error)
    return True


def test_whenever_the_disk_is_full_a_correction_is_there_with_its_picture_or_not_at_all(tmp_path: Path) -> None:
    """The database, its log, and what is moved from one into the other: full after every half kilobyte."""
    whole = tmp_path / "whole"
    with Corrections(whole) as store:
        store.add(correction("7", 1), b"first" * 2000)
    pictures = {f"{number:032x}": text * 2000 for number, text in ((1, b"first"), (2, b"other"))}
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
