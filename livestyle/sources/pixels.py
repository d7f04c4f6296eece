"""Decoded frames as upright SDR pictures of one size.

Matrix and range are honoured. HDR (PQ, HLG) and wide gamuts (BT.2020, P3) become SDR in BT.709
(`livestyle.sources.light`). A display matrix (rotation, flip) is applied to the pixels. What is transparent shows
white. A stream that changes its size goes on at the first one, scaled to fit, on black.

What it does not know: interlacing, HDR10+, Dolby Vision, HDR with transparency (it is taken for opaque).
"""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from typing import Any, cast

import numpy as np
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from livestyle.frame import Picture
from livestyle.resize import letterboxed
from livestyle.sources.color_table import FORMAT, ColorTable
from livestyle.sources.light import to_sdr
from livestyle.sources.signal import matrix_of, signal_of


class Pixels:
    """Decided by a stream's first frame: its numbers in the container can be wrong. Used by one thread at a time."""

    def __init__(self, head: VideoFrame, sample_aspect: Fraction) -> None:
        """sample_aspect: width of a pixel over its height, as coded."""
        self._coded = (head.width, head.height)
        a, b, c, d = self._matrix = _display_matrix(head)
        self._transposed = abs(b) + abs(c) > abs(a) + abs(d)
        self.width, self.height = self._coded[::-1] if self._transposed else self._coded
        self.sample_aspect = 1 / sample_aspect if self._transposed else sample_aspect
        """As it is to be shown."""
        self.signal = signal_of(head)
        """Of the file; the pictures that come are SDR."""
        self.saw_transparency = False
        self._table: ColorTable | None = None
        self._reformatter = VideoReformatter()

    def picture(self, raw: VideoFrame) -> Picture:
        """HxWx3 uint8 RGB, `height` times `width`."""
        return self._upright(letterboxed(self._rgb(raw), *self._coded))

    def _rgb(self, raw: VideoFrame) -> Picture:
        if (self.signal.transfer, self.signal.primaries) != ("sdr", "bt709"):
            return self._sdr(raw)
        if any(component.is_alpha for component in raw.format.components):
            return self._on_white(self._as(raw, "rgba"))
        return self._as(raw, "rgb24")

    def _sdr(self, raw: VideoFrame) -> Picture:
        if self._table is None or self._table.size != (raw.width, raw.height):
            self._table = ColorTable(to_sdr, self.signal, raw.width, raw.height)
        full = self._reformatter.reformat(raw, format=FORMAT, src_colorspace=matrix_of(raw))
        return _eight_bits(self._table.apply(full))

    def _as(self, raw: VideoFrame, pixel_format: str) -> Picture:
        converted = self._reformatter.reformat(raw, format=pixel_format, src_colorspace=matrix_of(raw))
        return cast(Picture, converted.to_ndarray())

    def _on_white(self, rgba: Picture) -> Picture:
        alpha = rgba[..., 3:].astype(np.uint16)
        if alpha.min() == 255:
            return np.ascontiguousarray(rgba[..., :3])
        self.saw_transparency = True
        return ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)

    def _upright(self, rgb: Picture) -> Picture:
        a, b, c, d = self._matrix
        across, down = (c, b) if self._transposed else (a, d)
        turned = rgb.transpose(1, 0, 2) if self._transposed else rgb
        return np.ascontiguousarray(turned[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1])


def _eight_bits(frame: VideoFrame) -> Picture:
    """HxWx3 uint8 of a frame in FORMAT, rounded."""
    rgb = np.empty((frame.height, frame.width, 3), np.uint8)
    for channel, plane in zip((1, 2, 0), frame.planes, strict=True):
        lines = np.frombuffer(memoryview(cast(Any, plane)), "<u2").reshape(frame.height, -1)[:, : frame.width]
        rgb[..., channel] = (lines - (lines >> 8) + 128) >> 8
    return rgb


def _display_matrix(frame: VideoFrame) -> tuple[int, int, int, int]:
    """(a, b, c, d) of the display matrix: x' = a x + c y, y' = b x + d y, with y downwards."""
    with suppress(KeyError):
        data = cast(Any, frame.side_data)[SideDataType.DISPLAYMATRIX]
        a, b, _, c, d = (int(n) for n in np.frombuffer(bytes(data), np.int32)[:5])
        return a, b, c, d
    return 1, 0, 0, 1
