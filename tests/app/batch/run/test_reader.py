import io
import json
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.batch.inputs.input import Failure, Input
from app.batch.run.reader import STAGES, Answered, Job, Reader
from inkwear.images.fast_png import decode_tiny
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
        assert [one[key] for key in ("label", "status", "notes", "code", "error")] == [
            other[key] for key in ("label", "status", "notes", "code", "error")
        ]


def test_where_the_time_went_is_told_by_stage(reader: Reader, mixed: list[Input]) -> None:
    seconds = reader.answer(mixed).seconds
    assert set(seconds) == set(STAGES)
    assert all(value > 0 for value in seconds.values())


def test_an_error_of_ours_costs_one_row(mixed: list[Input], monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(JOB)
    wanted = rows_of(reader.answer(mixed))
    prepare = reader.classifier.prepare
    failing = max(item for item in (i.path for i in mixed) if item.endswith("number.png"))

    def fails(image: Image.Image) -> Prepared:
        if max(image.size) == max(Image.open(failing).size) and image.size != (28, 28):
            raise ZeroDivisionError("by hand")
        return prepare(image)

    monkeypatch.setattr(reader.classifier, "prepare", fails)
    rows = rows_of(reader.answer(mixed))
    wrong = [row["path"] for row, other in zip(rows, wanted, strict=True) if row["label"] != other["label"]]
    assert failing in wrong
    assert {row["code"] for row in rows if row["path"] in wrong} == {"internal"}
    assert all("ZeroDivisionError: by hand" in row["error"] for row in rows if row["path"] in wrong)


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


def test_the_quick_way_gives_what_pillow_gives(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    for shift in range(5):
        for level in (0, 1, 6, 9):
            Image.fromarray(np.roll(framed(reader), shift)).save(path, compress_level=level)
            quick = decode_tiny([path.read_bytes()])[0]
            assert quick is not None
            assert np.array_equal(quick, np.asarray(Image.open(path)))


def png_of(rows: np.ndarray) -> bytes:
    """A PNG of filtered rows: (28, 29) uint8, the number of a row's filter first."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows.tobytes())),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def test_the_quick_way_takes_every_filter_back_as_pillow_does() -> None:
    rng = np.random.default_rng(0)
    files = []
    for first in range(5):  # the filter of the first row, above which there is nothing
        rows = rng.integers(256, size=(28, 29), dtype=np.uint8)
        rows[:, 0] = [first, *rng.integers(5, size=27)]
        files.append(png_of(rows))
    unknown = png_of(np.full((28, 29), 5, np.uint8))
    short = png_of(rows[:27])
    found = decode_tiny([files[0], unknown, *files[1:4], short, files[4]])
    assert [index for index, pixels in enumerate(found) if pixels is None] == [1, 5]
    quick = [pixels for pixels in found if pixels is not None]
    for pixels, data in zip(quick, files, strict=True):
        assert np.array_equal(pixels, np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize("mode", ["1", "LA", "P", "RGB", "RGBA", "I;16"])
def test_the_quick_way_leaves_other_modes_alone(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new(mode, (28, 28)).save(path)
    assert decode_tiny([path.read_bytes()]) == [None]


def test_the_quick_way_leaves_what_is_damaged_and_what_has_notes_alone(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(framed(reader)).save(path)
    data = path.read_bytes()
    for place in range(len(data)):  # whatever byte is another, it is seen
        assert decode_tiny([data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]]) == [None]
        assert decode_tiny([data[:place]]) == [None]
    Image.fromarray(framed(reader)).save(path, dpi=(300, 300))
    assert decode_tiny([path.read_bytes()]) == [None]
    Image.fromarray(framed(reader)).resize((29, 28)).save(path)
    assert decode_tiny([path.read_bytes()]) == [None]


def test_all_digits(reader: Reader, tmp_path: Path) -> None:
    for digit in DIGITS:
        render(digit).save(tmp_path / f"{digit}.png")
    answered = reader.answer([Input(str(tmp_path / f"{digit}.png")) for digit in DIGITS])
    assert [row["label"] for row in rows_of(answered)] == list(DIGITS)
    assert answered.counts == {"ok": 10}
