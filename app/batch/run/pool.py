"""Worker processes that answer chunks, and the parent that keeps all of them busy.

A chunk is answered whole in one worker process, down to the bytes of its rows; the parent only names what there is to
read, and puts the answers in order. Every worker has the next chunk at hand while it answers one. On Linux workers are
forks of a parent that has opened the network already: they are there in milliseconds, and share its memory. Where the
network runs on CUDA, the parent alone holds it: the workers decode and frame, hand over the pixels of a chunk, and get
its logits back, so that all cores and the GPU are busy at once.

What kills a worker (a decoder's crash, the system's hunger for memory) costs no other input its answer.
"""

import gc
import multiprocessing
import os
import pickle
import queue
import signal
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from app.batch.inputs.item import Failure, Item, stamp_of
from app.batch.run.reader import Answered, Job, MakeReader, Reader
from inkwear.classifier import Classifier
from inkwear.preprocess.steps import Floats, Pixels

AT_HAND = 2
"""Chunks that a worker has: the one that it answers, and the next; a slow one does not have the next before its time,
so that a run that is to stop is not waited for."""

SLOW = 0.2
"""Seconds of a chunk from which on a worker is slow: it waits for the next for less than a thousandth of that."""

WINDOW = 16
"""Chunks for each worker that may be begun before the oldest one is answered: their rows wait for it in memory."""


# ------------------------------------------------------------------------------------------------------------- parent


@dataclass
class _Worker:
    """A process, the way to it, and the chunks that it has, by number."""

    process: BaseProcess
    connection: Connection
    chunks: deque[tuple[int, Sequence[Item]]] = field(default_factory=deque)
    is_slow: bool = True  # as long as nobody knows

    @property
    def has_room(self) -> bool:
        return len(self.chunks) < (1 if self.is_slow else AT_HAND)

    def give(self, number: int, items: Sequence[Item]) -> None:
        self.chunks.append((number, items))
        self.send(items)

    def send(self, message: "Sequence[Item] | Floats") -> None:
        with suppress(OSError):  # it is dead, as will be seen where its answer is waited for
            self.connection.send_bytes(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))


class Pool:
    """Workers, started when there is something for them to do.

    Args:
        reader: of this process; forks take it over.
        workers: how many processes, at most.
        make: what makes the readers of workers that are no forks.
        lends: whether the network runs here, on a GPU, for twice as many workers.
    """

    def __init__(self, reader: Reader, workers: int, make: MakeReader, lends: bool) -> None:
        self.reader = reader
        self.make = make
        self.lends = lends
        self.most = 2 * workers if lends else workers  # half of them wait for the GPU
        self.workers: list[_Worker] = []
        self.forks = sys.platform == "linux" and not lends  # a fork of a process that uses CUDA cannot

    def __enter__(self) -> "Pool":
        _one_thread()
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.connection.close()  # it ends where it has nothing to do
        for worker in self.workers:
            worker.process.kill()  # or here
            worker.process.join()

    def answers(self, chunks: Iterator[Sequence[Item]]) -> Iterator[Answered]:
        """Yield the answers of all chunks in their order."""
        done: dict[int, Answered] = {}
        oldest = begun = 0
        is_over = False
        while True:
            while not is_over and begun - oldest < WINDOW * self.most and (worker := self._with_room()):
                items = next(chunks, None)
                if items is None:
                    is_over = True
                else:
                    worker.give(begun, items)
                    begun += 1
            if not any(worker.chunks for worker in self.workers):
                break
            done |= self._next_answers()
            while oldest in done:
                yield done.pop(oldest)
                oldest += 1

    def _with_room(self) -> _Worker | None:
        """The worker that has least to do, or a new one; None where all have enough."""
        if len(self.workers) < self.most and all(worker.chunks for worker in self.workers):
            self.workers.append(self._start())
        worker = min(self.workers, key=lambda worker: len(worker.chunks))
        return worker if worker.has_room else None

    def _next_answers(self) -> dict[int, Answered]:
        """Wait for the workers; return what they have answered, by number."""
        answered = {}
        by_connection: dict[Any, _Worker] = {worker.connection: worker for worker in self.workers}
        for connection in wait(list(by_connection)):
            worker = by_connection[connection]
            try:
                answer = self._heard(worker)
                if answer:
                    answered[worker.chunks.popleft()[0]] = answer
                    worker.is_slow = answer.seconds.total() >= SLOW
            except (EOFError, OSError):
                answered |= self._bury(worker)
        return answered

    def _heard(self, worker: _Worker) -> Answered | None:
        """Take a worker's message: an answer, or pixels, which are read for it here.

        Raises:
            EOFError, OSError: it is dead.
        """
        message = pickle.loads(worker.connection.recv_bytes())
        if isinstance(message, Answered):
            return message
        worker.send(self.reader.classifier.logits(message))
        return None

    def _bury(self, worker: _Worker) -> dict[int, Answered]:
        """Put a new worker in a dead one's place, and answer the chunk that it died of, if it was that."""
        worker.process.join()
        worker.connection.close()
        new = self._start()
        self.workers[self.workers.index(worker)] = new
        if not worker.chunks:
            return {}
        (number, items), *others = worker.chunks
        answered = {number: self._rescued(items)}
        for other in others:
            new.give(*other)
        return answered

    def _rescued(self, items: Sequence[Item]) -> Answered:
        """Answer a chunk that a worker died of: once more; then one by one, to see which input it is."""
        stamp = stamp_of(items)
        answered = self._alone(items)
        if answered:
            return answered
        singly = []
        spared = list(items)
        for index, item in enumerate(items):
            answer = self._alone([item])
            if answer is None:
                spared[index] = replace(item, source=_killer(item))
                answer = self.reader.answer([spared[index]])
            singly.append(answer)
        return replace(self._alone(spared) or _joined(singly), stamp=stamp)  # that of the inputs as they are

    def _alone(self, items: Sequence[Item]) -> Answered | None:
        """Answer items in a process of their own; None where it dies."""
        worker = self._start()
        try:
            worker.give(0, items)
            while not (answered := self._heard(worker)):
                pass
            return answered
        except (EOFError, OSError):
            return None
        finally:
            worker.connection.close()
            worker.process.kill()
            worker.process.join()

    def _start(self) -> _Worker:
        context: BaseContext = multiprocessing.get_context("fork" if self.forks else "spawn")
        ours, theirs = context.Pipe()
        strangers = [ours, *(worker.connection for worker in self.workers)] if self.forks else []
        how = self.reader if self.forks else (self.make, self.reader.job, self.lends)
        process: BaseProcess = context.Process(target=_work, args=(theirs, strangers, how), daemon=True)  # type: ignore[attr-defined]
        process.start()
        theirs.close()
        return _Worker(process, ours)


