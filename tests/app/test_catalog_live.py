"""The folder changes while the app runs: nobody's request fails, and every answer is of the model it names."""

import itertools
import json
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

from app.catalog import STILL_SERVING, Catalog, UnknownModelError, scan, watching
from inkwear.errors import ModelFileError
from tests.conftest import EXPORTS
from tests.inkwear.onnx.hostile_models import HOSTILE
from tests.mutations import cut_short, double_a_part, insert_noise, mutants, remove_a_part

DIGITS, CLOTHES = EXPORTS / "mnist-lenet.onnx", EXPORTS / "fashion_mnist-lenet.onnx"


def put(source: Path, target: Path) -> None:
    """Replace a file as an export does: all at once."""
    shutil.copy(source, target.with_suffix(".new"))
    target.with_suffix(".new").replace(target)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    put(DIGITS, tmp_path / "model.onnx")
    catalog = scan(tmp_path, "cpu")
    catalog.classifier("model", "cpu")
    return catalog


def test_what_lands_appears_and_what_goes_disappears(catalog: Catalog) -> None:
    before = catalog.snapshot.revision
    put(CLOTHES, catalog.folder / "other.onnx")
    catalog.refresh()
    assert list(catalog.entries) == ["model", "other"]
    assert catalog.snapshot.revision != before
    (catalog.folder / "other.onnx").unlink()
    catalog.refresh()
    assert list(catalog.entries) == ["model"]
    assert catalog.snapshot.revision == before


def test_a_replaced_file_answers_and_who_holds_the_old_one_keeps_it(catalog: Catalog) -> None:
    entry, classifier = catalog.choose("model", "cpu")
    put(CLOTHES, catalog.folder / "model.onnx")
    catalog.refresh()
    assert catalog.find("model").metadata.dataset == "fashion_mnist"
    assert catalog.find("model").opened_on == ("cpu",)
    assert entry.classifier("cpu") is classifier
    assert classifier.digest == entry.digest != catalog.find("model").digest


def damaged_weights(path: Path) -> bytes:
    model = onnx.load(path)
    weights = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    weights.raw_data = np.zeros(len(weights.raw_data), np.uint8).tobytes()
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"broken", "it is not an ONNX file"),
        (DIGITS.read_bytes()[:100_000], "cut short"),
        (damaged_weights(DIGITS), "it reads its own reference picture otherwise than it states"),
    ],
    ids=["broken", "cut", "damaged"],
)
def test_a_broken_file_is_refused_and_the_old_one_goes_on(catalog: Catalog, content: bytes, reason: str) -> None:
    old = catalog.classifier("model", "cpu")
    (catalog.folder / "model.onnx").write_bytes(content)
    (catalog.folder / "fresh.onnx").write_bytes(content)
    catalog.refresh()
    assert reason in catalog.refused["model"]
    assert STILL_SERVING in catalog.refused["model"]
    assert catalog.classifier("model", "cpu") is old
    assert catalog.classifier("model", "auto").digest == old.digest
    assert STILL_SERVING not in catalog.refused["fresh"]
    with pytest.raises(UnknownModelError, match="cannot be used"):
        catalog.classifier("fresh")
    put(DIGITS, catalog.folder / "model.onnx")
    catalog.refresh()
    assert "model" not in catalog.refused


