"""Peak memory of some work: done in a fresh process, so that nothing else counts.

On CUDA it is the GPU memory that PyTorch held at most, elsewhere the resident memory of the whole
process: libraries, weights and pictures. It does not know what the work is.
"""

from __future__ import annotations

import multiprocessing
import re
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Memory:
    """A peak, and what it is of."""

    mib: float
    of: Literal["process", "gpu"]


def peak_memory(work: Callable[[], object]) -> Memory | None:
    """Do the work, which can be pickled, in a fresh process.

    None where the system does not tell (Windows), and when the process was killed, as it is when
    memory runs out.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(_done_and_told, work).result()
        except BrokenProcessPool:
            return None


def _done_and_told(work: Callable[[], object]) -> Memory | None:
    work()
    return _gpu_peak() or _resident_peak()


def _gpu_peak() -> Memory | None:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    return Memory(round(torch.cuda.max_memory_allocated() / 2**20, 1), "gpu")


def _resident_peak() -> Memory | None:
    try:  # Linux: getrusage would also count what the parent had when it started this process
        found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    except OSError:
        found = None
    if found:
        return Memory(round(int(found[1]) / 2**10, 1), "process")
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 2**10
    return Memory(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, 1), "process")
