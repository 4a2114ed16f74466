"""The work of one process of a cluster: what it receives, does, and returns; ``app.batch.ray.engine`` is its driver."""

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

from app.batch.inputs.input import Chunk
from app.batch.run.reader import Answered, Job, Reader
from inkwear.errors import ModelFileError
from inkwear.onnx.checksums import write_sums

if TYPE_CHECKING:
    import pyarrow as pa

Load = Sequence[Chunk]
"""Chunks that one task answers, one after another."""


class ClusterError(ValueError):
    """A cluster that cannot answer; the message says what is missing where, and what to do."""


@dataclass(frozen=True)
class TaskSpec:
    """Everything that a process needs to know; it is sent with each load.

    Attributes:
        run: which run this is; a process keeps its reader while the run lasts.
        job: the job, with its device decided.
        files: an ``ObjectRef`` of name -> bytes: the model, and the line reader where there is one beside it.
        digest: SHA-256 of the model.
        folder: the working directory of the command, for relative paths.
        versions: versions of the packages that influence a row's bytes.
        tries: how often a load may be begun.
        attempts: the handle of an ``AttemptCounter`` actor.
    """

    run: str
    job: Job
    files: Any
    digest: str
    folder: str
    versions: Mapping[str, str]
    tries: int
    attempts: Any


@dataclass(frozen=True)
class Outcome:
    """The result of a load.

    Attributes:
        answers: one for each chunk; None where the load was begun too often.
        seconds: how long it took.
        unreadable: files that the machine cannot see or read.
        refusal: why the machine cannot answer at all; empty where it can.
        machine: its name.
    """

    answers: list[Answered] | None
    seconds: float = 0.0
    unreadable: tuple[str, ...] = ()
    refusal: str = ""
    machine: str = ""


class AttemptCounter:
    """Counts how often each load was begun, as an actor on the driver's machine, which outlives the others."""

    def __init__(self) -> None:
        self._begun: Counter[int] = Counter()

    def begin(self, load: int) -> int:
        """Count one more beginning; return how many there were."""
        self._begun[load] += 1
        return self._begun[load]

    def forget(self, loads: Sequence[int]) -> None:
        for load in loads:
            del self._begun[load]


def answer_loads(table: "pa.Table", spec: TaskSpec) -> "pa.Table":
    """Answer loads in a process of the cluster: columns load, chunks -> load, outcome; chunks and outcome are pickled.

    Every error is returned in an ``Outcome``, as Ray would wrap an exception in its own words.
    """
    import pyarrow as pa

    numbers = table["load"].to_pylist()
    outcomes = [
        pickle.dumps(_outcome(number, chunks, spec))
        for number, chunks in zip(numbers, table["chunks"].to_pylist(), strict=True)
    ]
    return pa.table({"load": pa.array(numbers, pa.int64()), "outcome": pa.array(outcomes, pa.large_binary())})


def _outcome(number: int, chunks: bytes, spec: TaskSpec) -> Outcome:
    import ray

    started, machine = time.perf_counter(), socket.gethostname()
    if ray.get(spec.attempts.begin.remote(number)) > spec.tries:
        return Outcome(None)
    try:
        reader = _reader(spec)
        load: Load = pickle.loads(chunks)
        _enter(spec.folder, load)
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
"""The reader of this process, by its run."""


def _reader(spec: TaskSpec) -> Reader:
    if spec.run not in _readers:
        _readers.clear()
        _check_versions(spec.versions)
        _readers[spec.run] = _open_reader(spec)
    return _readers[spec.run]


def _open_reader(spec: TaskSpec) -> Reader:
    """Open the model from the bytes that were sent with the job, and run its self-test."""
    import cv2
    import ray

    cv2.setNumThreads(1)  # as there is a process for each core
    with tempfile.TemporaryDirectory(prefix="inkwear-") as folder:
        files = ray.get(spec.files)
        for name, data in files.items():
            Path(folder, name).write_bytes(data)
        # The machine that sent them has checked them in its sandbox.
        write_sums({name: (hashlib.sha256(data).hexdigest(),) for name, data in files.items()}, Path(folder))
        reader = Reader(replace(spec.job, models=(Path(folder, spec.job.models[0].name),)))
        [classifier] = reader.classifier.classifiers
        _ = classifier.line_reader  # opened now, as the folder is about to vanish
    if classifier.digest != spec.digest:
        raise ClusterError(f"{classifier.path.name} arrived damaged. Run it again.")
    classifier.self_test()
    return reader


def versions() -> dict[str, str]:
    """Return the versions of the packages that influence a row's bytes."""
    import cv2
    import onnxruntime
    import PIL

    packages = {"numpy": np, "opencv": cv2, "onnxruntime": onnxruntime, "pillow": PIL}
    return {name: package.__version__ for name, package in packages.items()}


def _check_versions(expected: Mapping[str, str]) -> None:
    here = versions()
    for name, version in expected.items():
        if here[name] != version:
            raise ClusterError(
                f"it has {name} {here[name]}, this machine has {version}, so that rows could differ. "
                "Run there: pip install -r app/requirements.txt"
            )


def _enter(folder: str, load: Load) -> None:
    """Change to the folder where the command was started, if paths in the load are relative to it."""
    if all(item.source is not None or os.path.isabs(item.path) for chunk in load for item in chunk):
        return
    try:
        os.chdir(folder)
    except OSError as error:
        raise ClusterError(
            f"it has no folder {folder} ({error.strerror}), which the pictures' paths are relative to. Mount it there "
            "under the same path."
        ) from error
