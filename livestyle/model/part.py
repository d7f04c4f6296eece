"""A part of a picture, painted by itself as if the whole were there.

A network sees more of a picture than one part: statistics of all of it, and which piece of the textures lies on the
part. The rest is a matter of borders, and those are the caller's: see `livestyle.engine.tiled`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from livestyle.model.adain import EPS, Statistics, StatisticsOf

Finish = Callable[[Tensor], Tensor]
"""What is done with each number of a painting."""


@dataclass(frozen=True, eq=False)
class Part:
    """top_px, left_px: where in the picture it begins, multiples of 16. statistics: the picture's; None: its own."""

    top_px: int
    left_px: int
    statistics: StatisticsOf | None = None


class PartPainter(Protocol):
    """A network that can paint a part: `FastNet` and `PaperNet`."""

    layers: int
    """How many of AdaIN's it has."""
    halo_px: int
    """How far around a part its painting depends on the picture, at most; a multiple of 16."""

    def unstyled(self, rgb: Tensor, part: Part, kernels: Tensor | None = None) -> dict[int, Tensor]:
        """What those AdaIN layers are given that none comes before, by the layer's number."""


class Moments:
    """Statistics of features that are never in memory together: told part by part (Chan et al. 1979)."""

    def __init__(self) -> None:
        self._size = 0

    def add(self, features: Tensor) -> None:
        """features: (1, C, h, w), any float dtype."""
        x = features.float()
        self._device = x.device
        size = x.shape[2] * x.shape[3]
        # On the CPU, as Apple's GPUs have no float64.
        mean, variance = (part.cpu().double() for part in (x.mean((2, 3)), x.var((2, 3), correction=0)))
        if not self._size:
            self._size, self._mean, self._variance = size, mean, variance
            return
        total = self._size + size
        share = size / total
        step = mean - self._mean
        self._variance += share * (variance - self._variance) + share * (1 - share) * step.square()
        self._mean += share * step
        self._size = total

    def statistics(self) -> Statistics:
        """Mean and std of all that was added, (1, C, 1, 1) float32 each."""
        mean, std = self._mean.float(), (self._variance + EPS).sqrt().float()
        return mean[..., None, None].to(self._device), std[..., None, None].to(self._device)
