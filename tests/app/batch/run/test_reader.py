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
from tests.hand import DIGITS, render, write_number

JOB = Job(ROOT / "exports" / "mnist-convnet.onnx", "cpu", 3, "jsonl")


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
    names = ("large", "damaged", "framed", "number", "blank", "tiny", "empty", "nowhere")
    items = [Input(str(tmp_path / f"{name}.png")) for name in names]
    items.insert(2, Input("a.zip/five", (tmp_path / "large.png").read_bytes()))
    items.insert(4, Input("x.gz#7", framed(reader)))
    items.insert(6, Input("evil", Failure("name_refused", "evil: it points outside.")))
    return items


def test_every_answer_is_its_own_inputs(reader: Reader, mixed: list[Input]) -> None:
    rows = rows_of(reader.answer(mixed))
    assert [row["path"] for row in rows] == [item.path for item in mixed]
    said = {Path(row["path"]).name: row["label"] or row["code"] or row["status"] for row in rows}
    assert said == {
        "large.png": "3",
        "damaged.png": "damaged",
        "five": "3",
        "framed.png": "7",
        "x.gz#7": "7",
        "number.png": "4711",
        "evil": "name_refused",
        "blank.png": "blank",
        "tiny.png": "7",
        "empty.png": "empty",
        "nowhere.png": "missing",
    }


def test_rows_are_those_of_each_input_alone(reader: Reader, mixed: list[Input]) -> None:
    together, alone = rows_of(reader.answer(mixed)), [rows_of(reader.answer([item]))[0] for item in mixed]
    for one, other in zip(together, alone, strict=True):
        assert one["confidence"] == pytest.approx(other["confidence"], abs=1e-6)
        assert one | {"confidence": 0, "top_k": 0} == other | {"confidence": 0, "top_k": 0}


def test_where_the_time_went_is_told_by_stage(reader: Reader, mixed: list[Input]) -> None:
    seconds = reader.answer(mixed).seconds
    assert set(seconds) == set(STAGES)
    assert all(value > 0 for value in seconds.values())


def test_a_bug_costs_one_row(mixed: list[Input], monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(JOB)
    prepare = reader.classifier.prepare
    [size] = [Image.open(item.path).size for item in mixed if item.path.endswith("number.png")]

    def fails(image: Image.Image) -> Prepared:
        if image.size == size:
            raise ZeroDivisionError("by hand")
        return prepare(image)

    monkeypatch.setattr(reader.classifier, "prepare", fails)
    wrong = [row for row in rows_of(reader.answer(mixed)) if row["code"] == "internal"]
    assert [Path(row["path"]).name for row in wrong] == ["number.png"]
    assert "ZeroDivisionError: by hand" in wrong[0]["error"]


def test_a_network_that_fails_on_one_picture_costs_one_row(mixed: list[Input], monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(JOB)
    read, blamed = reader.classifier.predict_prepared, framed(reader).tobytes()

    def fails(prepared_images: Sequence[Prepared]) -> list:
        if any(prepared.framed.pixels.tobytes() == blamed for prepared in prepared_images):
            raise RuntimeError("out of memory")
        return read(prepared_images)

    monkeypatch.setattr(reader.classifier, "predict_prepared", fails)
    codes = {Path(row["path"]).name: row["code"] for row in rows_of(reader.answer(mixed))}
    assert (codes["framed.png"], codes["x.gz#7"]) == ("internal", "internal")
    assert [codes[name] for name in ("large.png", "number.png", "blank.png")] == [None] * 3


def test_all_digits(reader: Reader, tmp_path: Path) -> None:
    for digit in DIGITS:
        render(digit).save(tmp_path / f"{digit}.png")
    answered = reader.answer([Input(str(tmp_path / f"{digit}.png")) for digit in DIGITS])
    assert [row["label"] for row in rows_of(answered)] == list(DIGITS)
    assert answered.counts == {"ok": 10}
