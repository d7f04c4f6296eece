"""All that the CUDA engine asks of CUDA, in one place, so that its tests can put something else there.

What it does not know: networks, frames.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

WARM_UPS = 3
"""Runs before a capture: cuDNN tries its algorithms in the first."""

Lane = Literal["upload", "paint", "download"]
LANES: tuple[Lane, ...] = ("upload", "paint", "download")


class Gpu:
    """Memory, three streams, graphs.

    It belongs to the device that was current when it was made, whichever is current in the thread
    that uses it.
    """

    def __init__(self) -> None:
        self.device = torch.device("cuda", torch.cuda.current_device())
        self._streams = {lane: torch.cuda.Stream(self.device) for lane in LANES}  # type: ignore[no-untyped-call]
        # Graphs may share memory: they run one at a time, and a painting is copied out before the next runs.
        self._pool = torch.cuda.graph_pool_handle()

    def pair(self, count: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Two uninitialised vectors of `count` numbers: pinned on the host, and on the device."""
        with torch.cuda.device(self.device):
            host = torch.empty(count, dtype=dtype, pin_memory=True)
            device = torch.empty(count, dtype=dtype, device=self.device)
            torch.cuda.synchronize()  # the memory may have been used in another stream before
        return host, device

    def put(self, lane: Lane, work: Callable[[], object], after: torch.cuda.Event | None = None) -> torch.cuda.Event:
        """Queue work in a stream, behind what is in it and behind `after`; the event is its end."""
        stream = self._streams[lane]
        with torch.cuda.stream(stream):
            if after is not None:
                stream.wait_event(after)
            work()
            event: torch.cuda.Event = stream.record_event()
        return event

    def wait(self, event: torch.cuda.Event) -> None:
        """Return when the event has happened."""
        event.synchronize()

    def capture(self, paint: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        """Record work on tensors that stay where they are.

        Returns a function that queues the work again in the stream it is called in, and the tensor
        with its result, which holds until another graph runs. All streams are idle when it returns.
        """
        stream = self._streams["paint"]
        benchmark, torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark, True
        try:
            with torch.cuda.device(self.device):
                torch.cuda.synchronize()
                with torch.cuda.stream(stream):
                    for _ in range(WARM_UPS):
                        paint()
                graph = torch.cuda.CUDAGraph()
                # thread_local: another thread, an encoder's for instance, may use the GPU meanwhile.
                with torch.cuda.graph(graph, pool=self._pool, stream=stream, capture_error_mode="thread_local"):
                    result = paint()
                torch.cuda.synchronize()
        finally:
            torch.backends.cudnn.benchmark = benchmark
        return graph.replay, result
