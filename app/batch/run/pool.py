"""Worker processes that answer chunks, and the parent that keeps all of them busy.

One worker answers a whole chunk, down to the bytes of its rows; the parent only lists the inputs and puts the answers
in order. Every worker has the next chunk ready while it answers one. On Linux workers are forks of a parent that has
opened the network already: they start in milliseconds, and share its memory. Where the network runs on CUDA, only the
parent holds it: the workers decode and frame, send the pixels of a chunk, and receive its logits, so that all cores and
the GPU are busy at once.

What kills a worker (a decoder's crash, the system's lack of memory) costs no other input its answer.
"""

import gc
import multiprocessing
import os
import pickle
import queue
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from app.batch.inputs.input import Chunk
from app.batch.run.reader import Answered, Job, MakeReader, Reader
from app.batch.run.rescue import rescued
from inkwear.auto import Auto
from inkwear.classifier import Classifier
from inkwear.preprocess.steps import Floats, Pixels

CHUNKS_PER_WORKER = 2
"""Chunks that a worker has: the one that it answers, and the next. A slow worker has only the first, so that a run that
is to stop is not delayed."""

SLOW_SECONDS = 0.2
"""Seconds for a chunk from which on a worker is slow; waiting for the next costs it less than a thousandth of that."""

WINDOW = 16
"""Chunks for each worker that may be begun before the oldest one is answered; their rows wait for it in memory."""


# ------------------------------------------------------------------------------------------------------------- parent


