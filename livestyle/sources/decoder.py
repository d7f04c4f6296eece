"""The pictures of a file as FFmpeg decodes them, in presentation order, with exact times, from the start or any place.

What can be decoded of a damaged file is; `damage` says what is wrong. Where pictures have no times of their own
(avi with B-frames, raw streams) or clocks jump (transport streams), nothing tells which is which, so every seek decodes
from the start.

What it does not know: colours, rotation, interlacing. A file whose container announces no length can be cut
short without anyone noticing; mp4 and mov are exact here unless fragmented, mkv to one second.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from livestyle.errors import SourceError
from livestyle.sources.continuity import clock_jumps
from livestyle.sources.decoding import Clock, Decoded, Demux, Run
from livestyle.sources.media import clock_may_jump, clock_origin_seconds, open_media
from livestyle.sources.piped import PipedMedia

_FALLBACK_RATE = Fraction(25)  # what ffmpeg assumes for streams without a rate
_NEAR_SECONDS = 1  # so far ahead, decoding on is quicker than a jump


class VideoDecoder:
    """Decodes the best video stream of a file. Raises SourceError when there is none, or nothing of it decodes."""

    def __init__(self, path: Path | PipedMedia) -> None:
        """Of what comes through a pipe a seek back goes no further than to the last few pictures."""
        self._piped = path if isinstance(path, PipedMedia) else None
        self.path = path.path if isinstance(path, PipedMedia) else path
        self.name = path.name if isinstance(path, PipedMedia) else str(path)
        self._open()
        try:
            self.clock = _clock(self.container, self.stream)
            self.duration_seconds: float | None = _stream_seconds(self.stream, self.container)
            self._begin(jumped=False)
            first = next(self._run, None)
            if first is None:
                raise SourceError(f"{self.name}: not one frame decodes; play it elsewhere to see whether it is damaged")
        except BaseException:
            self.container.close()
            raise
        self.first: Decoded = first
        self._ready.append(first)
        self._timed = first.raw.pts is not None and not self.clock.in_packet_order

    @cached_property
    def _seekable(self) -> bool:
        """Whether times tell places in the file, and it can be read from there."""
        if self._piped:
            return False
        jumps = clock_may_jump(self.container) and clock_jumps(self.path, self.stream.index)
        return self._timed and not jumps

    def _open(self) -> None:
        self.container = self._piped.container if self._piped else open_media(self.path)
        try:
            self.stream = _best_video(self.container, self.name)
        except BaseException:
            self.container.close()
            raise
        self.stream.thread_type = "AUTO"

    def _begin(self, *, jumped: bool) -> None:
        demux: Demux = self._piped.demux if self._piped else self.container.demux
        self._run = Run(demux, self.stream, self.clock, jumped=jumped)
        self._given: deque[Decoded] = deque(maxlen=3)
        self._ready: deque[Decoded] = deque()

    def read(self) -> Decoded | None:
        """The next picture, or None at the end. A damaged file raises nothing; see `damage`."""
        decoded = self._ready.popleft() if self._ready else next(self._run, None)
        if decoded is not None:
            self._given.append(decoded)
        return decoded

    @property
    def following(self) -> Decoded | None:
        """The next picture, if it is decoded already, as it is after a seek."""
        return self._ready[0] if self._ready else None

    def stop(self) -> None:
        """Let a read that waits for a pipe in another thread end."""
        if self._piped:
            self._piped.stop()

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        self.stop()
        self._given.clear()
        self._ready.clear()
        self._run.stop()
        self.container.close()

    @property
    def damage(self) -> str | None:
        """What is wrong with what was read, in one line; that a file is cut short shows at its end."""
        if self._run.ended and (short := self._shortness()):
            return f"{self.name} is truncated: {short}; copy or download it again"
        if self._run.broken:
            return f"{self.name} is damaged: {self._run.broken} broken packets or pictures; copy or download it again"
        return None

    def seek(self, seconds: Fraction, *, run_in: bool = False) -> None:
        """Go on with the first picture at or after a time; from there on they are as when read from the start.

        run_in: the picture before it comes first, if there is one.
        """
        if self._push_back(seconds, run_in) or self._decode_on(seconds, run_in):
            return
        if self._piped:
            self._ready.extendleft(reversed(self._given))
            self._given.clear()
            return
        step = Fraction(0)
        while self._seekable and seconds - step > self.first.seconds + _NEAR_SECONDS:
            if self._jump(seconds - step) and self._settle(seconds, run_in):
                return
            step = max(Fraction(1), 2 * step)
        self._restart()
        self._settle(seconds, run_in)

    def _push_back(self, seconds: Fraction, run_in: bool) -> bool:
        """Give the last few pictures again, if that is all it takes."""
        known = [*self._given, *self._ready]
        at = next((i for i, decoded in enumerate(known) if decoded.seconds >= seconds), len(known))
        if at == len(known):
            return False
        if at == 0 and known[0].seconds != self.first.seconds and (run_in or known[0].seconds != seconds):
            return False
        self._given.clear()
        self._ready = deque(known[max(0, at - run_in) :])
        return True

    def _decode_on(self, seconds: Fraction, run_in: bool) -> bool:
        """Decode what lies between, if that is little, or the only way."""
        known = [*self._given, *self._ready]
        gap_seconds = seconds - known[-1].seconds if known else 0
        if gap_seconds <= 0 or (gap_seconds > _NEAR_SECONDS and self._seekable):
            return False
        self._settle(seconds, run_in, before=known[-1])
        return True

    def _jump(self, seconds: Fraction) -> bool:
        try:
            self.container.seek(self.clock.ticks(seconds), stream=self.stream)
        except (av.FFmpegError, OSError):
            return False
        self._begin(jumped=True)
        return True

    def _restart(self) -> None:
        self.container.close()
        self._open()
        self._begin(jumped=False)

    def _settle(self, seconds: Fraction, run_in: bool, before: Decoded | None = None) -> bool:
        """Decode up to a time; whether what comes then is what reading from the start gives.

        After a jump that takes a keyframe before the time, which comes out itself (with intra refresh it does not,
        and what follows it is not the same), and every picture that the packets behind it announce.
        """
        first = found = None
        for found in self._run:
            first = first or found
            if found.seconds >= seconds:
                break
            before, found = found, None
        self._given.clear()
        self._ready = deque(decoded for decoded in (before if run_in else None, found) if decoded is not None)
        announced, self._run.announced_seconds = self._run.announced_seconds, None
        if announced is None:
            return True
        self._run.broken = 0  # what is broken on the way is not of what is read
        key = self._run.keyframe_seconds
        if key is None or key > seconds or (run_in and before is None):
            return False
        if key in announced and first is not None and first.seconds != key:
            return False
        known = {decoded.seconds for decoded in self._ready}
        start = min(known | {seconds})
        return not any(start <= t and (found is None or t < found.seconds) for t in announced if t not in known)

    def _shortness(self) -> str | None:
        """Many demuxers just stop where a cut file ends, so compare with what the container announced."""
        is_seconds = float(self._run.end_seconds)
        if _indexes_every_packet(self.container):
            entries = self.stream.index_entries  # of packets: an edit list may rightly hide some pictures
            if len(entries) and (
                self._run.last_dts is None or self._run.last_dts < entries[len(entries) - 1].timestamp
            ):
                announced = f" of {self.duration_seconds:.1f}" if self.duration_seconds else ""
                return f"{is_seconds:.1f}{announced} seconds are there"
        elif self.duration_seconds is not None and is_seconds + 1 < self.duration_seconds:
            return f"{is_seconds:.1f} of {self.duration_seconds:.1f} seconds are there"
        return None


def _clock(container: InputContainer, stream: VideoStream) -> Clock:
    rate = stream.average_rate or stream.guessed_rate or _FALLBACK_RATE
    return Clock(
        time_base=stream.time_base or 1 / rate,
        rate=rate,
        origin_seconds=clock_origin_seconds(container),
        in_packet_order=container.format.name == "avi" and stream.codec_context.has_b_frames,
        may_jump=clock_may_jump(container),
    )


def _best_video(container: InputContainer, name: str) -> VideoStream:
    streams = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
    pictures = [s for s in streams if s.codec_context is not None]
    best = container.streams.best("video")
    if best in pictures:
        return best
    if pictures:
        return pictures[0]
    if streams:
        raise SourceError(f"{name}: its pictures are damaged, or in a format that this FFmpeg does not know")
    raise SourceError(f"{name} has no video stream, or is cut before it begins; give a file with moving pictures in it")


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
