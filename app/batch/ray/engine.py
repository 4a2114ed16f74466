"""The engine of many machines: the readers of the local engine as tasks of Ray Data, their answers in order.

A dataset of Ray Data is known from its beginning, so a million inputs would have to be listed first. So the inputs pass
through a window: a few loads of chunks for each core make one dataset, and the next window runs beside it. The driver
holds a window until its answers are there, so a machine's death loses nothing. Tasks answer the loads: Ray keeps an
idle process for a moment, and the process keeps its reader, so the model is opened once a process.

Ray restarts a task whose process dies forever, which a picture that kills every reader must not cause. So every
beginning is counted; after the third the load is returned unanswered and taken apart, down to the picture that kills,
which becomes an error row.

Files are not sent: every machine must see them under the same path. Where one does not see a file that this machine
sees, the run ends with an error, rather than with a row that says the picture was missing.
"""

import hashlib
import importlib.util
import itertools
import os
import pickle
import secrets
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from app.batch.inputs.input import Chunk
from app.batch.ray.session import check_address, connected, last_line
from app.batch.ray.worker import AttemptCounter, ClusterError, Load, Outcome, TaskSpec, answer_loads, versions
from app.batch.run.reader import Answered, Job
from app.batch.run.rescue import rescued
from inkwear.errors import ModelFileError
from inkwear.numbers.line_reader import FILE as LINE_READER
from inkwear.onnx.session import Device

INSTALL = "pip install -r app/requirements-ray.txt"

LOAD_SECONDS = 1.0
"""Seconds that a load should take: a hundred times what scheduling it costs, and soon repeated where it is lost."""

FIRST_LOAD, MAX_LOAD = 4, 256
"""Chunks in a load, before and after it is known how long one takes."""

LOADS_PER_CORE = 2
"""Loads in a window for each core of the cluster."""

MAX_INPUTS, MAX_BYTES = 100_000, 256_000_000
"""Inputs in a window, and the bytes that they hold; there are at most two windows at a time."""

TRIES = 3
"""How many processes may die on a load, a chunk or a picture."""


def answer_all(chunks: Iterable[Chunk], job: Job, address: str | None = None) -> Iterator[Answered]:
    """Yield the answers of all chunks in their order, the same bytes as those of ``app.batch.run.local``.

    Args:
        chunks: the inputs, taken one window ahead of the answers.
        job: how to read them; ``auto`` means the CPU here, on every machine alike.
        address: ``host:port`` or ``auto`` for a running cluster that this machine belongs to; None starts one on this
            machine's cores, which ends with the generator.

    Raises:
        ClusterError: Ray is not installed, the cluster is not there, or one of its machines lacks files or packages
            that this one has.
    """
    require(job.device, address)
    with connected(address), ThreadPoolExecutor(2) as pool:
        cluster = Cluster(job)
        waiting: deque[Future[list[Answered]]] = deque()
        try:
            for window in cluster.windows(chunks):
                waiting.append(pool.submit(cluster.answer, window))
                if len(waiting) == 2:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            cluster.stopped = True


def require(device: Device, address: str | None = None) -> None:
    """Raise before a table is opened where it is certain that nothing can be answered.

    Raises:
        ClusterError: Ray is not installed, a GPU is asked for, or nothing answers at the address.
    """
    if importlib.util.find_spec("ray") is None or importlib.util.find_spec("pyarrow") is None:
        raise ClusterError(f"--engine ray needs Ray, which is not installed here. Run: {INSTALL}")
    if device == "cuda":
        raise ClusterError("--engine ray reads on CPUs: leave out --device cuda, or take --engine local.")
    if address is not None:
        check_address(address)


