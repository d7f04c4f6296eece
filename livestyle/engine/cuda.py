"""The CUDA engine: either model as CUDA graphs, with copies that overlap with the painting.

The network is captured once for each frame size, with the frame, the style and alpha at fixed addresses:
a key that changes the style or alpha changes numbers, never the graph. A frame goes through three
streams: upload, paint, download. `stylize` takes one frame through all three and waits once, at the end.
`submit` collects the frames of a file in batches (`livestyle.engine.batches`), which have a graph of their own, and
keeps up to SLOTS batches under way, so that the next one is uploaded and the last one downloaded while the GPU paints.

Frames with regions of several styles are painted without a graph by the paper model, as plain PyTorch does.
What it does not know: files, shows, other backends. `torch.compile` is not used: it is unmeasured here.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from functools import partial
from pathlib import Path

import numpy as np
import torch

from livestyle.engine.batches import LARGEST_BATCH, Batch, Graph, Slot, Ticket, batch_size
from livestyle.engine.eager import EagerEngine, StyleCode
from livestyle.engine.gpu import Gpu
from livestyle.errors import DeviceError, WeightsError
from livestyle.frame import Picture
from livestyle.looks.style import STYLE_NUMBERS, StyleStats
from livestyle.model.build import as_float
from livestyle.model.weights import ModelName

SLOTS = 3
"""Batches that may be under way: one in each stream."""

GRAPHS_KEPT = 8
"""Graphs that are kept, the latest used: one a frame size, and one for the batches of a file."""

CHECK_SHAPE = (32, 48, 3)
"""Of the frame that every start is checked with."""


class CudaEngine(EagerEngine):
    """Runs a model as CUDA graphs; see `livestyle.engine.Engine`. It may be made in one thread and used in another.

    Its style codes lie on the CPU and travel with each frame, so that styles and frames keep their order.
    """

    def __init__(
        self,
        *,
        model: ModelName,
        half: bool,
        reason: str,
        weights: Path | None = None,
        gpu: Gpu | None = None,
        batch: int | None = None,
    ) -> None:
        """half: float16, else float32, in which cuDNN may use TF32 as PyTorch lets it.

        weights: a folder with a manifest.json; None means the shipped one. gpu: None means the current
        device. batch: frames of a file that are painted at once; None: `batch_size` of theirs. Raises WeightsError,
        and RuntimeError when graphs do not work here: a small frame is painted in all ways.
        """
        self._gpu = gpu or Gpu()
        super().__init__(self._gpu.device.type, model=model, half=half, reason=reason, weights=weights)
        self.name = "cuda"
        self._device = self._gpu.device
        self._projection.cpu()
        self._batch = batch
        mean, std = self._projection(torch.ones(1, STYLE_NUMBERS))
        example = StyleCode(mean, std, torch.zeros(self._painter.kernel_numbers))
        numbers = 2 * example.mean.shape[1] + len(example.kernels) + 1
        self._styles = torch.ones(batch or LARGEST_BATCH, numbers, device=self._device)
        self._graphs: OrderedDict[tuple[int, int, int], Graph] = OrderedDict()
        self._free = [self._slot(math.prod(CHECK_SHAPE)) for _ in range(SLOTS)]
        self._open: Batch | None = None
        self._started: deque[Batch] = deque()
        self._under_way: set[Ticket] = set()
        self._check(example)
        self.in_flight = SLOTS

    @torch.no_grad()
    def style_code(self, stats: StyleStats) -> StyleCode:
        """See `Engine.style_code`; computed on the CPU in float32."""
        return self._refined(self._projection(torch.from_numpy(stats.numbers)[None]), stats)

    # no_grad and not inference_mode here: a graph that was captured in inference mode cannot be used outside it.
    @torch.no_grad()
    def stylize(self, rgb: Picture, code: StyleCode, alpha: float) -> Picture:
        """See `Engine.stylize`; a batch of one, behind those that have been started."""
        batch = self._begun(1, rgb, code, alpha)
        self._start(batch)
        self._take(batch)
        return batch.paintings[0]

    @torch.no_grad()
    def submit(self, rgb: Picture, code: StyleCode, alpha: float) -> Ticket:
        """See `Engine.submit`; the frame is painted with the next ones of its size, or when its result is asked for.

        `in_flight` is SLOTS batches of the last frame's size.
        """
        if len(self._under_way) >= self.in_flight:
            raise RuntimeError(f"{len(self._under_way)} frames are under way: take a result before another frame")
        if self._open and not self._open.takes(rgb, code):
            self._start(self._open)
        if self._open:
            place = self._open.add(rgb, code, alpha)
        else:
            size = self._batch or batch_size(*rgb.shape[:2])
            self._open, place = self._begun(size, rgb, code, alpha), 0
            self.in_flight = SLOTS * size
        ticket = Ticket(self._open, place)
        self._under_way.add(ticket)
        if self._open.full:
            self._start(self._open)
        return ticket

    @torch.no_grad()
    def result(self, ticket: Ticket) -> Picture:
        """Wait for a frame's painting: HxWx3 uint8 RGB. Tickets may be redeemed in any order, once each.

        Raises RuntimeError for a ticket that has been redeemed.
        """
        if ticket not in self._under_way:
            raise RuntimeError("this ticket's painting has been taken already")
        if ticket.batch is self._open:
            self._start(ticket.batch)
        if ticket.batch in self._started:
            self._take(ticket.batch)
        self._under_way.remove(ticket)
        return ticket.batch.paintings.pop(ticket.place)

    def _begun(self, size: int, rgb: Picture, code: StyleCode, alpha: float) -> Batch:
        """A batch for so many frames, with the first one in it."""
        graph = self._graph(rgb.shape[0], rgb.shape[1], size)
        if not self._free:
            self._take(self._started[0])
        if self._free[-1].pictures_bytes < graph.frames.numel():
            self._free[-1] = self._slot(graph.frames.numel())
        batch = Batch(graph, self._free[-1])
        batch.add(rgb, code, alpha)
        self._free.pop()
        return batch

    def _start(self, batch: Batch) -> None:
        """Queue all that is to be done with a batch."""
        uploaded = self._gpu.put("upload", batch.upload)
        painted = self._gpu.put("paint", partial(batch.paint, self._styles), after=uploaded)
        batch.done = self._gpu.put("download", batch.download, after=painted)
        self._started.append(batch)
        if batch is self._open:
            self._open = None

    def _take(self, batch: Batch) -> None:
        """Wait for a batch's paintings; its slot is free again."""
        assert batch.done is not None
        self._gpu.wait(batch.done)
        batch.take()
        self._started.remove(batch)
        self._free.append(batch.slot)

    def _slot(self, pictures_bytes: int) -> Slot:
        return Slot(self._gpu, pictures_bytes, *self._styles.shape)

    def _graph(self, height: int, width: int, size: int) -> Graph:
        """The graph for so many frames of a size: kept, or captured now, which takes a moment."""
        key = height, width, size
        if key not in self._graphs:
            frames = torch.zeros(size, height, width, 3, dtype=torch.uint8, device=self._device)
            kernels = self._painter.kernel_numbers
            channels = (self._styles.shape[1] - kernels) // 2
            styles = torch.split(self._styles[:size], [channels, channels, 1, kernels], dim=1)
            mean, std, alpha = (part[:, :, None, None] for part in styles[:3])
            try:
                replay, paintings = self._gpu.capture(lambda: self._painter(frames, mean, std, styles[3][0], alpha))
            except torch.cuda.OutOfMemoryError:
                raise DeviceError(
                    f"{width}x{height} does not fit into the GPU's memory: give a smaller --size, or use --device cpu"
                ) from None
            self._graphs[key] = Graph(frames, paintings, replay)
            if len(self._graphs) > GRAPHS_KEPT:  # only now: the shared memory stays while any graph is left
                self._graphs.popitem(last=False)
        self._graphs.move_to_end(key)
        return self._graphs[key]

    @torch.no_grad()
    def _check(self, code: StyleCode) -> None:
        """Compare paintings with the plain engine's. Raises RuntimeError, WeightsError."""
        frame = np.random.default_rng(0).integers(0, 256, CHECK_SHAPE, dtype=np.uint8)
        plain_code = StyleCode(*(part.to(self._device) for part in (code.mean, code.std, code.kernels)))
        dtype = next(self._painter.parameters()).dtype
        frames = as_float(self._to_device(frame), dtype)
        plain = self._painter.paint(frames, plain_code.mean, plain_code.std, plain_code.kernels, 1.0)
        if not plain.isfinite().all():
            advice = "they are damaged" if dtype == torch.float32 else "add --no-half"
            raise WeightsError(f"paintings with these weights are not finite in {self.precision}: {advice}")
        batch = [self.submit(frame, code, alpha) for alpha in (1.0, 0.5)]
        for alpha, ticket in zip((1.0, 0.5), batch, strict=True):
            expected = super().stylize(frame, plain_code, alpha).astype(float)
            for painting in (self.stylize(frame, code, alpha), self.result(ticket)):
                levels = np.abs(painting - expected).mean()
                if levels > 1:
                    raise RuntimeError(f"a graph's painting is {levels:.1f} of 255 levels off the plain one")
