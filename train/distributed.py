"""One training, several processes: what `torchrun` starts, and what is alone without it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn

from train.crops import Share
from train.runtime import pick_device


@dataclass(frozen=True)
class Team:
    """The processes of this run, and which of them this is."""

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes files and talks."""
        return self.rank == 0

    @property
    def share(self) -> Share:
        """This process's part of every batch."""
        return Share(self.rank, self.size)

    def check_batch(self, batch: int) -> None:
        """Raise ValueError unless a batch can be shared out evenly."""
        if batch < 1 or batch % self.size:
            raise ValueError(
                f"--batch {batch} is for all {self.size} processes together: give a multiple of {self.size}"
            )

    def wrap(self, objective: nn.Module) -> nn.Module:
        """The module whose gradients are averaged over the team."""
        if self.size == 1:
            return objective
        return nn.parallel.DistributedDataParallel(objective, broadcast_buffers=False)

    def any_at(self, step: int, flag: bool) -> bool:
        """Whether the flag is up in any process; all of them ask at every step, and agree at every tenth."""
        if self.size == 1:
            return flag
        if step % 10:
            return False
        votes = torch.tensor(float(flag), device=self.device)
        dist.all_reduce(votes)
        return bool(votes > 0)

    def wait(self) -> None:
        """Until every process is here."""
        if self.size > 1:
            dist.barrier()


@contextmanager
def team(device: str) -> Iterator[Team]:
    """Join the processes that torchrun started (it sets RANK and WORLD_SIZE); alone without it.

    NCCL between GPUs, Gloo between CPUs.
    """
    own = pick_device(device)
    if own.type == "cuda":
        torch.cuda.set_device(own)
    if "RANK" not in os.environ:
        yield Team(0, 1, own)
        return
    dist.init_process_group("nccl" if own.type == "cuda" else "gloo")
    try:
        yield Team(dist.get_rank(), dist.get_world_size(), own)
    finally:
        dist.destroy_process_group()
