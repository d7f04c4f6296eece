"""Pictures into the packets of one video stream, in one of the codecs of `codecs.py`.

SDR is limited range, tagged BT.709 from 720 lines or 1280 pixels on and BT.601 below, so players that read the tags
and players that guess agree. An HDR signal takes the pictures up to its reference white (ITU-R BT.2408), in BT.2020.
The picture keeps its exact size: 4:2:0 H.264 and HEVC have only even sides, so an odd one is written as 4:4:4, and
`note` says so.

What it does not know: files, sound, alpha, variable picture size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter
from av.video.stream import VideoStream

from livestyle.errors import OutputError
from livestyle.frame import Picture, check_picture
from livestyle.sinks.codec_options import encoder_options
from livestyle.sinks.codecs import CODECS
from livestyle.sources.color_table import FORMAT, ColorTable
from livestyle.sources.light import Signal, from_sdr
from livestyle.sources.signal import BT2020_NCL, Mastering, is_high_definition

_RGB, _BT709, _SMPTE170M = 0, 1, 6  # for matrix, primaries and transfer (ITU-T H.273)
_HDR_TRANSFERS = {"pq": ColorTrc.SMPTE2084, "hlg": ColorTrc.ARIB_STD_B67}


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How pictures are encoded; decided once. Streams of equal encodings can follow one another in one."""

    size: tuple[int, int]
    """(width, height) in pixels; odd numbers are fine."""
    rate: Fraction = Fraction(30)
    """Frames per second, as announced; for a live recording the expected one."""
    time_base: Fraction = Fraction(1, 90000)
    """Seconds per tick: time stamps that are multiples of it are kept exactly."""
    sample_aspect: Fraction = Fraction(1)
    """Width of a pixel over its height."""
    codec: str = "h264"
    """One of `CODECS`."""
    crf: int | None = None
    """Quality; None: the codec's usual one. 0 in H.264 is lossless."""
    preset: str | None = None
    """The codec's trade of time for size; None: the usual one."""
    bits: int | None = None
    """Bits a channel; None: the codec's usual depth."""
    nvenc: bool = False
    """By the encoder in an NVIDIA GPU, which must be there."""
    signal: Signal = Signal()
    """SDR in BT.709, or an HDR signal, which wants 10 bits."""
    mastering: Mastering = Mastering()
    """For HDR: the display that the video was made on."""
    survives: bool = False
    """For recordings: playable whatever happens, so that no picture waits in the encoder; kept when writing fails."""

    @property
    def depth(self) -> int:
        """Bits a channel."""
        return self.bits or CODECS[self.codec].default_bits

    @property
    def pixel_format(self) -> str:
        """FFmpeg's name of what the encoder takes."""
        if self.nvenc and self.depth == 10:
            return "p010le"
        if self.preset in ("4444", "4444xq"):  # ProRes
            return "yuv444p10le"
        odd = self.size[0] % 2 or self.size[1] % 2
        return CODECS[self.codec].formats[self.depth][bool(odd)]


