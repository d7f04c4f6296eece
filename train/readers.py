"""Processes that read samples ahead of the training."""

from __future__ import annotations

import os
from typing import Any, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

T = TypeVar("T")


def reading(samples: Dataset[T], *, workers: int, **options: Any) -> DataLoader[T]:
    """A DataLoader of `samples` with so many processes, started anew and heedless of signals; 0 reads in this one.

    options: more of DataLoader's. Started anew, as one that is forked off has what this one left to collect, and not
    the threads that it waits for then: a video decoder of PyAV's holds it up for good.
    """
    return DataLoader(
        samples,
        num_workers=workers,
        multiprocessing_context="spawn" if workers else None,
        worker_init_fn=_leave_signals_to_parent,
        generator=torch.Generator(),  # else it draws from the global one, whose state a checkpoint holds
        **options,
    )


def _leave_signals_to_parent(_worker: int) -> None:
    """Ctrl-C and `timeout` signal the whole process group: a reader that died would cost the last checkpoint."""
    if hasattr(os, "setsid"):
        os.setsid()
