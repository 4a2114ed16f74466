"""A folder of 1,000 pictures, 100 of them damaged in 20 ways: every row is true."""

import csv
import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.batch.inputs.input import CODES
from app.batch.run.reader import Job, Reader
from tests.app.archives.packed import zipped
from tests.app.command import predict
from tests.conftest import ROOT
from tests.hand import render

MODEL = "mnist-convnet"

COUNT, EVERY = 1000, 10

Damage = Callable[[bytes, np.random.Generator], bytes]


def encoded(picture: Image.Image, form: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, form)
    return file.getvalue()


def half(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: len(data) // 2]


def flipped(start: int, end: int) -> Damage:
    """One bit in a range of bytes is the other one."""

    def damage(data: bytes, rng: np.random.Generator) -> bytes:
        place = int(rng.integers(start, min(end, len(data) - 20)))
        return data[:place] + bytes([data[place] ^ 1 << int(rng.integers(8))]) + data[place + 1 :]

    return damage


def png_of(size: tuple[int, int], pixels: bytes) -> bytes:
    """A PNG whose checksums are right, whatever it says."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0)), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


DAMAGES: dict[str, tuple[str, Damage]] = {
    "nothing in it": ("PNG", lambda data, rng: b""),
    "one byte": ("PNG", lambda data, rng: data[:1]),
    "a signature alone": ("PNG", lambda data, rng: data[:8]),
    "a PNG's half": ("PNG", half),
    "a PNG without its header": ("PNG", lambda data, rng: data[33:]),
    "a bit of a PNG's header": ("PNG", flipped(16, 33)),
    "a bit of a PNG's pixels": ("PNG", flipped(41, 200)),
    "no pixels": ("PNG", lambda data, rng: png_of((28, 28), b"")),
    "pixels that break off": ("PNG", lambda data, rng: png_of((28, 28), zlib.compress(rng.bytes(29 * 28))[:400])),
    "no compression": ("PNG", lambda data, rng: png_of((28, 28), rng.bytes(300))),
    "a bomb": ("PNG", lambda data, rng: png_of((60_000, 60_000), zlib.compress(bytes(1_000_000)))),
    "no side": ("PNG", lambda data, rng: png_of((0, 28), zlib.compress(bytes(29)))),
    "a JPEG's half": ("JPEG", half),
    "a JPEG's head": ("JPEG", lambda data, rng: data[:20]),
    "a GIF's half": ("GIF", half),
    "a BMP's half": ("BMP", half),
    "a TIFF's half": ("TIFF", half),
    "an archive": ("PNG", lambda data, rng: zipped({"picture.png": data})),
    "a page": ("PNG", lambda data, rng: b"<!doctype html><title>404 Not Found</title>"),
    "noise": ("PNG", lambda data, rng: rng.bytes(len(data))),
}
"""What became of a picture, by a name for people, and in which format it was before."""

SOUND = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Digits, large and framed, in all formats: ``000-7.png`` is a 7."""
    here = tmp_path_factory.mktemp("thousand")
    reader = Reader(Job(ROOT / "exports" / f"{MODEL}.onnx", "cpu", 3, "csv"))
    large = [render(str(digit), canvas=100, side=60, pen=7) for digit in range(10)]
    small = [Image.fromarray(prediction.pixels) for prediction in reader.classifier.predict(large)]
    files = {form: [encoded(picture, form) for picture in (*large, *small)] for form in SOUND}
    for index in range(COUNT):
        form = SOUND[index % 7 % len(SOUND)]
        digit = index * 3 % 10
        data = files[form][digit + 10 * (form == "PNG" and index % 2)]
        (here / f"{index:03}-{digit}.{form.lower()}").write_bytes(data)
    return here


def table(folder: Path, *options: str) -> tuple[int, list[dict[str, str]], str]:
    result = predict(folder, f"--model={MODEL}", "--device=cpu", "--output=-", *options)
    return result.exit_code, list(csv.DictReader(io.StringIO(result.stdout))), result.stderr


@pytest.mark.slow
def test_every_row_is_true(folder: Path) -> None:
    code, before, _ = table(folder, "--workers=2")
    assert (code, len(before)) == (0, COUNT)
    assert all(row["label"] == Path(row["path"]).stem[-1] for row in before)

    rng, damaged = np.random.default_rng(6), {}
    for number in range(COUNT // EVERY):
        name, (form, damage) = list(DAMAGES.items())[number % len(DAMAGES)]
        path = sorted(folder.iterdir())[number * EVERY + int(rng.integers(EVERY))]
        path.write_bytes(damage(encoded(render("5", canvas=28, side=20, pen=3), form), rng))
        damaged[str(path)] = name

    code, after, _ = table(folder, "--workers=2")
    assert (code, len(after)) == (1, COUNT)
    assert [row["path"] for row in after] == [row["path"] for row in before]
    for row, sound in zip(after, before, strict=True):
        if name := damaged.get(row["path"]):
            assert (row["status"], row["label"], row["confidence"]) == ("error", "", ""), name
            assert row["code"] in set(CODES) - {"internal"}, name
            assert row["path"] in row["error"], name
        else:
            assert float(row["confidence"]) == pytest.approx(float(sound["confidence"]), abs=1e-6)
            assert row | {"confidence": "", "top_k": ""} == sound | {"confidence": "", "top_k": ""}
    assert len({row["code"] for row in after}) > 3


def test_too_many_failures_stop_it(folder: Path) -> None:
    paths = sorted(folder.iterdir())
    for path in paths[5:8]:
        path.write_bytes(b"")
    code, rows, said = table(folder, "--workers=1", "--max-failures=3")
    assert code == 1
    assert 8 <= len(rows) < COUNT
    assert [row["path"] for row in rows] == [str(path) for path in paths[: len(rows)]]
    assert "Stopped at --max-failures 3" in said
    assert f"{len(rows)} rows were written to stdout; the inputs behind them were not read." in said
