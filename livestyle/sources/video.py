"""A video file as a source: every frame once, upright, in presentation order, with its exact time.

Colour matrix and range are honoured; a file that does not name its matrix is read as players do, BT.709
from 720 lines or 1280 pixels on, BT.601 below. A display matrix (rotation, flip) is applied to the pixels.

What it does not know: HDR (no tone mapping), interlacing (fields stay woven), alpha, and more than one
video stream (the best one is read).
"""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter

from livestyle.frame import Frame, Picture
from livestyle.sources.decoder import VideoDecoder

_UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED


class VideoSource:
    """Reads a video file; see livestyle.sources.Source.

    `pts_seconds` of its frames is pts * time_base, exactly, less `origin_seconds`, which is 0 except for
    transport streams, where clocks start anywhere. Opening decodes the first frame. Raises SourceError.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.name = str(path)
        self._decoder = VideoDecoder(self.path)
        self._describe(self._decoder)
        self._lay_out(self._decoder.first.raw)
        self._index = 0

    def _describe(self, decoder: VideoDecoder) -> None:
        self.rate: Fraction = decoder.clock.rate
        """Frames per second, on average."""
        self.time_base: Fraction = decoder.clock.time_base
        """Seconds per tick: every pts_seconds is a multiple of it."""
        self.origin_seconds: Fraction = decoder.clock.origin_seconds
        self.duration_seconds: float | None = decoder.duration_seconds
        """Announced by the container; None when it does not say."""
        self.frame_count_hint: int | None = decoder.stream.frames or None
        if self.frame_count_hint is None and self.duration_seconds is not None:
            self.frame_count_hint = round(self.duration_seconds * self.rate)

    def _lay_out(self, head: VideoFrame) -> None:
        """Learn the size from the first frame: the stream's own numbers can be wrong."""
        self._coded = (head.width, head.height)
        a, b, c, d = self._matrix = _display_matrix(head)
        self._transposed = abs(b) + abs(c) > abs(a) + abs(d)
        self.width, self.height = self._coded[::-1] if self._transposed else self._coded
        aspect = self._decoder.stream.sample_aspect_ratio or Fraction(1)
        self.sample_aspect: Fraction = 1 / aspect if self._transposed else aspect
        """Width of a pixel over its height, as it is to be shown."""
        self._reformatter = VideoReformatter()

    @property
    def damage(self) -> str | None:
        """What is wrong with the file as far as it was read, in one line; that it is cut short shows at its end."""
        return self._decoder.damage

    def read(self) -> Frame | None:
        """The next frame, or None at the end. Of a damaged file it gives what can be decoded; see `damage`.

        `index` counts the frames that this source gave.
        """
        decoded = self._decoder.read()
        if decoded is None:
            return None
        frame = Frame(rgb=self._upright(self._rgb(decoded.raw)), index=self._index, pts_seconds=decoded.seconds)
        self._index += 1
        return frame

    def seek(self, seconds: Fraction) -> None:
        """Go on with the first frame whose pts_seconds is at or after `seconds`; behind the last one there is none.

        From there on pictures and times are exactly as when read from the start. Going on where the last `read`
        ended costs nothing. `damage` is then of what is read from there on.
        """
        self._decoder.seek(seconds)

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        self._decoder.close()

    def __enter__(self) -> VideoSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _rgb(self, frame: VideoFrame) -> Picture:
        width, height = self._coded  # a stream that changes its size goes on at the first one
        matrix = frame.colorspace
        if matrix == _UNSPECIFIED:
            matrix = Colorspace.ITU709 if is_high_definition(*self._coded) else Colorspace.ITU601
        rgb = self._reformatter.reformat(frame, width, height, "rgb24", src_colorspace=matrix)
        return cast(Picture, rgb.to_ndarray())

    def _upright(self, rgb: Picture) -> Picture:
        a, b, c, d = self._matrix
        across, down = (c, b) if self._transposed else (a, d)
        turned = rgb.transpose(1, 0, 2) if self._transposed else rgb
        return np.ascontiguousarray(turned[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1])


def is_high_definition(width: int, height: int) -> bool:
    """Whether players take an untagged picture of this size for BT.709 (True) or BT.601 (False)."""
    return width >= 1280 or height >= 720


def _display_matrix(frame: VideoFrame) -> tuple[int, int, int, int]:
    """(a, b, c, d) of the display matrix: x' = a x + c y, y' = b x + d y, with y downwards."""
    with suppress(KeyError):
        data = cast(Any, frame.side_data)[SideDataType.DISPLAYMATRIX]
        a, b, _, c, d = (int(n) for n in np.frombuffer(bytes(data), np.int32)[:5])
        return a, b, c, d
    return 1, 0, 0, 1
