"""Where the work of a request is done, so that the server goes on answering others meanwhile."""

import asyncio
import os
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from app.archives.pictures import MEGABYTE

if TYPE_CHECKING:
    from inkwear.classifier import Classifier

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

LIGHT = ThreadPoolExecutor(CORES, "light")
"""For pictures of everyday size, one at a time for each processor: more at once would only take turns."""

HEAVY = ThreadPoolExecutor(max(1, CORES - 1), "heavy")
"""For what takes long, such as photographs of 50 megapixels and batches, so that nobody stands in line behind those."""

LARGEST_LIGHT = 2 * MEGABYTE
"""Bytes of a picture that a light thread takes."""

ICON = 64
"""Sides of a PNG, in pixels, below which it is read where it arrives: a thread's hand-over would take longer."""

QUICK = 0.005
"""Seconds for one picture below which a network is quick enough for that."""

PNG = b"\x89PNG\r\n\x1a\n"

T = TypeVar("T")


def is_instant(data: bytes, classifier: "Classifier") -> bool:
    """Whether reading a picture takes less time than handing it to a thread."""
    if classifier.seconds > QUICK or len(data) > 8 * ICON * ICON or data[:8] != PNG or len(data) < 24:
        return False
    width, height = struct.unpack(">II", data[16:24])
    return max(width, height) <= ICON


async def run_in(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Do the work in a thread."""
    return await asyncio.get_running_loop().run_in_executor(pool, work)
