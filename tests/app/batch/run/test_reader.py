import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.batch.inputs.input import Failure, Input
from app.batch.run.reader import STAGES, Answered, Job, Reader
from inkwear.prediction import Prepared
from tests.conftest import ROOT
from tests.hand import render, write_number

JOB = Job((ROOT / "exports" / "mnist-convnet.onnx",), "cpu", 3, "jsonl")


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(JOB)


def rows_of(answered: Answered) -> list[dict]:
    return [json.loads(line) for line in answered.text.splitlines()]


def framed(reader: Reader) -> np.ndarray:
    """A digit as the data set frames it."""
    [prediction] = reader.classifier.predict([render("7")])
    return prediction.pixels


@pytest.fixture
def mixed(tmp_path: Path, reader: Reader) -> list[Input]:
    """All kinds of items: large, tiny, framed, of several digits, blank, damaged, in memory, failed before."""
    render("3").save(tmp_path / "large.png")
    Image.fromarray(framed(reader)).save(tmp_path / "framed.png")
    Image.fromarray(np.roll(framed(reader), 2)).save(tmp_path / "tiny.png")
    write_number("4711").save(tmp_path / "number.png")
    Image.new("L", (28, 28)).save(tmp_path / "blank.png")
    (tmp_path / "damaged.png").write_bytes((tmp_path / "framed.png").read_bytes()[:-30])
    (tmp_path / "empty.png").touch()
    names = ("large", "damaged", "five", "framed", "idx", "number", "evil", "blank", "tiny", "empty", "nowhere")
    in_memory = {
        "five": (tmp_path / "large.png").read_bytes(),
        "idx": framed(reader),
        "evil": Failure("name_refused", "evil: it points outside."),
    }
    return [Input(str(tmp_path / f"{name}.png"), in_memory.get(name)) for name in names]


def test_every_answer_is_its_own_inputs_and_that_of_each_alone(reader: Reader, mixed: list[Input]) -> None:
    answered = reader.answer(mixed)
    rows = rows_of(answered)
    assert [row["path"] for row in rows] == [item.path for item in mixed]
    said = [row["label"] or row["code"] or row["status"] for row in rows]
    assert said == ["3", "damaged", "3", "7", "7", "4711", "name_refused", "blank", "7", "empty", "missing"]
    assert answered.counts == {"ok": 6, "error": 4, "blank": 1}
    assert set(answered.seconds) == set(STAGES)
    assert all(value > 0 for value in answered.seconds.values())
    alone = [rows_of(reader.answer([item]))[0] for item in mixed]
    for one, other in zip(rows, alone, strict=True):
        assert one["confidence"] == pytest.approx(other["confidence"], abs=1e-6)
        assert one | {"confidence": 0, "top_k": 0} == other | {"confidence": 0, "top_k": 0}


def test_a_bug_costs_one_row(mixed: list[Input], monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(JOB)
    prepare, size = reader.classifier.prepare, write_number("4711").size

    def fails(image: Image.Image) -> Prepared:
        if image.size == size:
            raise ZeroDivisionError("by hand")
        return prepare(image)

    monkeypatch.setattr(reader.classifier, "prepare", fails)
    [wrong] = [row for row in rows_of(reader.answer(mixed)) if row["code"] == "internal"]
    assert Path(wrong["path"]).name == "number.png"
    assert "ZeroDivisionError: by hand" in wrong["error"]


def test_a_network_that_fails_on_one_picture_costs_one_row(mixed: list[Input], monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(JOB)
    read, blamed = reader.classifier.predict_prepared, framed(reader).tobytes()

    def fails(prepared_images: Sequence[Prepared]) -> list:
        if any(prepared.framed.pixels.tobytes() == blamed for prepared in prepared_images):
            raise RuntimeError("out of memory")
        return read(prepared_images)

    monkeypatch.setattr(reader.classifier, "predict_prepared", fails)
    codes = {Path(row["path"]).name: row["code"] for row in rows_of(reader.answer(mixed))}
    assert (codes["framed.png"], codes["idx.png"]) == ("internal", "internal")
    assert [codes[name] for name in ("large.png", "number.png", "blank.png")] == [None] * 3
