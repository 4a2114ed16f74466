"""The processes that train one network together, where ``torchrun`` started several."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed


@dataclass(frozen=True)
class Processes:
    """Which of how many processes this one is; alone, it is the first of one."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this one writes files and speaks to the person."""
        return self.rank == 0

    def part(self, chosen: Tensor) -> Tensor:
        """Return this process's part of a batch's indices."""
        return chosen[self.rank :: self.count]

    def add_up(self, totals: Tensor) -> Tensor:
        """Return the sum of every process's ``totals``."""
        if self.count > 1:
            totals = totals.clone()
            distributed.all_reduce(totals)
        return totals

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.count > 1:
            distributed.barrier()


ALONE = Processes()


def is_first_process() -> bool:
    """Whether no other process of this run does the talking."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def joined(device: torch.device) -> Iterator[tuple[Processes, torch.device]]:
    """Join the processes that ``torchrun`` started, and leave them at the end; on CUDA each has a device of its own."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield ALONE, device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(distributed.get_rank(), count), device
    finally:
        distributed.destroy_process_group()
