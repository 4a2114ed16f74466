"""The processes of one training run, of which ``torchrun`` may start several."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed


@dataclass(frozen=True)
class Processes:
    """The rank of this process and the number of all; a process alone is the first of one."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes files and prints."""
        return self.rank == 0

    def part(self, chosen: Tensor) -> Tensor:
        """Return the indices of a batch that this process works on."""
        return chosen[self.rank :: self.count]

    def add_up(self, totals: Tensor) -> Tensor:
        """Return the sum of ``totals`` over all processes."""
        if self.count > 1:
            totals = totals.clone()
            distributed.all_reduce(totals)
        return totals

    def wait(self) -> None:
        """Wait for all other processes."""
        if self.count > 1:
            distributed.barrier()


ALONE = Processes()


def is_first_process() -> bool:
    """Tell, before the processes have joined, whether this one prints."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def joined(device: torch.device) -> Iterator[tuple[Processes, torch.device]]:
    """Join the processes that ``torchrun`` started, until the block ends; on CUDA each gets a device of its own."""
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
