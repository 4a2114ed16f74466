"""The engine of one machine: readers on all its cores, their answers in order."""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from app.batch.inputs.item import Item
from app.batch.run.reader import Answered, Job, MakeReader, Reader
from inkwear.classifier import Classifier


def answer_all(
    chunks: Iterable[Sequence[Item]],
    job: Job,
    classifier: Classifier | None = None,
    workers: int = 0,
    make: MakeReader = Reader,
) -> Iterator[Answered]:
    """Yield the answers of all chunks in their order, with a bounded number of chunks in memory.

    A single input is answered here, so that it takes no longer than it must; more by worker processes.

    Args:
        chunks: what there is to read; each is taken when there is room for it.
        job: how.
        classifier: of this job, where it is open already.
        workers: how many processes; 0 for one on each core that this process may use.
        make: what makes the readers.

    Raises:
        DeviceError: the device is not to be had.
        ModelFileError: the model's file breaks its contract.
    """
    reader = make(job, classifier)
    chunks = iter(chunks)
    first = list(islice(chunks, 2))
    if sum(map(len, first)) < 2:
        yield from map(reader.answer, first)
        return
    from app.batch.run.pool import Pool  # what belongs to processes takes time to load

    lends = reader.classifier.runtime.device == "cuda"
    with Pool(reader, workers or cores(), make, lends) as pool:
        yield from pool.answers(chain(first, chunks))


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
