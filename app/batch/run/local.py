"""The engine of one machine: readers on all its cores, their answers in order."""

import os
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from app.batch.inputs.input import Chunk
from app.batch.run.reader import Answered, Job, MakeReader, Reader
from inkwear.auto import Auto
from inkwear.classifier import Classifier


def answer_all(
    chunks: Iterable[Chunk],
    job: Job,
    classifier: Classifier | Auto | None = None,
    workers: int = 0,
    make: MakeReader = Reader,
) -> Iterator[Answered]:
    """Yield the answers of all chunks in their order, with a bounded number of chunks in memory.

    A single input is answered in this process, as starting others takes longer; more are answered by worker processes.

    Args:
        chunks: the inputs; each chunk is taken when there is room for it.
        job: how to read them.
        classifier: the job's, where it is open already.
        workers: how many processes; 0 means one on each core that this process may use.
        make: makes the readers.

    Raises:
        DeviceError: the device is not available.
        ModelFileError: the model's file breaks its contract.
    """
    reader = make(job, classifier)
    chunks = iter(chunks)
    first = list(islice(chunks, 2))
    if sum(map(len, first)) < 2:
        yield from map(reader.answer, first)
        return
    from app.batch.run.pool import Pool  # saves 10 ms for a single picture: multiprocessing

    shares_network = reader.classifier.runtime.device == "cuda"
    with Pool(reader, workers or cores(), make, shares_network) as pool:
        yield from pool.answers(chain(first, chunks))


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
