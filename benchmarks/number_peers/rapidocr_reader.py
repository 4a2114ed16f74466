"""The peer of ``benchmarks.number_peers`` in its own process, whose Python has rapidocr: ``python FILE FOLDER``.

It reads the PNG files of a folder in the order of their names, by its recognition alone, which is given the whole
picture as one line, and with its detector. For each it prints, as JSON, the megabytes of its networks and a pair for
each picture: the digits read, and the milliseconds on one core without decoding.
"""

import argparse
import json
import os
import time
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

MEGABYTE = 1_000_000

ONE_THREAD = {
    "Global.log_level": "critical",
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}

READERS: dict[str, tuple[dict[str, bool], str]] = {
    "recognition alone": ({"Global.use_det": False, "Global.use_cls": False}, "*_rec_*.onnx"),
    "with detector": ({}, "*.onnx"),
}
"""Settings of an engine, and the files of its networks. An engine for each, as options of a call outlast the call."""

Box = Sequence[Sequence[float]]
"""The (x, y) of four corners, clockwise from the top left."""


def digits_of(text: str) -> str:
    """Return the decimal digits of a text, in any script, as ASCII."""
    return "".join(str(unicodedata.decimal(character)) for character in text if character.isdecimal())


def in_reading_order(boxes: Sequence[Box], texts: Sequence[str]) -> list[str]:
    """Sort texts by their boxes: line by line, each from left to right.

    A box belongs to the line of the box before it, counted from the top, if its middle is above that one's lower edge.
    """
    lines: list[list[tuple[float, str]]] = []
    end = float("-inf")
    for box, text in sorted(zip(boxes, texts, strict=True), key=lambda pair: _middle(pair[0])):
        if _middle(box) > end:
            lines.append([])
        lines[-1].append((min(x for x, _ in box), text))
        end = max(y for _, y in box)
    return [text for line in lines for _, text in sorted(line)]


def _middle(box: Box) -> float:
    return sum(y for _, y in box) / len(box)


def read_with(engine: Callable[[Any], Any], picture: Any) -> str:
    """Return the digits that an engine reads in a picture (H, W, 3) uint8, blue first."""
    found = engine(picture)
    texts = list(found.txts or ())
    boxes = getattr(found, "boxes", None)
    return digits_of("".join(texts if boxes is None else in_reading_order(boxes, texts)))


def main() -> None:
    """Read the folder with each of the ``READERS``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    files = sorted(parser.parse_args().folder.glob("*.png"))
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    import cv2  # these are in the peer's Python, and count the cores when they are imported
    import rapidocr

    cv2.setNumThreads(1)
    models, answers = Path(rapidocr.__file__).parent / "models", {}
    for name, (settings, networks) in READERS.items():
        engine = rapidocr.RapidOCR(params={**ONE_THREAD, **settings})
        read_with(engine, cv2.imread(str(files[0])))
        read = []
        for file in files:
            picture = cv2.imread(str(file))
            started = time.perf_counter()
            read.append((read_with(engine, picture), 1000 * (time.perf_counter() - started)))
        megabytes = sum(path.stat().st_size for path in models.glob(networks)) / MEGABYTE
        answers[name] = {"megabytes": megabytes, "read": read}
    print("\n" + json.dumps(answers))


if __name__ == "__main__":
    main()
