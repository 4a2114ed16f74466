"""Processes that make training images."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def process_pool(spare: int = 0) -> ProcessPoolExecutor:
    """Return a pool with a process for each core but ``spare`` ones, and for one core at least.

    They are spawned, as a fork of a process that has threads may never wake up.
    """
    return ProcessPoolExecutor(max(1, len(os.sched_getaffinity(0)) - spare), get_context("spawn"))
