"""Answers a chunk of inputs, in whatever process it runs: a classifier, and the way to its pictures."""

import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image

from app.batch.inputs.input import Chunk, Failure, Input, Source, fingerprint_of
from app.batch.output.formats import Format, encode
from app.batch.output.row import Row
from inkwear.auto import Auto, Question
from inkwear.classifier import Classifier
from inkwear.errors import ImageError
from inkwear.images.decode import open_image
from inkwear.images.fast_png import MAX_BYTES, decode_tiny
from inkwear.onnx.session import Device
from inkwear.prediction import Prediction, Prepared
from inkwear.preprocess.steps import SIZE, Pixels

OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Flags with which a pipe is not waited for, and Windows changes no line ends."""

STAGES = ("read", "decode", "frame", "network", "write")


@dataclass(frozen=True)
class Job:
    """Everything that a reader needs to know; it is sent to other processes and machines.

    Attributes:
        models: the files; of several the surest answers.
        device: where they run.
        top_k: classes to list.
        format: of the rows.
    """

    models: tuple[Path, ...]
    device: Device
    top_k: int
    format: Format


@dataclass(frozen=True)
class Answered:
    """The answers of a chunk.

    Attributes:
        text: the rows as they stand in the table.
        counts: how many rows have each status.
        fingerprint: of the chunk, from before its pictures were read.
        seconds: time spent in each of ``STAGES``.
    """

    text: bytes
    counts: Counter[str]
    fingerprint: bytes = b""
    seconds: Counter[str] = field(default_factory=Counter)

    @classmethod
    def joined(cls, answers: Sequence[Self]) -> Self:
        """Return the answers of several chunks as those of one, without a fingerprint."""
        counts: Counter[str] = sum((answer.counts for answer in answers), Counter())
        seconds: Counter[str] = sum((answer.seconds for answer in answers), Counter())
        return cls(b"".join(answer.text for answer in answers), counts, seconds=seconds)


class Stopwatch:
    """Measures stages: each ``lap`` adds the time since the last one to a stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(STAGES, 0.0)
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] += now - self._last
        self._last = now


class Reader:
    """Answers chunks, each by itself; an input that cannot be read costs no other its answer."""

    def __init__(self, job: Job, classifier: Classifier | Auto | None = None) -> None:
        self.job = job
        self.classifier = classifier or Auto.of([Classifier(path, job.device) for path in job.models])

    def answer(self, chunk: Chunk) -> Answered:
        """Return one row for each input, whatever happens."""
        watch = Stopwatch()
        fingerprint = fingerprint_of(chunk)
        watch.lap("read")
        try:
            answered = self._rows(chunk, watch)
        except Exception:  # one input is to blame; alone, the others have their answers
            answered = Answered.joined([self._row(item, watch) for item in chunk])
        return replace(answered, fingerprint=fingerprint, seconds=Counter(watch.seconds))

    def _rows(self, chunk: Chunk, watch: Stopwatch) -> Answered:
        predictions = self._predict(self.prepared_images(chunk, watch))
        watch.lap("network")
        rows = [
            Row.of(item.path, prediction, self.job.top_k)
            if isinstance(prediction, Prediction)
            else Row.failed(item.path, prediction)
            for item, prediction in zip(chunk, predictions, strict=True)
        ]
        text = encode(rows, self.job.format)
        watch.lap("write")
        return Answered(text, Counter([row.status for row in rows]))

    def _row(self, item: Input, watch: Stopwatch) -> Answered:
        """Answer one input, with an error row for a bug of ours."""
        try:
            return self._rows([item], watch)
        except Exception as error:
            return self._rows([replace(item, source=_bug(item, error))], watch)

    def prepared_images(self, chunk: Chunk, watch: Stopwatch) -> list[Prepared | Question | Failure]:
        """Decode and frame the picture of each input, or return why that failed."""
        sources = [_read(item) for item in chunk]
        watch.lap("read")
        tiny = _tiny(sources)
        watch.lap("decode")
        framed = self.classifier.prepare_framed(np.stack([*tiny.values()])) if tiny else []
        prepared = dict(zip(tiny, framed, strict=True))
        watch.lap("frame")
        return [
            prepared.get(index) or self._prepare(item, tiny.get(index, source), watch)
            for index, (item, source) in enumerate(zip(chunk, sources, strict=True))
        ]

    def _prepare(self, item: Input, source: Source | None, watch: Stopwatch) -> Prepared | Question | Failure:
        if isinstance(source, Failure):
            return source
        try:
            image = open_source(item.path, source)
            watch.lap("decode")
            return self.classifier.prepare(image)
        except ImageError as error:
            return Failure.of(error)
        except Exception as error:
            return _bug(item, error)
        finally:
            watch.lap("frame")

    def _predict(self, prepared_images: Sequence[Prepared | Question | Failure]) -> list[Prediction | Failure]:
        """Classify all pictures at once; a failure stays in its place."""
        pictures: list[Any] = [prepared for prepared in prepared_images if not isinstance(prepared, Failure)]
        predictions = iter(self.classifier.predict_prepared(pictures))
        return [prepared if isinstance(prepared, Failure) else next(predictions) for prepared in prepared_images]


def _read(item: Input) -> Source | None:
    """Return the source of an input, or for a small file its bytes.

    None stands for any other file: it is opened when it is decoded, one at a time, which also gives its error.
    """
    if item.source is not None:
        return item.source
    try:
        file = os.open(item.path, OPEN_FLAGS)
    except (OSError, ValueError):
        return None
    try:
        state = os.fstat(file)
        return os.read(file, MAX_BYTES) if stat.S_ISREG(state.st_mode) and 0 < state.st_size < MAX_BYTES else None
    except OSError:
        return None
    finally:
        os.close(file)


def _tiny(sources: Iterable[Source | None]) -> dict[int, Pixels]:
    """Return the pictures that are gray and as small as a data set's, by index: (28, 28) uint8 each."""
    by_index = dict(enumerate(sources))
    encoded = {index: source for index, source in by_index.items() if isinstance(source, bytes)}
    by_index |= dict(zip(encoded, decode_tiny([*encoded.values()]), strict=True))
    return {
        index: source
        for index, source in by_index.items()
        if isinstance(source, np.ndarray) and source.shape == (SIZE, SIZE)
    }


def open_source(path: str, source: bytes | Pixels | None) -> Image.Image:
    """Decode a picture in memory, or the file at ``path``.

    Raises:
        ImageError: it cannot be read.
    """
    if source is None:
        return open_image(path)
    return open_image(source, path) if isinstance(source, bytes) else Image.fromarray(source)


def _bug(item: Input, error: Exception) -> Failure:
    return Failure("internal", f"{item.path}: an error of ours ({type(error).__name__}: {error}); please report it.")


MakeReader = Callable[[Job, Classifier | Auto | None], Reader]
"""Makes the reader of a job, with its classifier where that is open already."""
