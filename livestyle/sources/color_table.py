"""A function of colours applied to video frames through a table, with tetrahedra between its points.

FFmpeg's lut3d does the work, in 16 bits a channel. Signals are to be roughly even to the eye (gamma, PQ, HLG) on
both sides: greys are then within half a level of 255 of the function, and colours on average. Where a function cuts off
(at the edge of a gamut) the table rounds the corner.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame

from livestyle.sources.light import Array, Signal

Conversion = Callable[[Array, Signal], Array]
"""...x3 R'G'B', 0 to 1, to the same."""
FORMAT = "gbrp16le"
"""Of frames that go in and come out; full range."""
_POINTS = 49
_TICK = Fraction(1, 25)


class ColorTable:
    """Makes frames of other frames of one size. Used by one thread at a time."""

    def __init__(self, convert: Conversion, signal: Signal, width: int, height: int) -> None:
        """convert: `to_sdr` or `from_sdr` of `livestyle.sources.light`."""
        self.size = (width, height)
        self._graph = Graph()
        self._source = self._graph.add_buffer(width=width, height=height, format=VideoFormat(FORMAT), time_base=_TICK)
        with TemporaryDirectory(prefix="livestyle-") as folder:
            path = Path(folder) / "table.cube"
            path.write_text(_cube(convert, signal), encoding="utf-8")
            lookup = self._graph.add("lut3d", file=str(path), interp="tetrahedral")
        self._sink = self._graph.add("buffersink")
        self._source.link_to(lookup)
        lookup.link_to(self._sink)
        self._graph.configure()
        self._count = 0

    def apply(self, frame: VideoFrame) -> VideoFrame:
        """The frame (FORMAT) with other colours; its time is lost."""
        frame.pts, frame.time_base = self._count, _TICK
        self._count += 1
        self._source.push(frame)
        changed = self._sink.pull()
        assert isinstance(changed, VideoFrame)
        return changed


@lru_cache(maxsize=4)
def _cube(convert: Conversion, signal: Signal) -> str:
    """The table as an Iridas .cube: a line a colour, red runs fastest, then green."""
    steps = np.linspace(0, 1, _POINTS)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    colours = convert(np.stack([red, green, blue], -1).reshape(-1, 3), signal)
    lines = (f"{r:.6f} {g:.6f} {b:.6f}" for r, g, b in colours.tolist())
    return "\n".join([f"LUT_3D_SIZE {_POINTS}", *lines, ""])
