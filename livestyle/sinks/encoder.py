"""Pictures into the packets of one video stream: H.264, or VP9 where the file is a webm.

Limited range, tagged BT.709 from 720 lines or 1280 pixels on and BT.601 below, so players that read the tags
and players that guess agree. The picture keeps its exact size: 4:2:0 H.264 has only even sides, so an odd one is
written as 4:4:4, and `note` says so.

What it does not know: files, sound, HDR, alpha, variable picture size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from livestyle.errors import OutputError
from livestyle.frame import Picture, check_picture
from livestyle.sources.signal import is_high_definition

_BT709, _SMPTE170M = 1, 6  # the same numbers for matrix, primaries and transfer (ITU-T H.273)

X264_THREADS = 4
"""On any machine: what x264 writes depends on their number."""


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How pictures are encoded; decided once."""

    size: tuple[int, int]
    """(width, height) in pixels; odd numbers are fine."""
    rate: Fraction = Fraction(30)
    """Frames per second, as announced; for a live recording the expected one."""
    time_base: Fraction = Fraction(1, 90000)
    """Seconds per tick: time stamps that are multiples of it are kept exactly."""
    sample_aspect: Fraction = Fraction(1)
    """Width of a pixel over its height."""
    crf: int = 18
    """H.264 quality, 0 (lossless) to 51; 18 looks like the input. VP9 runs 10 higher for the same look."""
    preset: str = "veryfast"
    """x264's trade of time for size."""
    survives: bool = False
    """For recordings: playable whatever happens, so that no picture waits in the encoder; kept when writing fails."""


class PictureEncoder:
    """Encodes for a stream that it adds to a container, before the container's header is written."""

    def __init__(
        self, container: OutputContainer, encoding: Encoding, note: Callable[[str], None], *, webm: bool, name: str
    ) -> None:
        """webm: VP9. name: the file's, for `note`. Raises OutputError when this FFmpeg has no such encoder."""
        self.encoding = encoding
        self._time_base = encoding.time_base
        self._last_tick: int | None = None
        self._reformatter = VideoReformatter()
        width, height = encoding.size
        self._matrix = Colorspace.ITU709 if is_high_definition(width, height) else Colorspace.ITU601
        stream = container.add_stream(
            "libvpx-vp9" if webm else "libx264",
            rate=encoding.rate,
            time_base=self._time_base,
            width=width,
            height=height,
        )
        if not isinstance(stream, VideoStream):
            raise OutputError(f"{name}: this FFmpeg has no video encoder for it; install PyAV from PyPI")
        even = width % 2 == 0 and height % 2 == 0
        stream.pix_fmt = "yuv420p" if even or webm else "yuv444p"
        stream.options = _vp9_options(encoding) if webm else _x264_options(encoding)
        _tag_colours(stream, self._matrix)
        stream.codec_context.sample_aspect_ratio = encoding.sample_aspect
        if not even and not webm:
            note(
                f"{name}: {width}x{height} is odd, so it is H.264 4:4:4, which some players (phones, "
                "QuickTime) do not show; an even size or a .webm output plays everywhere"
            )
        self.stream = stream

    def encode(self, rgb: Picture, pts_seconds: Fraction) -> list[Packet[Any]]:
        """Add a picture of the agreed size. Time stamps rise; one that does not is moved up by a tick."""
        check_picture(rgb)
        if (rgb.shape[1], rgb.shape[0]) != self.encoding.size:
            raise ValueError(f"this file has pictures of {self.encoding.size}, not {(rgb.shape[1], rgb.shape[0])}")
        tick = round(pts_seconds / self._time_base)
        if self._last_tick is not None:
            tick = max(tick, self._last_tick + 1)
        self._last_tick = tick
        return self._lasting(self.stream.encode(self._yuv(rgb, tick)))

    def rest(self) -> list[Packet[Any]]:
        """What is still in the encoder; it takes no more pictures."""
        return self._lasting(self.stream.encode(None))

    def _lasting(self, packets: list[Packet[Any]]) -> list[Packet[Any]]:
        for packet in packets:
            # Only the last picture's counts: without it the file ends one picture early.
            packet.duration = max(1, round(1 / (self.encoding.rate * self._time_base)))
        return packets

    def _yuv(self, rgb: Picture, tick: int) -> VideoFrame:
        picture = VideoFrame.from_ndarray(rgb, format="rgb24")
        yuv = self._reformatter.reformat(
            picture,
            format=self.stream.pix_fmt,
            dst_colorspace=self._matrix,
            dst_color_range=ColorRange.MPEG,
        )
        yuv.pts, yuv.time_base = tick, self._time_base
        return yuv


def _x264_options(encoding: Encoding) -> dict[str, object]:
    live = {"tune": "zerolatency", "g": "60"} if encoding.survives else {}
    return {"crf": str(encoding.crf), "preset": encoding.preset, "threads": str(X264_THREADS), **live}


def _vp9_options(encoding: Encoding) -> dict[str, object]:
    return {"crf": str(min(63, encoding.crf + 10)), "deadline": "good", "cpu-used": "5", "row-mt": "1"}


def _tag_colours(stream: VideoStream, matrix: Colorspace) -> None:
    tag = _BT709 if matrix is Colorspace.ITU709 else _SMPTE170M
    stream.color_range = ColorRange.MPEG
    stream.colorspace = stream.color_primaries = stream.color_trc = tag
