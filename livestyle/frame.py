"""One picture on its way through the program."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""HxWx3 uint8, RGB."""

Masks = NDArray[np.float32]
"""RxHxW float32, >= 0: each of R regions' share of every pixel; they sum to 1."""


def check_picture(rgb: Picture) -> None:
    """Raise ValueError unless `rgb` is a HxWx3 uint8 array."""
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"a picture is HxWx3 uint8 RGB, this one is {rgb.shape} {rgb.dtype}")


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture with its place in time.

    rgb: HxWx3 uint8, RGB. index: counts from 0 in its source. pts_seconds: exact presentation
    time from the start of the stream. grabbed_at: time.monotonic() seconds when it came out of
    the source; the latency clock starts there.
    """

    rgb: Picture
    index: int
    pts_seconds: Fraction
    grabbed_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        check_picture(self.rgb)

    @property
    def height(self) -> int:
        """Lines."""
        return int(self.rgb.shape[0])

    @property
    def width(self) -> int:
        """Pixels a line."""
        return int(self.rgb.shape[1])
