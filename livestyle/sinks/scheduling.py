"""Encoders run with the priority that the program has.

SVT-AV1 (4.1), when root opens it, makes its threads and whoever opens it real-time (SCHED_FIFO, 99): above everything
else on the machine, and never set back. What is started later inherits it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_TASKS = Path("/proc/self/task")


@contextmanager
def usual_priority() -> Iterator[None]:
    """Threads that become real-time within, or are begun as such, are scheduled as before, or as the one that asks.

    Only Linux has that; elsewhere nothing is done.
    """
    if not _TASKS.exists():
        yield
        return
    before, own = _scheduled(), _of(0)
    try:
        yield
    finally:
        for thread, (policy, priority) in _scheduled().items():
            usual = before.get(thread, own)
            if policy == os.SCHED_FIFO and (policy, priority) != usual:
                with suppress(OSError):  # it has ended
                    os.sched_setscheduler(thread, usual[0], os.sched_param(usual[1]))


def _scheduled() -> dict[int, tuple[int, int]]:
    """Policy and priority of each of the program's threads."""
    found = {}
    for task in _TASKS.iterdir():
        with suppress(OSError):
            found[int(task.name)] = _of(int(task.name))
    return found


def _of(thread: int) -> tuple[int, int]:
    """0 is the one that asks."""
    return os.sched_getscheduler(thread), os.sched_getparam(thread).sched_priority