@dataclass
class _Worker:
    """A process, the connection to it, and the chunks that it has, by number."""

    process: BaseProcess
    connection: Connection
    chunks: deque[tuple[int, Chunk]] = field(default_factory=deque)
    is_slow: bool = True  # until its first answer

    @property
    def has_room(self) -> bool:
        return len(self.chunks) < (1 if self.is_slow else CHUNKS_PER_WORKER)

    def give(self, number: int, chunk: Chunk) -> None:
        self.chunks.append((number, chunk))
        self.send(chunk)

    def send(self, message: Chunk | Floats) -> None:
        with suppress(OSError):  # it is dead, which is noticed when its answer is awaited
            self.connection.send_bytes(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))

    def end(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.join()


class Pool:
    """Workers, each started when there is something for it to do.

    Args:
        reader: the reader of this process, which forks take over.
        workers: the largest number of processes.
        make: makes the readers of workers that are not forks.
        shares_network: whether the network runs in this process, on a GPU, for twice as many workers.
    """

    def __init__(self, reader: Reader, workers: int, make: MakeReader, shares_network: bool) -> None:
        self.reader = reader
        self.make = make
        self.shares_network = shares_network
        self.max_workers = 2 * workers if shares_network else workers  # half of them wait for the GPU
        self.workers: list[_Worker] = []
        self.forks = sys.platform == "linux" and not shares_network  # a fork of a process that uses CUDA cannot use it

    def __enter__(self) -> "Pool":
        cv2.setNumThreads(1)  # as there is a process for each core
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.end()

    def answers(self, chunks: Iterator[Chunk]) -> Iterator[Answered]:
        """Yield the answers of all chunks in their order."""
        done: dict[int, Answered] = {}
        oldest = begun = 0
        is_over = False
        while True:
            while not is_over and begun - oldest < WINDOW * self.max_workers and (worker := self._with_room()):
                chunk = next(chunks, None)
                if chunk is None:
                    is_over = True
                else:
                    worker.give(begun, chunk)
                    begun += 1
            if not any(worker.chunks for worker in self.workers):
                break
            done |= self._next_answers()
            while oldest in done:
                yield done.pop(oldest)
                oldest += 1

    def _with_room(self) -> _Worker | None:
        """Return the least busy worker, or a new one; None where all have enough to do."""
        if len(self.workers) < self.max_workers and all(worker.chunks for worker in self.workers):
            self.workers.append(self._start())
        worker = min(self.workers, key=lambda worker: len(worker.chunks))
        return worker if worker.has_room else None

    def _next_answers(self) -> dict[int, Answered]:
        """Wait for the workers; return their answers by the chunks' numbers."""
        answers = {}
        by_connection: dict[Any, _Worker] = {worker.connection: worker for worker in self.workers}
        for connection in wait(list(by_connection)):
            worker = by_connection[connection]
            try:
                answer = self._receive(worker)
                if answer:
                    answers[worker.chunks.popleft()[0]] = answer
                    worker.is_slow = answer.seconds.total() >= SLOW_SECONDS
            except (EOFError, OSError):
                answers |= self._replace(worker)
        return answers

    def _receive(self, worker: _Worker) -> Answered | None:
        """Take a worker's message: an answer, or pixels, which are classified here and sent back as logits.

        Raises:
            EOFError, OSError: the worker is dead.
        """
        message = pickle.loads(worker.connection.recv_bytes())
        if isinstance(message, Answered):
            return message
        place, pixels = message
        worker.send(self.reader.classifier.classifiers[place].logits(pixels))
        return None

    def _replace(self, worker: _Worker) -> dict[int, Answered]:
        """Start a new worker for a dead one, and answer the chunk that it died on, if there was one."""
        worker.end()
        new = self._start()
        self.workers[self.workers.index(worker)] = new
        if not worker.chunks:
            return {}
        (number, chunk), *others = worker.chunks
        answered = self._alone(chunk) or rescued(
            chunk, lambda each: list(map(self._alone, each)), self.reader.job.format
        )
        for other in others:
            new.give(*other)
        return {number: answered}

    def _alone(self, chunk: Chunk) -> Answered | None:
        """Answer a chunk in a process of its own; None where that dies."""
        worker = self._start()
        try:
            worker.give(0, chunk)
            while not (answered := self._receive(worker)):
                pass
            return answered
        except (EOFError, OSError):
            return None
        finally:
            worker.end()

    def _start(self) -> _Worker:
        context: BaseContext = multiprocessing.get_context("fork" if self.forks else "spawn")
        ours, theirs = context.Pipe()
        inherited = [ours, *(worker.connection for worker in self.workers)] if self.forks else []
        how = self.reader if self.forks else (self.make, self.reader.job, self.shares_network)
        process: BaseProcess = context.Process(target=_work, args=(theirs, inherited, how), daemon=True)  # type: ignore[attr-defined]
        process.start()
        theirs.close()
        return _Worker(process, ours)


# ------------------------------------------------------------------------------------------------------------- worker


class Borrower(Classifier):
    """A classifier whose network runs in another process: ``ask`` sends its place and pixels, and returns logits."""

    def __init__(self, path: Path, place: int, ask: Callable[[int, Pixels], Floats]) -> None:
        super().__init__(path, "cpu")
        self._place, self._ask = place, ask

    def logits(self, pixels: Pixels) -> Floats:
        return self._ask(self._place, pixels)


class _Parent:
    """A worker's connection to its parent; a thread receives, so that neither side ever blocks the other's sending."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._chunks: queue.SimpleQueue[Chunk] = queue.SimpleQueue()
        self._logits: queue.SimpleQueue[Floats] = queue.SimpleQueue()
        threading.Thread(target=self._receive, daemon=True).start()

    def next_chunk(self) -> Chunk:
        return self._chunks.get()

    def ask(self, place: int, pixels: Pixels) -> Floats:
        """Run one of the parent's networks on framed pictures: (N, S, S) uint8 -> (N, classes) float32."""
        self.send((place, pixels))
        return self._logits.get()

    def send(self, message: Answered | tuple[int, Pixels]) -> None:
        self._connection.send_bytes(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))

    def _receive(self) -> None:
        try:
            while True:
                message = pickle.loads(self._connection.recv_bytes())
                (self._logits if isinstance(message, np.ndarray) else self._chunks).put(message)
        except (EOFError, OSError):
            os._exit(0)  # the parent has closed the connection or died; nobody waits for an answer


def _work(
    connection: Connection, inherited: Sequence[Connection], how: "Reader | tuple[MakeReader, Job, bool]"
) -> None:
    """Answer chunk after chunk until the parent closes the connection; only the parent handles an interrupt."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    for end in inherited:  # the parent's ends: while they are open here, other workers do not notice its death
        end.close()
    cv2.setNumThreads(1)
    gc.freeze()  # existing objects need not be examined again, and stay shared with the parent
    parent = _Parent(connection)
    if isinstance(how, tuple):
        make, job, borrows = how
        borrowers = [Borrower(path, place, parent.ask) for place, path in enumerate(job.models)]
        reader = make(job, Auto.of(borrowers) if borrows else None)
    else:
        reader = how
    while True:
        parent.send(reader.answer(parent.next_chunk()))
