"""A video file as a source: every frame once, upright, in presentation order, with its exact time.

Colour matrix and range are honoured; a file that does not name its matrix is read as players do, BT.709
from 720 lines or 1280 pixels on, BT.601 below. A display matrix (rotation, flip) is applied to the pixels.

What it does not know: HDR (no tone mapping), interlacing (fields stay woven), alpha, and more than one
video stream (the best one is read). A file whose container announces no length can be cut short without
anyone noticing; mp4 and mov are exact here unless fragmented, mkv to one second, avi and streams say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.container import InputContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter
from av.video.stream import VideoStream

from livestyle.errors import SourceError
from livestyle.frame import Frame, Picture

_UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED
_TS_DISCONT = 0x200  # AVFMT_TS_DISCONT
_FALLBACK_RATE = Fraction(25)  # what ffmpeg assumes for streams without a rate


class VideoSource:
    """Reads a video file; see livestyle.sources.Source.

    `pts_seconds` of its frames is pts * time_base, exactly, less `origin_seconds`, which is 0 except for
    transport streams, where clocks start anywhere. Opening decodes the first frame. Raises SourceError.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.name = str(path)
        self._container = open_media(self.path)
        try:
            self._stream = _best_video(self._container, self.name)
            self._describe()
            self._frames = self._decoded()
            self._head: VideoFrame | None = next(self._frames, None)
            if self._head is None:
                raise SourceError(f"{self.name}: not one frame decodes; play it elsewhere to see whether it is damaged")
            self._lay_out(self._head)
        except BaseException:
            self._container.close()
            raise

    def _describe(self) -> None:
        stream = self._stream
        stream.thread_type = "AUTO"
        self.rate: Fraction = stream.average_rate or stream.guessed_rate or _FALLBACK_RATE
        """Frames per second, on average."""
        self.time_base: Fraction = stream.time_base or 1 / self.rate
        """Seconds per tick: every pts_seconds is a multiple of it."""
        self.has_audio: bool = bool(self._container.streams.audio)
        self.has_subtitles: bool = bool(self._container.streams.subtitles)
        self.origin_seconds: Fraction = clock_origin_seconds(self._container)
        self.duration_seconds: float | None = _stream_seconds(stream, self._container)
        """Announced by the container; None when it does not say."""
        self.frame_count_hint: int | None = stream.frames or None
        if self.frame_count_hint is None and self.duration_seconds is not None:
            self.frame_count_hint = round(self.duration_seconds * self.rate)
        self._index = self._packets = 0
        self._end_seconds = self._first_seconds = Fraction(0)

    def _lay_out(self, head: VideoFrame) -> None:
        """Learn the size from the first frame: the stream's own numbers can be wrong."""
        self._coded = (head.width, head.height)
        a, b, c, d = self._matrix = _display_matrix(head)
        self._transposed = abs(b) + abs(c) > abs(a) + abs(d)
        self.width, self.height = self._coded[::-1] if self._transposed else self._coded
        aspect = self._stream.sample_aspect_ratio or Fraction(1)
        self.sample_aspect: Fraction = 1 / aspect if self._transposed else aspect
        """Width of a pixel over its height, as it is to be shown."""
        self._reformatter = VideoReformatter()

    def read(self) -> Frame | None:
        """The next frame, or None at the end. Raises SourceError when the file is damaged or cut short."""
        raw, self._head = self._head, None
        raw = raw or next(self._frames, None)
        if raw is None:
            self._check_complete()
            return None
        pts_seconds = self._pts_seconds(raw)
        frame = Frame(rgb=self._upright(self._rgb(raw)), index=self._index, pts_seconds=pts_seconds)
        self._index += 1
        self._end_seconds = max(self._end_seconds, pts_seconds + 1 / self.rate)
        return frame

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        self._frames = iter(())
        self._container.close()

    def __enter__(self) -> VideoSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _decoded(self) -> Iterator[VideoFrame]:
        started = False
        try:
            for packet in self._container.demux(self._stream):
                self._packets += bool(packet.size) and not packet.is_corrupt  # corrupt: its bytes end too early
                try:
                    frames = packet.decode()
                except av.InvalidDataError:
                    if started:
                        raise
                    continue  # a recording that starts between two keyframes
                for frame in frames:
                    started = True
                    yield frame
        except (av.FFmpegError, OSError) as error:
            raise SourceError(
                f"{self.name} is damaged or truncated: {_reason(error)} after frame {self._index}"
                f"{self._of_announced()}; copy or download it again"
            ) from error

    def _of_announced(self) -> str:
        return f" of {self.frame_count_hint}" if self.frame_count_hint else ""

    def _pts_seconds(self, frame: VideoFrame) -> Fraction:
        if frame.pts is None:  # raw streams carry no clock
            return self._end_seconds
        return frame.pts * self.time_base - self.origin_seconds

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

    def _check_complete(self) -> None:
        """Many demuxers just stop where a cut file ends, so compare with what the container announced."""
        expected = self.frame_count_hint
        if _indexes_every_packet(self._container):
            # Counted in packets: an edit list may rightly hide some of the announced frames.
            expected = len(self._stream.index_entries)
            short = self._packets < expected
        else:
            short = self.duration_seconds is not None and self._end_seconds + 1 < self.duration_seconds
        if short:
            raise SourceError(
                f"{self.name} is truncated: {self._index} of {expected} frames; copy or download it again"
            )


