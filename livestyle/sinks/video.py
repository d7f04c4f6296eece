"""Pictures into a video file that appears under its name only when it is whole.

H.264 in mp4, mov and mkv, VP9 in webm; limited range, tagged BT.709 from 720 lines or 1280 pixels on
and BT.601 below, so players that read the tags and players that guess agree. The picture keeps its exact
size: 4:2:0 H.264 has only even sides, so an odd one is written as 4:4:4, and `note` says so.

Time stamps are exact in mp4 and mov. Matroska (mkv, webm) counts milliseconds, and where the sound starts
before 0 (AAC's run-in) it moves sound and picture later by that, together. There is no avi: it keeps no time
stamps, so neither a start offset nor a variable rate would survive.
What it does not know: HDR, alpha, variable picture size, subtitles, metadata.
"""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from livestyle.errors import OutputError, SettingError
from livestyle.frame import Picture, check_picture
from livestyle.sinks import partial_path
from livestyle.sinks.audio import AudioTracks
from livestyle.sources.video import is_high_definition

SUFFIXES = (".mp4", ".mov", ".mkv", ".webm")
_FRAGMENTS = {"movflags": "+hybrid_fragmented", "frag_duration": "500000", "flush_packets": "1"}
_CLUSTERS = {"cluster_time_limit": "500", "flush_packets": "1"}
_SURVIVING_OPTIONS = {".mp4": _FRAGMENTS, ".mov": _FRAGMENTS, ".mkv": _CLUSTERS, ".webm": _CLUSTERS}
_BT709, _SMPTE170M = 1, 6  # the same numbers for matrix, primaries and transfer (ITU-T H.273)


@dataclass(frozen=True, kw_only=True)
class VideoOptions:
    """How a video file is written; decided once."""

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
    audio_from: Path | None = None
    """A media file whose sound is copied; its clock is the one of `pts_seconds`."""
    survives: bool = False
    """For recordings: playable whatever happens, and kept when writing fails."""


