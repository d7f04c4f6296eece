"""The CUDA engine: either model as a CUDA graph, with copies that overlap with the painting.

The network is captured once for each frame size, with the frame, the style and alpha at fixed addresses:
a key that changes the style or alpha changes numbers, never the graph. A frame goes through three
streams: upload, paint, download. `stylize` takes one frame through all three and waits once, at the end.
`submit` and `result` keep up to SLOTS frames under way, so that the next one is uploaded and the last
one downloaded while the GPU paints.

Frames with regions of several styles are painted without a graph, as plain PyTorch does.
What it does not know: files, shows, other backends. `torch.compile` is not used: it is unmeasured here.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from livestyle.engine.eager import EagerEngine, StyleCode
from livestyle.errors import WeightsError
from livestyle.frame import Picture
from livestyle.model.build import as_float
from livestyle.style import STYLE_NUMBERS, StyleStats
from livestyle.weights import ModelName

SLOTS = 3
"""Frames that may be under way: one in each stream."""

GRAPHS_KEPT = 8
"""Frame sizes whose graphs are kept, the latest used."""

WARM_UPS = 3
"""Runs before a capture: cuDNN tries its algorithms in the first."""

CHECK_SHAPE = (32, 48, 3)
"""Of the frame that every start is checked with."""

Lane = Literal["upload", "paint", "download"]
LANES: tuple[Lane, ...] = ("upload", "paint", "download")


class Gpu:
    """All that the engine asks of CUDA: memory, three streams, graphs.

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


class Graph(NamedTuple):
    """A painter of one frame size. frame, painting: (1, H, W, 3) uint8 on the device."""

    frame: Tensor
    painting: Tensor
    replay: Callable[[], None]


class Slot:
    """Buffers for one frame under way. Pictures are flat: a smaller one fills the start."""

    def __init__(self, gpu: Gpu, picture_bytes: int, style_numbers: int) -> None:
        self.picture_bytes = picture_bytes
        self.host_frame, self.frame = gpu.pair(picture_bytes, torch.uint8)
        self.host_style, self.style = gpu.pair(style_numbers, torch.float32)
        self.host_painting, self.painting = gpu.pair(picture_bytes, torch.uint8)

    def fill(self, rgb: Picture, code: StyleCode, alpha: float) -> None:
        """Put a frame, a style and alpha into the host's buffers."""
        np.copyto(self.host_frame.numpy()[: rgb.size].reshape(rgb.shape), rgb)
        self.host_style[:-1] = torch.cat([code.mean.flatten(), code.std.flatten()])
        self.host_style[-1] = alpha

    def upload(self, picture_bytes: int) -> None:
        """Queue the copies to the device."""
        self.frame[:picture_bytes].copy_(self.host_frame[:picture_bytes], non_blocking=True)
        self.style.copy_(self.host_style, non_blocking=True)

    def download(self, picture_bytes: int) -> None:
        """Queue the copy to the host."""
        self.host_painting[:picture_bytes].copy_(self.painting[:picture_bytes], non_blocking=True)

    def taken(self, shape: tuple[int, ...]) -> Picture:
        """The painting, in memory of its own."""
        painting: Picture = self.host_painting.numpy()[: math.prod(shape)].reshape(shape).copy()
        return painting


@dataclass(frozen=True, eq=False)
class Ticket:
    """A frame under way, for `CudaEngine.result`."""

    slot: Slot
    shape: tuple[int, ...]
    done: torch.cuda.Event