def test_a_listed_file_that_turns_out_broken_is_refused_from_then_on(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(damaged_weights(DIGITS))
    catalog = scan(tmp_path, "cpu")
    with pytest.raises(ModelFileError, match="reference picture"):
        catalog.classifier("model")
    assert "reference picture" in catalog.refused["model"]
    assert not catalog.entries


def test_a_file_replaced_before_anybody_asked_is_listed_anew(tmp_path: Path) -> None:
    put(DIGITS, tmp_path / "model.onnx")
    catalog = scan(tmp_path, "cpu")
    put(CLOTHES, tmp_path / "model.onnx")
    entry, classifier = catalog.choose("model", "cpu")
    assert entry.metadata.dataset == classifier.metadata.dataset == "fashion_mnist"


SWITCHES, BAD = 200, 50


def bad_exports(folder: Path) -> Iterator[bytes]:
    """Damaged ones, and every fifth made to harm; a single other bit of a foreign file may be nobody's loss."""
    damaged = mutants(DIGITS.read_bytes(), BAD, 5, (cut_short, remove_a_part, insert_noise, double_a_part))
    hostile = itertools.cycle(make for name, (make, _) in HOSTILE.items() if name.startswith(("weights_", "a_")))
    for number, mutant in enumerate(damaged):
        path = folder.parent / "made" / f"{number}" / "exports" / "bad.onnx"
        path.parent.mkdir(parents=True)
        yield next(hostile)(path) if number % 5 == 0 else mutant


@pytest.mark.slow
def test_two_hundred_switches_under_load_while_bad_exports_are_dropped_in(tmp_path: Path) -> None:
    """Every answer is that of the file it names, and of none of the bad ones, some of which come under its name."""
    folder = tmp_path / "exports"
    folder.mkdir()
    for source, name in ((DIGITS, DIGITS.name), (CLOTHES, CLOTHES.name), (DIGITS, "model.onnx")):
        put(source, folder / name)
    names = ("model", DIGITS.stem, "model", CLOTHES.stem)
    catalog = scan(folder, "cpu")
    scanned, pixels = scan(EXPORTS), np.random.default_rng(0).integers(0, 256, (1, 28, 28), np.uint8)
    known = {entry.digest: entry for entry in (scanned.find(path.stem) for path in (DIGITS, CLOTHES))}
    expected = {digest: entry.classifier("cpu").logits(pixels) for digest, entry in known.items()}
    failures, seen, over = [], Counter(), threading.Event()
    for name in names:
        catalog.classifier(name, "cpu")  # what was never opened does not go on serving when its file breaks

    def client() -> None:
        for name in itertools.cycle(names):
            if over.is_set():
                return
            try:
                entry, classifier = catalog.choose(name, "cpu")
                assert name == "model" or classifier.metadata == scanned.find(name).metadata
                assert np.array_equal(classifier.logits(pixels), expected[classifier.digest])
                assert entry.metadata.class_names == known[classifier.digest].metadata.class_names
                assert entry.digest == classifier.digest
                seen[name, classifier.digest] += 1
            except BaseException as error:
                failures.append(error)

    clients = [threading.Thread(target=client) for _ in range(4)]
    bad = bad_exports(folder)
    with watching(catalog, seconds=0.01):
        for thread in clients:
            thread.start()
        for turn in range(SWITCHES):
            put((CLOTHES, DIGITS)[turn % 2], folder / "model.onnx")
            if turn % 4 == 0:
                (folder / "new").write_bytes(next(bad))
                name = "model" if turn % 20 == 8 else f"bad{turn}"
                (folder / "new").replace(folder / f"{name}.onnx")
            time.sleep(0.05)
        put(DIGITS, folder / "model.onnx")
        over.set()
        for thread in clients:
            thread.join()
    catalog.refresh()
    for entry in catalog.entries.values():
        catalog.examine(entry)
    assert not failures
    assert set(catalog.entries) == {"model", DIGITS.stem, CLOTHES.stem}
    assert len(catalog.refused) == BAD - SWITCHES // 20
    assert {digest for name, digest in seen if name == "model"} == set(expected)
    assert sum(seen.values()) >= SWITCHES


def test_a_few_switches_over_http_while_bad_exports_are_dropped_in() -> None:
    """200 of them and 50 bad exports: ``python -m benchmarks.switches``."""
    from benchmarks.switches import switches  # which takes what is bad from here

    switching, catalog = switches(count=5, bad=2)
    assert not switching.faults
    assert {model["name"] for model in catalog["models"]} == {"model", DIGITS.stem, CLOTHES.stem}
    assert len(catalog["refused"]) == switching.refused == 2
    assert {digest for name, digest in switching.seen if name == "model"} == set(switching.known)


def test_an_answer_of_another_file_would_be_noticed(tmp_path: Path) -> None:
    from benchmarks.switches import Switching, known_answers
    from tests.hostile import Reply

    known = known_answers()
    digest, (path, expected) = next(iter(known.items()))
    right = {"model": "model", "digest": digest, "label": "?", "probabilities": dict(enumerate(expected.tolist()))}

    def fault(name: str = "model", status: int = 200, **other: object) -> str:
        return Switching(tmp_path, 0, known).fault_of(name, Reply(status, json.dumps(right | other).encode()))

    assert fault() == ""
    assert fault(path, model=path) == ""
    assert "503" in fault(status=503)
    assert "answered by" in fault(model="other")
    assert "answered by" in fault(digest="0" * 64)
    assert "not what" in fault(CLOTHES.stem, model=CLOTHES.stem)
    assert "not what" in fault(probabilities=dict(enumerate(expected[::-1].tolist())))


def test_the_watch_opens_what_nobody_has_asked_for(tmp_path: Path) -> None:
    put(DIGITS, tmp_path / "model.onnx")
    catalog = scan(tmp_path, "cpu")
    with watching(catalog, seconds=0.01):
        deadline = time.monotonic() + 20
        while not catalog.find("model").opened_on and time.monotonic() < deadline:
            time.sleep(0.01)
    assert catalog.find("model").opened_on == ("cpu",)