class Cluster:
    """A running cluster and one job for it.

    Attributes:
        stopped: set it to let windows in flight end early, with any error.
    """

    def __init__(self, job: Job) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        [model] = job.models
        files = _files(model)
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1, "scheduling_strategy": here}
        self.stopped = False
        self._spec = TaskSpec(
            run=secrets.token_hex(8),
            job=replace(job, device="cpu"),
            files=ray.put(files),
            digest=hashlib.sha256(files[model.name]).hexdigest(),
            folder=str(Path.cwd()),
            versions=versions(),
            tries=TRIES,
            attempts=ray.remote(AttemptCounter).options(**options).remote(),
        )
        self._numbers = itertools.count()
        self._load_size = FIRST_LOAD

    def windows(self, chunks: Iterable[Chunk]) -> Iterator[list[Load]]:
        """Divide the chunks into windows of loads, each sized for the cluster as it is at that moment."""
        rest = iter(chunks)
        while window := self._window(rest):
            yield window

    def _window(self, chunks: Iterator[Chunk]) -> list[Load]:
        import ray

        max_loads = LOADS_PER_CORE * max(1, int(ray.cluster_resources().get("CPU", 1)))
        loads: list[Load] = []
        inputs = size = 0
        while len(loads) < max_loads and inputs < MAX_INPUTS and size < MAX_BYTES:
            load: list[Chunk] = []
            before = size
            while len(load) < self._load_size and size - before < MAX_BYTES / max_loads:
                chunk = next(chunks, None)
                if chunk is None:
                    break
                load.append(chunk)
                inputs += len(chunk)
                size += sum(item.held_bytes for item in chunk)
            if not load:
                break
            loads.append(load)
        return loads

    def answer(self, loads: Sequence[Load]) -> list[Answered]:
        """Return the answers of all chunks of all loads, in order.

        Raises:
            ClusterError: the cluster failed, or one of its machines is not fit for the job.
        """
        answers: list[Answered] = []
        for load, answered in zip(loads, self._run(loads), strict=True):
            answers += answered or self._rescued(load)
        return answers

    def _rescued(self, load: Load) -> list[Answered]:
        """Answer the chunks of a load on which processes died, each in a load of its own."""
        answers = self._answer_each(load) if len(load) > 1 else [None]
        form = self._spec.job.format
        return [
            answered or rescued(chunk, self._answer_each, form) for chunk, answered in zip(load, answers, strict=True)
        ]

    def _answer_each(self, chunks: Sequence[Chunk]) -> list[Answered | None]:
        return [answers[0] if answers else None for answers in self._run([[chunk] for chunk in chunks])]

    def _run(self, loads: Sequence[Load]) -> list[list[Answered] | None]:
        """Let the cluster answer loads: a dataset with one row, and so one task, for each."""
        import ray

        numbers = list(itertools.islice(self._numbers, len(loads)))
        rows = [{"load": number, "chunks": pickle.dumps(load)} for number, load in zip(numbers, loads, strict=True)]
        dataset = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
            answer_loads, batch_size=None, batch_format="pyarrow", fn_kwargs={"spec": self._spec}
        )
        outcomes: dict[int, Outcome] = {}
        try:
            for row in dataset.iter_rows():
                if self.stopped:
                    raise ClusterError("The run was stopped.")
                outcomes[row["load"]] = pickle.loads(row["outcome"])
                _check(outcomes[row["load"]])
        except ray.exceptions.RayError as error:
            raise ClusterError(f"The Ray cluster failed: {last_line(error)}. The rows so far are intact.") from error
        self._spec.attempts.forget.remote(numbers)
        if seconds := sum(outcome.seconds for outcome in outcomes.values()):
            self._load_size = min(max(1, round(LOAD_SECONDS * sum(map(len, loads)) / seconds)), MAX_LOAD)
        return [outcomes[number].answers for number in numbers]


def _check(outcome: Outcome) -> None:
    """Raise where a machine is not fit for the job."""
    if outcome.refusal:
        raise ClusterError(f"The machine {outcome.machine} of the cluster cannot answer: {outcome.refusal}")
    hidden = next((path for path in outcome.unreadable if os.access(path, os.R_OK)), None)
    if hidden is not None:
        raise ClusterError(
            f"{hidden}: this machine can read it, the machine {outcome.machine} of the cluster cannot. Every "
            "machine must see the pictures under the same path: mount the folder there, or give them in an archive."
        )


def _files(model: Path) -> dict[str, bytes]:
    """Return name -> bytes of all files that a reader opens."""
    beside = model.with_name(LINE_READER)
    try:
        return {path.name: path.read_bytes() for path in (model, beside) if path == model or path.exists()}
    except OSError as error:
        raise ModelFileError(f"{error.filename}: cannot be read ({error.strerror}).") from error