def open_media(path: Path) -> InputContainer:
    """Open a media file for reading. Raises SourceError in one line."""
    if not path.exists():
        raise SourceError(f"{path}: no such file; check the spelling and the folder you are in")
    if path.is_dir():
        raise SourceError(f"{path} is a folder, not a video; name a file inside it")
    try:
        if path.stat().st_size == 0:
            raise SourceError(f"{path} is empty (0 bytes); copy or download it again")
        return av.open(str(path.resolve()), "r")  # absolute: "a:b.mp4" would be taken for a URL
    except PermissionError as error:
        raise SourceError(f"{path} cannot be opened: permission denied; allow reading it") from error
    except (av.FFmpegError, OSError) as error:
        raise SourceError(
            f"{path} is not a video that FFmpeg can open, or it is truncated: {_reason(error)}; "
            "give an mp4, mov, mkv, webm or avi file that plays elsewhere"
        ) from error


def clock_origin_seconds(container: InputContainer) -> Fraction:
    """Where this file's clock starts: 0, but for transport streams the first time stamp of picture or sound."""
    if not container.format.flags & _TS_DISCONT:
        return Fraction(0)
    streams = (*container.streams.video, *container.streams.audio)
    starts = [s.start_time * s.time_base for s in streams if s.start_time is not None and s.time_base]
    return min(starts, default=Fraction(0))


def is_high_definition(width: int, height: int) -> bool:
    """Whether players take an untagged picture of this size for BT.709 (True) or BT.601 (False)."""
    return width >= 1280 or height >= 720


def _best_video(container: InputContainer, name: str) -> VideoStream:
    pictures = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
    best = container.streams.best("video")
    if best in pictures:
        return best
    if pictures:
        return pictures[0]
    raise SourceError(f"{name} has no video stream, or is cut before it begins; give a file with moving pictures in it")


def _display_matrix(frame: VideoFrame) -> tuple[int, int, int, int]:
    """(a, b, c, d) of the display matrix: x' = a x + c y, y' = b x + d y, with y downwards."""
    with suppress(KeyError):
        data = cast(Any, frame.side_data)[SideDataType.DISPLAYMATRIX]
        a, b, _, c, d = (int(n) for n in np.frombuffer(bytes(data), np.int32)[:5])
        return a, b, c, d
    return 1, 0, 0, 1


def _stream_seconds(stream: VideoStream, container: InputContainer) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    text = stream.metadata.get("DURATION", "")  # Matroska keeps it per stream as 00:00:10.010000000
    with suppress(ValueError):
        hours, minutes, seconds = (float(part) for part in text.split(":"))
        return hours * 3600 + minutes * 60 + seconds
    if container.duration and len(container.streams) == 1:
        return container.duration / av.time_base
    return None


def _indexes_every_packet(container: InputContainer) -> bool:
    """True for mp4 and mov, whose header lists every sample; fragments only add to the list as they come."""
    return "mp4" in container.format.name.split(",")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
