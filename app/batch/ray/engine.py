"""The engine of many machines: the same readers as on one, as tasks of Ray Data, their answers in order.

Ray Data keeps the cores of a cluster busy and gives what a lost process or machine had in hand to another. What it does
not have is a source that is read while it goes on: its datasets are made of what is known at the beginning, so a
million inputs would have to be listed first. So the inputs go through a window: a few loads of chunks for each core of
the cluster, as many as keep it busy for some seconds, make one dataset, and the next window runs beside it while it is
waited for. The driver holds a window until its answers are there, so nothing that is lost elsewhere is lost.

A dataset's tasks, rather than a pool of actors, answer the loads: Ray keeps a process that has been idle for a moment,
and the process keeps its reader, so the model is opened once a process and not once a window. Loads are sized by the
clock (a task of Ray Data costs its scheduler some 10 ms), the chunks in them are not: a chunk is answered by itself, by
``Reader.answer`` as everywhere, and has the same bytes.

A task whose process dies is begun again by Ray for ever. A picture that kills whoever reads it must not be, so every
beginning is counted; after the third the load comes back unanswered and is taken apart: chunk by chunk, then picture by
picture, and the picture that still kills becomes an error row.

What travels: items (those in archives and tables with their bytes), the model's bytes, our code. What does not: files,
which every machine must see under the same path. Where it does not see one that this machine sees, the run ends with a
sentence, rather than with a row that says the picture was missing.
"""

import hashlib
import importlib.util
import itertools
import os
import pickle
import secrets
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.batch.inputs.item import Failure, Item, stamp_of
from app.batch.ray.session import check_address, connected, essence
from app.batch.ray.worker import Chunk, ClusterError, Errand, Ledger, Load, Outcome, answer_load, versions
from app.batch.run.reader import Answered, Job, Reader
from inkwear.numbers.line_reader import FILE as LINE_READER
from inkwear.onnx.session import Device, ModelFileError

INSTALL = "pip install -r app/requirements-ray.txt"

LOAD_SECONDS = 1.0
"""What a load should take: a hundred times what scheduling it costs, and soon enough repeated where it is lost."""

FIRST_LOAD, LARGEST_LOAD = 4, 256
"""Chunks in a load, before and after it is known how long one takes."""

LOADS_PER_CORE = 2
"""In a window."""

MOST_ITEMS, MOST_BYTES = 100_000, 256_000_000
"""In a window; there are at most two at a time."""

TRIES = 3
"""How many processes may die over a load, a chunk or a picture."""


