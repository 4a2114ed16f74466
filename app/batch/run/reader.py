"""What answers a chunk of inputs: a classifier and the way to its pictures, in whatever process it runs."""

import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image

from app.batch.inputs.item import Code, Failure, Item, stamp_of
from app.batch.output.formats import Format, encode
from app.batch.output.row import Row
from inkwear.classifier import Classifier
from inkwear.images.decode import ImageError, open_image
from inkwear.images.fast_png import MAX_BYTES, decode_tiny
from inkwear.onnx.session import Device
from inkwear.prediction import Prediction, Prepared
from inkwear.preprocess.steps import SIZE, Pixels

WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Of a pipe that nobody writes to; and as they are, on Windows."""


@dataclass(frozen=True)
class Job:
    """All that a reader has to know; it travels to other processes and machines."""

    model: Path
    device: Device
    top_k: int
    format: Format


@dataclass(frozen=True)
class Answered:
    """A chunk of inputs, answered.

    Attributes:
        text: the rows as they stand in the table.
        counts: how many rows of each status.
        stamp: SHA-256 over the inputs' stamps.
        seconds: where the time went, by stage: read, decode, frame, network, write.
    """

    text: bytes
    counts: Counter[str]
    stamp: bytes
    seconds: Counter[str] = field(default_factory=Counter)


STAGES = ("read", "decode", "frame", "network", "write")


class Watch:
    """Where the time goes: each ``lap`` adds what has passed since the last one to a stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(STAGES, 0.0)
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] += now - self._last
        self._last = now


class Reader:
    """Answers chunks of inputs, each by itself: what cannot be read in a chunk costs no other item its answer."""

    def __init__(self, job: Job, classifier: Classifier | None = None) -> None:
        self.job = job
        self.classifier = classifier or Classifier(job.model, job.device)

    def answer(self, items: Sequence[Item]) -> Answered:
        """Return one row an item, whatever happens."""
        watch = Watch()
        stamp = stamp_of(items)
        watch.lap("read")
        try:
            text, counts = self._rows(items, watch)
        except Exception:  # whatever it is, it is one item's fault
            rows = [self._row(item, watch) for item in items]
            text, counts = b"".join([text for text, _ in rows]), sum((counts for _, counts in rows), Counter())
        return Answered(text, counts, stamp, Counter(watch.seconds))

    def _rows(self, items: Sequence[Item], watch: Watch) -> tuple[bytes, Counter[str]]:
        prepared_images = self.prepared_images(items, watch)
        predictions = self._read(prepared_images)
        watch.lap("network")
        rows = [
            Row.of(item.path, prediction, self.job.top_k)
            if isinstance(prediction, Prediction)
            else Row.failed(item.path, prediction)
            for item, prediction in zip(items, predictions, strict=True)
        ]
        text = encode(rows, self.job.format)
        watch.lap("write")
        return text, Counter([row.status for row in rows])

    def _row(self, item: Item, watch: Watch) -> tuple[bytes, Counter[str]]:
        """The row of one item, which says so where something goes wrong that nobody has thought of."""
        try:
            return self._rows([item], watch)
        except Exception as error:
            return self._rows([replace(item, source=_failure_of_ours(item, error))], watch)

    def prepared_images(self, items: Sequence[Item], watch: Watch) -> list[Prepared | Failure]:
        """Decode and frame each item's picture, or say why that cannot be."""
        prepared_images: list[Prepared | Failure | None] = [None] * len(items)
        read = [_read(item) for item in items]
        watch.lap("read")
        tiny = _tiny(read)
        watch.lap("decode")
        if tiny:
            for index, prepared in zip(tiny, self.classifier.prepare_framed(np.stack([*tiny.values()])), strict=True):
                prepared_images[index] = prepared
        watch.lap("frame")
        return [
            prepared or self._prepare(item, tiny.get(index, data), watch)
            for index, (item, data, prepared) in enumerate(zip(items, read, prepared_images, strict=True))
        ]

    def _prepare(self, item: Item, data: "bytes | Pixels | Failure | None", watch: Watch) -> Prepared | Failure:
        if isinstance(data, Failure):
            return data
        try:
            image = _picture(item, data)
            watch.lap("decode")
            return self.classifier.prepare(image)
        except ImageError as error:
            return Failure(cast(Code, error.code), str(error))
        except Exception as error:
            return _failure_of_ours(item, error)
        finally:
            watch.lap("frame")

    def _read(self, prepared_images: Sequence[Prepared | Failure]) -> list[Prediction | Failure]:
        """Let the network read all at once, and put each answer in the place of its picture."""
        answers = iter(
            self.classifier.predict_prepared(
                [prepared for prepared in prepared_images if isinstance(prepared, Prepared)]
            )
        )
        return [next(answers) if isinstance(prepared, Prepared) else prepared for prepared in prepared_images]


def _read(item: Item) -> "bytes | Pixels | Failure | None":
    """What an item holds; of a file its bytes where they are few.

    None of other files: they are opened where they are decoded, one at a time, which also says what is wrong with them.
    """
    if item.source is not None:
        return item.source
    try:
        file = os.open(item.path, os.O_RDONLY | WITHOUT_WAITING)
    except (OSError, ValueError):
        return None
    try:
        found = os.fstat(file)
        return os.read(file, MAX_BYTES) if stat.S_ISREG(found.st_mode) and 0 < found.st_size < MAX_BYTES else None
    except OSError:
        return None
    finally:
        os.close(file)


def _tiny(read: "Sequence[bytes | Pixels | Failure | None]") -> dict[int, Pixels]:
    """Those that are gray and as small as a data set's images, by their places: (28, 28) uint8 each."""
    encoded = {index: data for index, data in enumerate(read) if isinstance(data, bytes)}
    decoded = dict(zip(encoded, decode_tiny([*encoded.values()]), strict=True))
    found = {index: decoded.get(index, data) for index, data in enumerate(read)}
    return {index: data for index, data in found.items() if isinstance(data, np.ndarray) and data.shape == (SIZE, SIZE)}


def _picture(item: Item, data: "bytes | Pixels | None") -> Image.Image:
    if data is None:
        return open_image(item.path)
    return open_image(data, item.path) if isinstance(data, bytes) else Image.fromarray(data)


def _failure_of_ours(item: Item, error: Exception) -> Failure:
    return Failure("internal", f"{item.path}: an error of ours ({type(error).__name__}: {error}); please report it.")


MakeReader = Callable[[Job, Classifier | None], Reader]
"""What makes a reader of a job, and of its classifier where that is open already."""