class CudaEngine(EagerEngine):
    """Runs a model as CUDA graphs; see `livestyle.engine.Engine`. It may be made in one thread and used in another.

    Its style codes lie on the CPU and travel with each frame, so that styles and frames keep their order.
    """

    in_flight = SLOTS

    def __init__(
        self, *, model: ModelName, half: bool, reason: str, weights: Path | None = None, gpu: Gpu | None = None
    ) -> None:
        """half: float16, else float32, in which cuDNN may use TF32 as PyTorch lets it.

        weights: a folder with a manifest.json; None means the shipped one. gpu: None means the current
        device. Raises WeightsError, and RuntimeError when graphs do not work here: a small frame is
        painted both ways.
        """
        self._gpu = gpu or Gpu()
        super().__init__(self._gpu.device.type, model=model, half=half, reason=reason, weights=weights)
        self.name = "cuda"
        self._device = self._gpu.device
        self._projection.cpu()
        example = self._code(torch.ones(1, STYLE_NUMBERS))
        channels = example.mean.shape[1]
        self._style = torch.ones(2 * channels + 1, device=self._device)
        mean, std, alpha = torch.split(self._style, [channels, channels, 1])
        self._painter_inputs = mean.view(1, -1, 1, 1), std.view(1, -1, 1, 1), alpha.view(())
        self._graphs: OrderedDict[tuple[int, int], Graph] = OrderedDict()
        self._free = [Slot(self._gpu, math.prod(CHECK_SHAPE), len(self._style)) for _ in range(SLOTS)]
        self._under_way: set[Ticket] = set()
        self._check(example)

    @torch.no_grad()
    def style_code(self, stats: StyleStats) -> StyleCode:
        """See `Engine.style_code`; computed on the CPU in float32."""
        return self._code(torch.from_numpy(stats.numbers)[None])

    def stylize(self, rgb: Picture, code: StyleCode, alpha: float) -> Picture:
        """See `Engine.stylize`."""
        return self.result(self.submit(rgb, code, alpha))

    # no_grad and not inference_mode here: a graph that was captured in inference mode cannot be used outside it.
    @torch.no_grad()
    def submit(self, rgb: Picture, code: StyleCode, alpha: float) -> Ticket:
        """Start painting a frame, as `stylize` does; the frame may be changed afterwards.

        Raises RuntimeError when SLOTS frames are under way: take a result first.
        """
        if not self._free:
            raise RuntimeError(f"{SLOTS} frames are under way: take a result before another frame")
        graph = self._graph(rgb.shape[0], rgb.shape[1])
        if self._free[-1].picture_bytes < rgb.size:
            self._free[-1] = Slot(self._gpu, rgb.size, len(self._style))
        self._free[-1].fill(rgb, code, alpha)
        slot = self._free.pop()
        uploaded = self._gpu.put("upload", partial(slot.upload, rgb.size))
        painted = self._gpu.put("paint", partial(self._paint, graph, slot), after=uploaded)
        done = self._gpu.put("download", partial(slot.download, rgb.size), after=painted)
        ticket = Ticket(slot, rgb.shape, done)
        self._under_way.add(ticket)
        return ticket

    @torch.no_grad()
    def result(self, ticket: Ticket) -> Picture:
        """Wait for a frame's painting: HxWx3 uint8 RGB. Tickets may be redeemed in any order, once each.

        Raises RuntimeError for a ticket that has been redeemed.
        """
        if ticket not in self._under_way:
            raise RuntimeError("this ticket's painting has been taken already")
        self._gpu.wait(ticket.done)
        painting = ticket.slot.taken(ticket.shape)
        self._under_way.remove(ticket)
        self._free.append(ticket.slot)
        return painting

    def _code(self, numbers: Tensor) -> StyleCode:
        return StyleCode(*self._projection(numbers))

    def _paint(self, graph: Graph, slot: Slot) -> None:
        """Queue the painting of a slot's frame."""
        picture_bytes = graph.frame.numel()
        graph.frame.view(-1).copy_(slot.frame[:picture_bytes])
        self._style.copy_(slot.style)
        graph.replay()
        slot.painting[:picture_bytes].view(graph.painting.shape).copy_(graph.painting)

    def _graph(self, height: int, width: int) -> Graph:
        """The graph for a frame size: kept, or captured now, which takes a moment."""
        size = height, width
        if size not in self._graphs:
            frame = torch.zeros(1, height, width, 3, dtype=torch.uint8, device=self._device)
            replay, painting = self._gpu.capture(lambda: self._painter(frame, *self._painter_inputs))
            self._graphs[size] = Graph(frame, painting, replay)
            if len(self._graphs) > GRAPHS_KEPT:  # only now: the shared memory stays while any graph is left
                self._graphs.popitem(last=False)
        self._graphs.move_to_end(size)
        return self._graphs[size]

    @torch.no_grad()
    def _check(self, code: StyleCode) -> None:
        """Compare paintings with the plain engine's. Raises RuntimeError, WeightsError."""
        frame = np.random.default_rng(0).integers(0, 256, CHECK_SHAPE, dtype=np.uint8)
        plain_code = StyleCode(code.mean.to(self._device), code.std.to(self._device))
        dtype = next(self._painter.parameters()).dtype
        plain = self._painter.network(as_float(self._to_device(frame), dtype), plain_code.mean, plain_code.std)
        if not plain.isfinite().all():
            advice = "they are damaged" if dtype == torch.float32 else "add --no-half"
            raise WeightsError(f"paintings with these weights are not finite in {self.precision}: {advice}")
        for alpha in (1.0, 0.5):
            expected = super().stylize(frame, plain_code, alpha).astype(float)
            levels = np.abs(self.stylize(frame, code, alpha) - expected).mean()
            if levels > 1:
                raise RuntimeError(f"a graph's painting is {levels:.1f} of 255 levels off the plain one")
