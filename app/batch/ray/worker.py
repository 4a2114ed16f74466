"""What a process of a cluster is told, what it does, and what it says: the far side of ``app.batch.ray.engine``."""

import hashlib
import os
import pickle
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.batch.inputs.item import Item
from app.batch.run.reader import Answered, Job, Reader
from inkwear.onnx.session import ModelFileError

if TYPE_CHECKING:
    import pyarrow as pa

Chunk = Sequence[Item]
Load = Sequence[Chunk]
"""Chunks that one task answers, one after another."""


class ClusterError(ValueError):
    """The cluster cannot answer; the message says what is missing where, and what mends it."""


@dataclass(frozen=True)
class Errand:
    """What every process of the cluster is told with each load.

    Attributes:
        run: which run this is of; a process keeps its reader as long as the run goes on.
        job: the job, its device settled.
        files: an ``ObjectRef`` of name -> bytes: the model, and the reader of lines where one lies beside it.
        digest: SHA-256 of the model.
        folder: the working directory of the command, for paths that are relative to it.
        versions: of the packages that have a say in a row's bytes.
        tries: how often a load may be begun.
        ledger: an actor's handle, of ``Ledger``.
    """

    run: str
    job: Job
    files: Any
    digest: str
    folder: str
    versions: Mapping[str, str]
    tries: int
    ledger: Any


@dataclass(frozen=True)
class Outcome:
    """What became of a load.

    Attributes:
        answers: one for each chunk; None where the load was begun too often.
        seconds: it took.
        unreadable: files that the machine does not see, or may not read.
        refusal: why the machine can answer nothing at all; empty where it can.
        machine: its name.
    """

    answers: list[Answered] | None
    seconds: float = 0.0
    unreadable: tuple[str, ...] = ()
    refusal: str = ""
    machine: str = ""


class Ledger:
    """How often each load was begun; an actor on the driver's machine, so that it outlives the others."""

    def __init__(self) -> None:
        self._begun: Counter[int] = Counter()

    def begin(self, load: int) -> int:
        """Return how often it has been begun, with this time."""
        self._begun[load] += 1
        return self._begun[load]

    def forget(self, loads: Sequence[int]) -> None:
        for load in loads:
            del self._begun[load]


def answer_load(table: "pa.Table", errand: Errand) -> "pa.Table":
    """Answer loads, wherever the cluster runs this: columns load, chunks -> load, outcome; chunks and outcome pickled.

    Whatever there is to say comes back as an ``Outcome``: what is raised here, Ray would wrap in its own words.
    """
    import pyarrow as pa

    numbers = table["load"].to_pylist()
    outcomes = [
        pickle.dumps(_outcome(number, chunks, errand))
        for number, chunks in zip(numbers, table["chunks"].to_pylist(), strict=True)
    ]
    return pa.table({"load": pa.array(numbers, pa.int64()), "outcome": pa.array(outcomes, pa.large_binary())})


def _outcome(number: int, chunks: bytes, errand: Errand) -> Outcome:
    import ray

    started, machine = time.perf_counter(), socket.gethostname()
    if ray.get(errand.ledger.begin.remote(number)) > errand.tries:
        return Outcome(None)
    try:
        reader = _reader(errand)
        load: Load = pickle.loads(chunks)
        _enter(errand.folder, load)
    except (ClusterError, ModelFileError) as error:
        return Outcome([], refusal=str(error), machine=machine)
    answers = [reader.answer(chunk) for chunk in load]
    unreadable = [
        item.path
        for chunk, answered in zip(load, answers, strict=True)
        if answered.counts["error"]
        for item in chunk
        if item.source is None and not os.access(item.path, os.R_OK)
    ]
    return Outcome(answers, time.perf_counter() - started, tuple(unreadable), machine=machine)


_readers: dict[str, Reader] = {}
"""The reader of the run that this process works for."""


def _reader(errand: Errand) -> Reader:
    if errand.run not in _readers:
        _readers.clear()
        _compare(errand.versions)
        _readers[errand.run] = _open_reader(errand)
    return _readers[errand.run]


def _open_reader(errand: Errand) -> Reader:
    """Open the model from the bytes that came with the job, and let it read the picture that it carries."""
    import cv2
    import ray

    from inkwear.onnx.checksums import write_sums

    cv2.setNumThreads(1)  # there is a process for each core
    with tempfile.TemporaryDirectory(prefix="inkwear-") as folder:
        files = ray.get(errand.files)
        for name, data in files.items():
            Path(folder, name).write_bytes(data)
        # The machine that sent them has examined them.
        write_sums({name: (hashlib.sha256(data).hexdigest(),) for name, data in files.items()}, Path(folder))
        reader = Reader(replace(errand.job, model=Path(folder, errand.job.model.name)))
        _ = reader.classifier.line_reader  # is opened now, as the folder will be gone
    if reader.classifier.digest != errand.digest:
        raise ClusterError(f"{errand.job.model.name} arrived damaged. Run it again.")
    reader.classifier.self_test()
    return reader


def versions() -> dict[str, str]:
    """What has a say in a row's bytes."""
    import cv2
    import onnxruntime
    import PIL

    packages = {"numpy": np, "opencv": cv2, "onnxruntime": onnxruntime, "pillow": PIL}
    return {name: package.__version__ for name, package in packages.items()}


def _compare(expected: Mapping[str, str]) -> None:
    here = versions()
    for name, version in expected.items():
        if here[name] != version:
            raise ClusterError(
                f"it has {name} {here[name]}, this machine has {version}, so that rows could differ. "
                "Run there: pip install -r app/requirements.txt"
            )


def _enter(folder: str, load: Load) -> None:
    """Go where the command was started, if paths in the load are relative to it."""
    if all(item.source is not None or os.path.isabs(item.path) for chunk in load for item in chunk):
        return
    try:
        os.chdir(folder)
    except OSError as error:
        raise ClusterError(
            f"it has no folder {folder} ({error.strerror}), which the pictures' paths are relative to. Mount it there "
            "under the same path."
        ) from error
