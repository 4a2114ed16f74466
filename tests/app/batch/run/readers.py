"""What the tests of the engines share: a job, chunks, and a reader that certain pictures kill."""

import os
import signal
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.batch.inputs.input import Chunk, Failure, Input
from app.batch.run.reader import Answered, Job, Reader, Stopwatch
from inkwear.prediction import Prepared
from tests.conftest import EXPORTS

JOB = Job((EXPORTS / "mnist-lenet.onnx",), "cpu", 3, "csv")


class Fragile(Reader):
    """A reader that certain pictures kill, each time or once."""

    def prepared_images(self, chunk: Chunk, watch: Stopwatch) -> list[Prepared | Failure]:
        for item in chunk:
            if "killer" in item.path and item.source is None:
                os._exit(9)
            if "slow" in item.path:
                time.sleep(0.5)
            if (doom := Path(f"{item.path}.doom")).exists():
                doom.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
        return super().prepared_images(chunk, watch)


def chunks_of(paths: Sequence[str], size: int = 8) -> list[list[Input]]:
    return [[Input(path) for path in paths[start : start + size]] for start in range(0, len(paths), size)]


def text_of(answers: Iterable[Answered]) -> bytes:
    return b"".join(answer.text for answer in answers)


def labels_of(text: bytes) -> list[str]:
    return [line.split(b",")[2].decode() for line in text.splitlines()]
