"""One run through a video stream: from where the file stands, packet by packet, to pictures with exact times.

Broken packets are left out and counted, and what can be decoded is. avi keeps no presentation times: where it has
B-frames its pictures take the times of its packets in order.
What it does not know: where in the file to begin, colours, rotation, interlacing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from livestyle.sources.continuity import Continuity

_STUBBORN = 100  # failures to read in a row after which a file has ended

Demux = Callable[[VideoStream], Iterator[Any]]
"""Gives the packets of a stream."""


class Decoded(NamedTuple):
    """A picture as the file has it, and its time."""

    raw: VideoFrame
    seconds: Fraction


class Clock(NamedTuple):
    """How a stream tells the time."""

    time_base: Fraction
    """Seconds per tick."""
    rate: Fraction
    """Frames per second, on average: what a stream without a clock goes by."""
    origin_seconds: Fraction
    """The time that is taken for 0."""
    in_packet_order: bool
    """The n-th picture has the time of the n-th packet, as pictures have none that can be trusted."""
    may_jump: bool = False
    """It may start anew on the way."""

    def at(self, ticks: int) -> Fraction:
        """Seconds."""
        return ticks * self.time_base - self.origin_seconds

    def ticks(self, seconds: Fraction) -> int:
        """The last tick that is not after a time."""
        return int((seconds + self.origin_seconds) // self.time_base)


class Run:
    """An iterator of pictures. After a jump it begins with the first keyframe that comes."""

    def __init__(self, demux: Demux, stream: VideoStream, clock: Clock, *, jumped: bool) -> None:
        """demux: gives the packets of a stream, and can be called again when that fails."""
        self._demux, self._stream, self._clock = demux, stream, clock
        self.keyframe_seconds: Fraction | None = None
        """After a jump: the time of the keyframe that this run began with, once it has."""
        self.announced_seconds: list[Fraction] | None = [] if jumped else None
        """Times of the pictures in the packets so far; None: nobody wants to know any more."""
        self.broken = 0
        """Packets that were left out, and pictures that have holes."""
        self.last_dts: int | None = None
        """The latest decoding time of a whole packet, in ticks."""
        self.end_seconds = Fraction(0)
        """Where the last of the pictures so far ends."""
        self.ended = False
        self._continuity = Continuity() if clock.may_jump and not jumped else None
        self._order: deque[int] = deque()
        self._clock_seconds = Fraction(0)
        self._pictures: Iterator[Decoded] = self._decode(jumped=jumped)

    def __iter__(self) -> Run:
        return self

    def __next__(self) -> Decoded:
        return next(self._pictures)

    def stop(self) -> None:
        """Give nothing more."""
        self._pictures = iter(())

    def _decode(self, *, jumped: bool) -> Iterator[Decoded]:
        for packet in self._packets():
            if jumped and self.keyframe_seconds is None and not self._begins(packet):
                continue
            self._remember(packet)
            for raw in self._pictures_of(packet):
                seconds = self._seconds_of(raw)
                if self.keyframe_seconds is not None and seconds < self.keyframe_seconds:
                    continue  # leads a keyframe, and needs pictures from before it
                self.broken += raw.is_corrupt and self.end_seconds > 0
                lasts_seconds = raw.duration * self._clock.time_base  # longer, where fields are to be repeated
                self._clock_seconds = seconds + (lasts_seconds or 1 / self._clock.rate)
                self.end_seconds = max(self.end_seconds, seconds + 1 / self._clock.rate)
                yield Decoded(raw, seconds)
        self.ended = True

    def _packets(self) -> Iterator[Packet[VideoStream] | None]:
        """The last one is empty, or None, and makes the decoder give what it has."""
        failures = 0
        while failures < _STUBBORN:
            try:
                for packet in self._demux(self._stream):
                    failures = 0
                    if self._continuity:
                        self._continuity.keep(packet)
                    if packet.size or packet.dts is None:  # avi repeats a picture by an empty packet
                        yield packet
                return
            except (av.FFmpegError, OSError):
                failures += 1
                self.broken += 1
        yield None

    def _begins(self, packet: Packet[VideoStream] | None) -> bool:
        if packet is None or not packet.is_keyframe or packet.pts is None:
            return False
        self.keyframe_seconds = self._clock.at(packet.pts)
        return True

    def _remember(self, packet: Packet[VideoStream] | None) -> None:
        if packet is None or not packet.size:
            return
        if packet.is_corrupt and not self._clock.may_jump:  # its bytes end too early
            self.broken += 1
        elif packet.dts is not None:
            self.last_dts = max(packet.dts, packet.dts if self.last_dts is None else self.last_dts)
        if self._clock.in_packet_order and packet.dts is not None:
            self._order.append(packet.dts)
        if self.announced_seconds is not None and packet.pts is not None and not packet.is_discard:
            self.announced_seconds.append(self._clock.at(packet.pts))

    def _pictures_of(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        try:
            return self._stream.decode(packet)
        except av.FFmpegError:
            # Before the first picture it is a recording that starts between two keyframes.
            self.broken += self.end_seconds > 0
            return []

    def _seconds_of(self, raw: VideoFrame) -> Fraction:
        ticks = raw.pts
        if self._clock.in_packet_order:
            ticks = self._order.popleft() if self._order else None
        return self._clock_seconds if ticks is None else self._clock.at(ticks)  # raw streams carry no clock