class PictureEncoder:
    """Encodes for a stream that it adds to a container, before the container's header is written."""

    def __init__(
        self, container: OutputContainer, encoding: Encoding, note: Callable[[str], None], *, name: str
    ) -> None:
        """name: the file's, for `note`. Raises OutputError when this FFmpeg has no such encoder, or for a size
        that it cannot write."""
        self.encoding = encoding
        self._time_base = encoding.time_base
        self._last_tick: int | None = None
        self._reformatter = VideoReformatter()
        self._table: ColorTable | None = None
        codec = CODECS[encoding.codec]
        width, height = encoding.size
        least_width, least_height = codec.least_px
        if width < least_width or height < least_height:
            raise OutputError(
                f"{name}: {width}x{height} is too small for {codec.name}, which begins at "
                f"{least_width}x{least_height}: choose a larger --size, or --codec h264"
            )
        try:
            stream = container.add_stream(
                codec.nvenc if encoding.nvenc else codec.encoder,
                rate=encoding.rate,
                time_base=self._time_base,
                width=width,
                height=height,
            )
        except ValueError as error:
            raise OutputError(
                f"{name}: this FFmpeg cannot write {codec.name} ({error}); install PyAV from PyPI"
            ) from None
        assert isinstance(stream, VideoStream)
        stream.pix_fmt = encoding.pixel_format
        stream.options = encoder_options(encoding)
        if not encoding.survives:
            stream.thread_type = "AUTO"  # PyAV's default, slices, costs x264 quality
        stream.codec_context.sample_aspect_ratio = encoding.sample_aspect
        if codec.tag and container.format.name in ("mp4", "mov"):
            stream.codec_context.codec_tag = codec.tag
        self._matrix = self._tag_colours(stream)
        if encoding.pixel_format.startswith("yuv444p") and (width % 2 or height % 2):
            note(
                f"{name}: {width}x{height} is odd, so it is {codec.name} in 4:4:4, which some players (phones, "
                "QuickTime) do not show; an even size or --codec vp9 or av1 plays everywhere"
            )
        self.stream = stream

    @property
    def empty(self) -> bool:
        """No picture has come."""
        return self._last_tick is None

    def encode(self, rgb: Picture, pts_seconds: Fraction) -> list[Packet[Any]]:
        """Add a picture of the agreed size. Time stamps rise; one that does not is moved up by a tick."""
        check_picture(rgb)
        if (rgb.shape[1], rgb.shape[0]) != self.encoding.size:
            raise ValueError(f"this file has pictures of {self.encoding.size}, not {(rgb.shape[1], rgb.shape[0])}")
        tick = round(pts_seconds / self._time_base)
        if self._last_tick is not None:
            tick = max(tick, self._last_tick + 1)
        self._last_tick = tick
        yuv = self._yuv(VideoFrame.from_ndarray(rgb, format="rgb24"))
        yuv.pts, yuv.time_base = tick, self._time_base
        yuv.color_primaries, yuv.color_trc = self.stream.color_primaries, self.stream.color_trc  # ProRes asks these
        return self._lasting(self.stream.encode(yuv))

    def rest(self) -> list[Packet[Any]]:
        """What is still in the encoder; it takes no more pictures."""
        return self._lasting(self.stream.encode(None))

    def _lasting(self, packets: list[Packet[Any]]) -> list[Packet[Any]]:
        for packet in packets:
            # Only the last picture's counts: without it the file ends one picture early.
            packet.duration = max(1, round(1 / (self.encoding.rate * self._time_base)))
        return packets

    def _yuv(self, picture: VideoFrame) -> VideoFrame:
        """Or RGB, for a codec that takes it."""
        if self._matrix is None:
            return self._reformatter.reformat(picture, format=self.encoding.pixel_format)
        if self.encoding.signal.is_hdr:
            if self._table is None:
                self._table = ColorTable(from_sdr, self.encoding.signal, *self.encoding.size)
            picture = self._table.apply(picture.reformat(format=FORMAT))
        return self._reformatter.reformat(
            picture,
            format=self.encoding.pixel_format,
            dst_colorspace=self._matrix,
            dst_color_range=ColorRange.MPEG,
        )

    def _tag_colours(self, stream: VideoStream) -> int | None:
        """Returns the matrix; None where colours stay RGB."""
        signal = self.encoding.signal
        if self.encoding.codec == "gif":
            stream.color_range, stream.colorspace = ColorRange.JPEG, _RGB
            return None
        stream.color_range = ColorRange.MPEG
        if signal.is_hdr:
            stream.colorspace, stream.color_primaries = BT2020_NCL, ColorPrimaries.BT2020
            stream.color_trc = _HDR_TRANSFERS[signal.transfer]
            return BT2020_NCL
        high = is_high_definition(*self.encoding.size)
        stream.colorspace = stream.color_primaries = stream.color_trc = _BT709 if high else _SMPTE170M
        return Colorspace.ITU709 if high else Colorspace.ITU601
