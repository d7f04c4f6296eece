"""A GPU that is none, for the CUDA engine, and pictures and comparisons for its tests."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from livestyle.engine.cuda import CudaEngine
from livestyle.engine.eager import EagerEngine
from livestyle.engine.gpu import LANES, Gpu
from livestyle.frame import Picture
from livestyle.looks.bank import Bank
from livestyle.model.weights import ModelName


class SimulatedGpu(Gpu):
    """Three queues on the CPU, worked off late and in any order that the events allow.

    Memory starts as garbage, and running one graph spoils the results of the others, as it may where
    graphs share memory.
    """

    def __init__(self, seed: int = 0) -> None:
        self.device = torch.device("cpu")
        self.captures = 0
        self.replays: list[int] = []
        """How many pictures each graph painted that ran."""
        self._queues: dict[str, deque[Any]] = {lane: deque() for lane in LANES}
        self._random = random.Random(seed)
        self._results: list[Tensor] = []

    def pair(self, count: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        return torch.full((count,), 205, dtype=dtype), torch.full((count,), 205, dtype=dtype)

    def put(self, lane: str, work: Callable[[], object], after: Any = None) -> Any:
        event = threading.Event()
        self._queues[lane].append((work, after, event))
        for _ in range(self._random.randrange(3)):
            self._step()
        return event

    def wait(self, event: Any) -> None:
        while not event.is_set():
            self._step()

    def capture(self, paint: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        while any(self._queues.values()):
            self._step()
        self.captures += 1
        result = paint()
        self._results.append(result)

        def replay() -> None:
            for other in self._results:
                other.fill_(205)
            result.copy_(paint())
            self.replays.append(len(result))

        return replay, result

    def _step(self) -> None:
        """Run one piece of work that may run, if there is any."""
        ready = [q for q in self._queues.values() if q and (q[0][1] is None or q[0][1].is_set())]
        if ready:
            work, _, event = self._random.choice(ready).popleft()
            work()
            event.set()


def simulated(
    model: ModelName = "paper", seed: int = 0, *, batch: int | None = None, gpu: SimulatedGpu | None = None
) -> CudaEngine:
    """An engine on a simulated GPU."""
    return CudaEngine(model=model, half=False, reason="a test", gpu=gpu or SimulatedGpu(seed), batch=batch)


def frame_of(height: int, width: int, seed: int = 0) -> Picture:
    """Blobs and noise: HxWx3 uint8 RGB."""
    rng = np.random.default_rng(seed)
    blobs = np.kron(rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3)), np.ones((8, 8, 1)))[:height, :width]
    return np.clip(blobs + rng.normal(0, 8, blobs.shape), 0, 255).astype(np.uint8)


def painted(engine: EagerEngine, rgb: Picture, style: str, alpha: float) -> Picture:
    return engine.stylize(rgb, engine.style_code(Bank().stats(style)), alpha)


def furthest(a: Picture, b: Picture) -> int:
    return int(np.abs(a.astype(int) - b).max())