def answer_all(chunks: Iterable[Chunk], job: Job, address: str | None = None) -> Iterator[Answered]:
    """Yield the answers of all chunks in their order; the rows are those of ``app.batch.run.local``, byte for byte.

    Args:
        chunks: taken one window ahead of the answers.
        job: ``auto`` means the CPU here, on every machine alike.
        address: of a running cluster that this machine belongs to, ``host:port`` or ``auto``; None starts one on this
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
    """Raise where it is sure already that nothing can be answered, before a table is opened.

    Raises:
        ClusterError: Ray is not installed, a GPU is asked for, or nobody answers at the address.
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
        stopped: set it to let windows in flight end early, with whatever error.
    """

    def __init__(self, job: Job) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        files = _files(job.model)
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1, "scheduling_strategy": here}
        self.stopped = False
        self._job = replace(job, device="cpu")
        self._errand = Errand(
            run=secrets.token_hex(8),
            job=self._job,
            files=ray.put(files),
            digest=hashlib.sha256(files[job.model.name]).hexdigest(),
            folder=str(Path.cwd()),
            versions=versions(),
            tries=TRIES,
            ledger=ray.remote(Ledger).options(**options).remote(),
        )
        self._numbers = itertools.count()
        self._load_size = FIRST_LOAD

    def windows(self, chunks: Iterable[Chunk]) -> Iterator[list[Load]]:
        """Part the chunks into windows of loads, sized for the cluster as it is at that moment."""
        rest = iter(chunks)
        while window := self._window(rest):
            yield window

    def _window(self, chunks: Iterator[Chunk]) -> list[Load]:
        import ray

        most_loads = LOADS_PER_CORE * max(1, int(ray.cluster_resources().get("CPU", 1)))
        loads: list[Load] = []
        items = weight = 0
        while len(loads) < most_loads and items < MOST_ITEMS and weight < MOST_BYTES:
            load: list[Chunk] = []
            before = weight
            while len(load) < self._load_size and weight - before < MOST_BYTES / most_loads:
                chunk = next(chunks, None)
                if chunk is None:
                    break
                load.append(chunk)
                items += len(chunk)
                weight += sum(map(_weight, chunk))
            if not load:
                break
            loads.append(load)
        return loads

    def answer(self, loads: Sequence[Load]) -> list[Answered]:
        """Return the answers of all chunks of all loads, in order.

        Raises:
            ClusterError: the cluster failed, or one of its machines is not fit for the job.
        """
        found: list[Answered] = []
        for load, answers in zip(loads, self._run(loads), strict=True):
            found += self._one_by_one(load) if answers is None else answers
        return found

    def _one_by_one(self, load: Load) -> list[Answered]:
        """Answer the chunks of a load over which processes died, each in a load of its own."""
        found = self._run([[chunk] for chunk in load]) if len(load) > 1 else [None]
        return [
            self._item_by_item(chunk) if answers is None else answers[0]
            for chunk, answers in zip(load, found, strict=True)
        ]

    def _item_by_item(self, chunk: Chunk) -> Answered:
        """Answer a chunk over which processes died: what kills even alone becomes an error row, the rest stays a chunk.

        Where they die together only, each is answered alone.
        """
        alone = self._run([[[item]] for item in chunk]) if len(chunk) > 1 else [None]
        spared = [
            replace(item, source=_killer(item)) if answers is None else item
            for item, answers in zip(chunk, alone, strict=True)
        ]
        together = self._run([[spared]])[0]
        if together is not None:
            return replace(together[0], stamp=stamp_of(chunk))
        reader = Reader(self._job)
        rows = [
            reader.answer([item]) if answers is None else answers[0]
            for item, answers in zip(spared, alone, strict=True)
        ]
        return Answered(
            text=b"".join(row.text for row in rows),
            counts=sum((row.counts for row in rows), Counter()),
            stamp=stamp_of(chunk),
            seconds=sum((row.seconds for row in rows), Counter()),
        )

    def _run(self, loads: Sequence[Load]) -> list[list[Answered] | None]:
        """Let the cluster answer loads: a dataset of one row, and so one task, for each."""
        import ray

        numbers = list(itertools.islice(self._numbers, len(loads)))
        rows = [{"load": number, "chunks": pickle.dumps(load)} for number, load in zip(numbers, loads, strict=True)]
        dataset = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
            answer_load, batch_size=None, batch_format="pyarrow", fn_kwargs={"errand": self._errand}
        )
        outcomes: dict[int, Outcome] = {}
        try:
            for row in dataset.iter_rows():
                if self.stopped:
                    raise ClusterError("The run was stopped.")
                outcomes[row["load"]] = pickle.loads(row["outcome"])
                self._check(outcomes[row["load"]])
        except ray.exceptions.RayError as error:
            raise ClusterError(f"The Ray cluster failed: {essence(error)}. The rows so far are intact.") from error
        self._errand.ledger.forget.remote(numbers)
        self._adapt(sum(map(len, loads)), sum(outcome.seconds for outcome in outcomes.values()))
        return [outcomes[number].answers for number in numbers]

    def _check(self, outcome: Outcome) -> None:
        """Refuse what a machine says that is not fit for the job."""
        if outcome.refusal:
            raise ClusterError(f"The machine {outcome.machine} of the cluster cannot answer: {outcome.refusal}")
        hidden = next((path for path in outcome.unreadable if os.access(path, os.R_OK)), None)
        if hidden is not None:
            raise ClusterError(
                f"{hidden}: this machine can read it, the machine {outcome.machine} of the cluster cannot. Every "
                "machine must see the pictures under the same path: mount the folder there, or give them in an archive."
            )

    def _adapt(self, chunks: int, seconds: float) -> None:
        if seconds:
            self._load_size = min(max(1, round(LOAD_SECONDS * chunks / seconds)), LARGEST_LOAD)


def _killer(item: Item) -> Failure:
    return Failure("internal", f"{item.path}: it ended the process that read it (a crash, or no memory left).")


def _weight(item: Item) -> int:
    """Bytes that travel with an item."""
    if isinstance(item.source, bytes):
        return len(item.source)
    return item.source.nbytes if isinstance(item.source, np.ndarray) else 0


def _files(model: Path) -> dict[str, bytes]:
    """Name -> bytes of all that a reader opens."""
    beside = model.with_name(LINE_READER)
    try:
        return {path.name: path.read_bytes() for path in (model, beside) if path == model or path.exists()}
    except OSError as error:
        raise ModelFileError(f"{error.filename}: cannot be read ({error.strerror}).") from error