class VideoSink:
    """A context manager: `with VideoSink(...) as sink: sink.write(rgb, pts_seconds)`.

    Leaving it by an exception deletes what was written, unless it `survives`. Raises SettingError for an unknown
    suffix and OutputError when the file cannot be written. Used by one thread at a time.
    """

    def __init__(
        self, path: str | Path, options: VideoOptions, *, note: Callable[[str], None] = lambda text: None
    ) -> None:
        self.path = Path(path)
        self.options = options
        self._note = note
        self._partial = partial_path(self.path)
        self._reformatter = VideoReformatter()
        self._audio: AudioTracks | None = None
        self._last_tick: int | None = None
        check_output(self.path, options.audio_from)
        self._suffix = self.path.suffix.lower()
        self._time_base = options.time_base
        width, height = options.size
        self._matrix = Colorspace.ITU709 if is_high_definition(width, height) else Colorspace.ITU601

    def __enter__(self) -> VideoSink:
        with self._failures():
            self._open()
        return self

    def write(self, rgb: Picture, pts_seconds: Fraction) -> None:
        """Add a picture of the agreed size. Time stamps rise; one that does not is moved up by a tick."""
        check_picture(rgb)
        if (rgb.shape[1], rgb.shape[0]) != self.options.size:
            raise ValueError(f"this file has pictures of {self.options.size}, not {(rgb.shape[1], rgb.shape[0])}")
        tick = round(pts_seconds / self._time_base)
        if self._last_tick is not None:
            tick = max(tick, self._last_tick + 1)
        self._last_tick = tick
        with self._failures():
            if self._audio:
                self._audio.advance(pts_seconds)
            self._mux(self._stream.encode(self._yuv(rgb, tick)))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._discard()
            return
        with self._failures():
            self._finish()

    def _open(self) -> None:
        self._container = av.open(str(self._partial.absolute()), "w")
        self._stream = self._add_picture(self._container)
        if self.options.audio_from:
            self._audio = AudioTracks(self.options.audio_from, self._container, self._note)
        if self._suffix in (".mp4", ".mov"):
            self._container.container_options.update(self._mov_options())
        if self.options.survives:
            self._container.container_options.update(_SURVIVING_OPTIONS[self._suffix])
        self._container.start_encoding()  # an unwritable folder shows now, not after the encoder's look-ahead

    def _add_picture(self, container: OutputContainer) -> VideoStream:
        options, (width, height) = self.options, self.options.size
        vp9 = self._suffix == ".webm"
        stream = container.add_stream(
            "libvpx-vp9" if vp9 else "libx264", rate=options.rate, time_base=self._time_base, width=width, height=height
        )
        if not isinstance(stream, VideoStream):
            raise OutputError(f"{self.path}: this FFmpeg has no video encoder for it; install PyAV from PyPI")
        even = width % 2 == 0 and height % 2 == 0
        stream.pix_fmt = "yuv420p" if even or vp9 else "yuv444p"
        stream.options = self._vp9_options() if vp9 else self._x264_options()
        _tag_colours(stream, self._matrix)
        stream.codec_context.sample_aspect_ratio = options.sample_aspect
        if not even and not vp9:
            self._note(
                f"{self.path.name}: {width}x{height} is odd, so it is H.264 4:4:4, which some players (phones, "
                "QuickTime) do not show; an even size or a .webm output plays everywhere"
            )
        return stream

    def _x264_options(self) -> dict[str, object]:
        live = {"tune": "zerolatency", "g": "60"} if self.options.survives else {}  # nothing waits in the encoder
        return {"crf": str(self.options.crf), "preset": self.options.preset, **live}

    def _vp9_options(self) -> dict[str, object]:
        return {"crf": str(min(63, self.options.crf + 10)), "deadline": "good", "cpu-used": "5", "row-mt": "1"}

    def _mov_options(self) -> dict[str, str]:
        # Start offsets are written in movie ticks: by default milliseconds, which would round them.
        scale = math.lcm(self._time_base.denominator, self._audio.time_scale if self._audio else 1)
        scale = scale if scale < 2**31 else self._time_base.denominator
        return {"movflags": "+faststart", "movie_timescale": str(scale)}

    def _yuv(self, rgb: Picture, tick: int) -> VideoFrame:
        picture = VideoFrame.from_ndarray(rgb, format="rgb24")
        yuv = self._reformatter.reformat(
            picture,
            format=self._stream.pix_fmt,
            dst_colorspace=self._matrix,
            dst_color_range=ColorRange.MPEG,
        )
        yuv.pts, yuv.time_base = tick, self._time_base
        return yuv

    def _mux(self, packets: list[Packet[Any]]) -> None:
        for packet in packets:
            # Only the last picture's counts: without it the file ends one picture early.
            packet.duration = max(1, round(1 / (self.options.rate * self._time_base)))
            self._container.mux(packet)

    def _finish(self) -> None:
        if self._last_tick is None:
            raise OutputError(f"{self.path}: no picture came, so no file is written; check the source")
        self._mux(self._stream.encode(None))
        if self._audio:
            self._audio.advance(None)
            self._audio.close()
        self._container.close()
        os.replace(self._partial, self.path)

    def _discard(self) -> None:
        if self._audio:
            self._audio.close()
        # What brought us here is the failure to report, not what follows from it.
        if hasattr(self, "_container"):
            with suppress(av.FFmpegError, OSError):
                self._container.close()
        with suppress(OSError):
            if self.options.survives and self._last_tick is not None:
                os.replace(self._partial, self.path)
            else:
                self._partial.unlink()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Clean up whatever goes wrong, and say it in one line if it is the output's fault."""
        try:
            yield
        except (av.FFmpegError, OSError) as error:
            self._discard()
            raise output_error(self.path, error, kept=self.options.survives) from error
        except BaseException:
            self._discard()
            raise


def check_output(path: Path, source: Path | None = None) -> None:
    """Fail before any work is done: SettingError for the suffix, OutputError for the place."""
    if path.is_dir():
        raise OutputError(f"{path} is a folder; name a file in it, as in {path / 'out.mp4'}")
    if path.suffix.lower() not in SUFFIXES:
        raise SettingError(f"{path}: suffix {path.suffix!r} is no video format here; use one of {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: the folder {path.parent} does not exist; create it first")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path}: the folder {path.parent} is not writable; choose another")
    if source is not None and path.exists() and source.exists() and path.samefile(source):
        raise OutputError(f"{path} is also the input; choose another name for the output")


def output_error(path: Path, error: OSError | av.FFmpegError, *, kept: bool = False) -> OutputError:
    """The one line for a write that failed. kept: the file stays as far as it was written."""
    fate = "What was written is kept" if kept else "Nothing was kept"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return OutputError(f"{path}: {error.strerror}; free some space or choose another disk. {fate}")
    return OutputError(f"{path} cannot be written: {error.strerror or error}; choose another place. {fate}")


def _tag_colours(stream: VideoStream, matrix: Colorspace) -> None:
    tag = _BT709 if matrix is Colorspace.ITU709 else _SMPTE170M
    stream.color_range = ColorRange.MPEG
    stream.colorspace = stream.color_primaries = stream.color_trc = tag
