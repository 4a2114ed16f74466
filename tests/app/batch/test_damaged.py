"""A folder of 1,000 pictures, 100 of them damaged in 20 ways: every row is true."""

import csv
import io
import struct
import zlib
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from app.batch.inputs.input import CODES
from tests.app.archives.packed import zipped
from tests.app.command import predict
from tests.hand import render
from tests.inkwear.images.test_decode import encoded

COUNT, EVERY = 1000, 10

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def png_of(pixels: bytes, width: int = 28, height: int = 28) -> bytes:
    """A PNG whose checksums are right, whatever it says."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


NOISE = np.random.default_rng(6).bytes(29 * 28)

DAMAGES: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "nothing in it": ("PNG", lambda data: b""),
    "one byte": ("PNG", lambda data: data[:1]),
    "a signature alone": ("PNG", lambda data: data[:8]),
    "a PNG's half": ("PNG", half),
    "a PNG without its header": ("PNG", lambda data: data[33:]),
    "a bit of a PNG's header": ("PNG", lambda data: flipped(data, 20)),
    "a bit of a PNG's pixels": ("PNG", lambda data: flipped(data, 60)),
    "no pixels": ("PNG", lambda data: png_of(b"")),
    "pixels that break off": ("PNG", lambda data: png_of(zlib.compress(NOISE)[:400])),
    "no compression": ("PNG", lambda data: png_of(NOISE)),
    "a bomb": ("PNG", lambda data: png_of(zlib.compress(bytes(1_000_000)), 60_000, 60_000)),
    "no side": ("PNG", lambda data: png_of(zlib.compress(bytes(29)), 0)),
    "a JPEG's half": ("JPEG", half),
    "a JPEG's head": ("JPEG", lambda data: data[:20]),
    "a GIF's half": ("GIF", half),
    "a BMP's half": ("BMP", half),
    "a TIFF's half": ("TIFF", half),
    "an archive": ("PNG", lambda data: zipped({"picture.png": data})),
    "a page": ("PNG", lambda data: b"<!doctype html><title>404 Not Found</title>"),
    "noise": ("PNG", lambda data: NOISE),
}
"""What became of a picture, by a name for people, and in which format it was before."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Digits in all formats: ``000-7.png`` is a 7."""
    here = tmp_path_factory.mktemp("thousand")
    digits = [render(str(digit), canvas=100, side=60, pen=7) for digit in range(10)]
    files = {form: [encoded(picture, form) for picture in digits] for form in FORMATS}
    for index in range(COUNT):
        form, digit = FORMATS[index % 7 % len(FORMATS)], index * 3 % 10
        (here / f"{index:03}-{digit}.{form.lower()}").write_bytes(files[form][digit])
    return here


def table(folder: Path, *options: str) -> tuple[int, list[dict[str, str]], str]:
    result = predict(folder, "--model=mnist-convnet", "--device=cpu", "--output=-", *options)
    return result.exit_code, list(csv.DictReader(io.StringIO(result.stdout))), result.stderr


@pytest.mark.slow
def test_every_row_is_true(folder: Path) -> None:
    code, before, _ = table(folder, "--workers=2")
    assert (code, len(before)) == (0, COUNT)
    assert all(row["label"] == Path(row["path"]).stem[-1] for row in before)

    paths = sorted(map(str, folder.iterdir()))[::EVERY]
    damaged = dict(zip(paths, cycle(DAMAGES), strict=False))
    for path, name in damaged.items():
        form, damage = DAMAGES[name]
        Path(path).write_bytes(damage(encoded(render("5", canvas=28, side=20, pen=3), form)))

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
