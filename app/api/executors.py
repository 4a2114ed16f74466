"""The threads that read pictures, so that the server goes on answering others."""

import asyncio
import os
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from app.archives.pictures import MEGABYTE

if TYPE_CHECKING:
    from inkwear.auto import Auto
    from inkwear.classifier import Classifier

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

LIGHT = ThreadPoolExecutor(CORES, "light")
"""Reads pictures of everyday size, one for each processor: more at once would only take turns."""

HEAVY = ThreadPoolExecutor(max(1, CORES - 1), "heavy")
"""Reads batches and large photographs, so that no small picture has to wait for one."""

MAX_LIGHT_BYTES = 2 * MEGABYTE
"""Bytes of a picture that a light thread takes."""

MAX_INSTANT_SIDE = 64
"""Pixels of the longer side of a PNG that is read where it arrives: handing it to a thread would take longer."""

MAX_INSTANT_SECONDS = 0.005
"""Seconds that a network may take for such a picture."""

PNG = b"\x89PNG\r\n\x1a\n"

T = TypeVar("T")


def is_instant(data: bytes, classifier: "Classifier | Auto") -> bool:
    """Whether reading a picture takes less time than handing it to a thread."""
    if (
        classifier.seconds > MAX_INSTANT_SECONDS
        or len(data) > 8 * MAX_INSTANT_SIDE * MAX_INSTANT_SIDE
        or data[:8] != PNG
        or len(data) < 24
    ):
        return False
    width, height = struct.unpack(">II", data[16:24])
    return max(width, height) <= MAX_INSTANT_SIDE


async def run_in(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Run work in a thread of a pool."""
    return await asyncio.get_running_loop().run_in_executor(pool, work)
