"""Frames of a file that the CUDA engine paints at once: how many, and the buffers that they travel in.

A small picture leaves most of a GPU idle, so a few of them are one run of the network. Each has statistics and an alpha
of its own. What a style adds to kernels is the batch's: in a crossfade of refined styles each frame is a batch. A batch
with fewer frames than its graph takes goes through the same graph, and the places that are left paint nothing that
anybody sees: a frame is computed alike whatever else there is to paint, wherever a film goes on.

What it does not know: streams and their order, networks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from livestyle.engine.eager import StyleCode
from livestyle.engine.gpu import Gpu
from livestyle.frame import Picture

BATCH_PX = 2 << 20
"""Of all pictures of a batch, about: eight of 512x512, two of 1280x720, one of 1920x1080."""
LARGEST_BATCH = 8


def batch_size(height: int, width: int) -> int:
    """How many pictures of a size are painted at once."""
    return min(LARGEST_BATCH, max(1, BATCH_PX // (height * width)))


class Graph(NamedTuple):
    """A painter of so many frames of one size. frames, paintings: (N, H, W, 3) uint8 on the device."""

    frames: Tensor
    paintings: Tensor
    replay: Callable[[], None]


class Slot:
    """Buffers for the frames of one batch under way. Pictures are flat: smaller or fewer ones fill the start."""

    def __init__(self, gpu: Gpu, pictures_bytes: int, styles: int, style_numbers: int) -> None:
        """pictures_bytes: of all frames. styles: how many, of style_numbers with alpha and kernels each."""
        self.pictures_bytes = pictures_bytes
        self.host_frames, self.frames = gpu.pair(pictures_bytes, torch.uint8)
        pair = gpu.pair(styles * style_numbers, torch.float32)
        self.host_styles, self.styles = (part.view(styles, style_numbers) for part in pair)
        self.host_paintings, self.paintings = gpu.pair(pictures_bytes, torch.uint8)

    def fill(self, place: int, rgb: Picture, code: StyleCode, alpha: float) -> None:
        """Put a frame, a style and alpha into the host's buffers."""
        start = place * rgb.size
        np.copyto(self.host_frames.numpy()[start : start + rgb.size].reshape(rgb.shape), rgb)
        channels = code.mean.numel()
        row = self.host_styles[place]
        row[:channels], row[channels : 2 * channels] = code.mean.flatten(), code.std.flatten()
        row[2 * channels], row[2 * channels + 1 :] = alpha, code.kernels


@dataclass(eq=False)
class Batch:
    """Frames of one size on their way through the streams together."""

    graph: Graph
    slot: Slot
    kernels: Tensor | None = None
    """Of the first frame's style: those of all of them."""
    count: int = 0
    """Frames that are in it; the graph takes at least as many."""
    done: torch.cuda.Event | None = None
    """The end of its last copy; None: it has not been started."""
    paintings: dict[int, Picture] = field(default_factory=dict)
    """By place, when they have been taken out of the slot."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a frame."""
        return self.graph.frames.shape[1:]

    @property
    def full(self) -> bool:
        """No more frames fit."""
        return self.count == len(self.graph.frames)

    def takes(self, rgb: Picture, code: StyleCode) -> bool:
        """Whether a frame may be added: of the same size, and painted with the same kernels."""
        assert self.kernels is not None
        same = code.kernels is self.kernels or torch.equal(code.kernels, self.kernels)
        return self.shape == rgb.shape and same

    def add(self, rgb: Picture, code: StyleCode, alpha: float) -> int:
        """Put one more frame in. Returns its place."""
        self.kernels = code.kernels
        self.slot.fill(self.count, rgb, code, alpha)
        self.count += 1
        return self.count - 1

    def upload(self) -> None:
        """Queue the copies to the device."""
        size = self._bytes(self.count)
        self.slot.frames[:size].copy_(self.slot.host_frames[:size], non_blocking=True)
        self.slot.styles[: self.count].copy_(self.slot.host_styles[: self.count], non_blocking=True)

    def paint(self, styles: Tensor) -> None:
        """Queue the painting. styles: where the graph reads them."""
        places = len(self.graph.frames)
        size = self._bytes(places)
        self.graph.frames.view(-1).copy_(self.slot.frames[:size])
        styles[:places].copy_(self.slot.styles[:places])
        self.graph.replay()
        self.slot.paintings[:size].view(self.graph.paintings.shape).copy_(self.graph.paintings)

    def download(self) -> None:
        """Queue the copy to the host."""
        size = self._bytes(self.count)
        self.slot.host_paintings[:size].copy_(self.slot.paintings[:size], non_blocking=True)

    def take(self) -> None:
        """Copy the paintings out of the slot, into memory of their own."""
        pictures = self.slot.host_paintings.numpy()[: self._bytes(self.count)].reshape(self.count, *self.shape)
        self.paintings = {place: picture.copy() for place, picture in enumerate(pictures)}

    def _bytes(self, frames: int) -> int:
        return frames * math.prod(self.shape)


@dataclass(frozen=True, eq=False)
class Ticket:
    """A frame under way, for `CudaEngine.result`."""

    batch: Batch
    place: int