def _killer(item: Item) -> Failure:
    return Failure("internal", f"{item.path}: it ended the process that read it (a crash, or no memory left).")


def _joined(answers: Sequence[Answered]) -> Answered:
    """The answers of single items as one answer, but for its stamp."""
    counts: Counter[str] = sum((answer.counts for answer in answers), Counter())
    seconds: Counter[str] = sum((answer.seconds for answer in answers), Counter())
    return Answered(b"".join(answer.text for answer in answers), counts, b"", seconds)


# ------------------------------------------------------------------------------------------------------------- worker


class Borrower(Classifier):
    """A classifier whose network runs in another process: ``ask`` hands over its pixels and returns the logits."""

    def __init__(self, path: Path, ask: Callable[[Pixels], Floats]) -> None:
        super().__init__(path, "cpu")
        self._ask = ask

    def logits(self, pixels: Pixels) -> Floats:
        return self._ask(pixels)


class _Parent:
    """The parent as its worker sees it: a thread listens, so that neither ever waits for the other to listen."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._chunks: queue.SimpleQueue[Sequence[Item]] = queue.SimpleQueue()
        self._logits: queue.SimpleQueue[Floats] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def next_chunk(self) -> Sequence[Item]:
        return self._chunks.get()

    def ask(self, pixels: Pixels) -> Floats:
        """Have the network of the parent read framed pictures: (N, 28, 28) uint8 -> (N, classes) float32."""
        self.tell(pixels)
        return self._logits.get()

    def tell(self, message: Answered | Pixels) -> None:
        self._connection.send_bytes(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))

    def _listen(self) -> None:
        try:
            while True:
                message = pickle.loads(self._connection.recv_bytes())
                (self._logits if isinstance(message, np.ndarray) else self._chunks).put(message)
        except (EOFError, OSError):
            os._exit(0)  # the parent has hung up, or is no more; nobody waits for an answer


def _work(
    connection: Connection, strangers: Sequence[Connection], how: "Reader | tuple[MakeReader, Job, bool]"
) -> None:
    """Answer chunk after chunk until the parent hangs up; the parent alone decides what an interrupt means."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    for stranger in strangers:  # ends of the parent; while they were open here, other workers would not see it go
        stranger.close()
    _one_thread()
    gc.freeze()  # what is there stays there: it need not be looked through again, and stays shared with the parent
    parent = _Parent(connection)
    if isinstance(how, tuple):
        make, job, borrows = how
        reader = make(job, Borrower(job.model, parent.ask) if borrows else None)
    else:
        reader = how
    while True:
        parent.tell(reader.answer(parent.next_chunk()))


def _one_thread() -> None:
    """Keep OpenCV to one thread: there is a process for each core."""
    cv2.setNumThreads(1)
