"""All of a media file but its pictures, carried over to an output: sound, subtitles, chapters, fonts, covers, names.

Packets are copied bit for bit wherever the output's container can hold them. Else sound is encoded again and text
subtitles are written in the container's own format; what fits in no way is left out. Each is said once through `note`.
With a window of time, packets that begin outside it are dropped, subtitles and chapters that reach into it are cut.

What it does not know: mixing or delaying sound, and data tracks (telemetry), which are left out. A time code is kept
where mp4 or mov goes to mp4 or mov.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Discard
from av.subtitles.stream import SubtitleStream

from livestyle.sinks.audio import audio_route
from livestyle.sinks.extras import carry_extras
from livestyle.sinks.subtitles import subtitle_route
from livestyle.sources.continuity import Continuity
from livestyle.sources.media import clock_may_jump, clock_origin_seconds, open_media, reason
from livestyle.sources.piped import PipedMedia

_INTERLEAVING_SECONDS = 2
"""So far apart tracks may lie in a file and still be written side by side."""


_ENDLESS_SECONDS = 2000
"""The end of a subtitle that is shown for longer is not known: FFmpeg writes 50 days, which mp4 does not hold.

It is shown until the next one then. In mp4 the last one needs a length of its own, of a second.
"""


class _Timed(NamedTuple):
    seconds: float
    """For the order of writing only; the packet's own times are exact."""
    packet: Packet[Any]


@dataclass(frozen=True, kw_only=True)
class TracksFrom:
    """Whose tracks go beside the pictures, and which part of them."""

    path: Path
    sound: bool = True
    start_seconds: Fraction = Fraction(0)
    """What is there then is at 0 in the output."""
    end_seconds: Fraction | None = None
    """None: to the end."""
    piped: PipedMedia | None = None
    """It comes through a pipe, where somebody reads its pictures."""


class Route(Protocol):
    """The way of one stream: takes its packets, gives those of the output's stream."""

    broken: int

    def pass_on(self, packet: Packet[Any]) -> list[Packet[Any]]: ...

    def finish(self) -> list[Packet[Any]]: ...


class Tracks:
    """Feeds the other tracks of a file into `container`, in step with the pictures.

    To be made when the stream of pictures was added, and before the header is written. Raises SourceError.
    """

    def __init__(
        self, source: TracksFrom, container: OutputContainer, note: Callable[[str], None], *, live: bool = False
    ) -> None:
        """live: what is written stays as it is, since nobody goes back in it."""
        self._source, self._container, self._note, self._live = source, container, note, live
        start_seconds, end_seconds = source.start_seconds, source.end_seconds
        self._input = source.piped.container if source.piped else open_media(source.path)
        self._shift_seconds = clock_origin_seconds(self._input) + start_seconds
        self._span_seconds = None if end_seconds is None else end_seconds - start_seconds
        self._routes = self._make_routes()
        carried = carry_extras(
            self._input,
            container,
            note,
            start_seconds=start_seconds,
            end_seconds=end_seconds,
            covers=source.piped is None,
        )
        self._covers = carried
        self._continuities = {s.index: Continuity() for s in self._input.streams.audio}
        self._packets: Iterator[_Timed | None] = self._timed(self._demuxed())
        self._waiting: deque[_Timed] = deque()
        self._refused = 0
        self._end = ""

    @property
    def time_scale(self) -> int:
        """Ticks per second in which the first sound's times are whole numbers; 1 without sound."""
        bases = [s.time_base for s in self._input.streams.audio if s.time_base and s.index in self._routes]
        return bases[0].denominator if bases else 1

    @property
    def damage(self) -> str:
        """What was wrong with the tracks as far as they were read, in one line."""
        broken = self._refused + sum(route.broken for route in self._routes.values())
        parts = [f"{broken} broken packets of sound or subtitles"] if broken else []
        parts += [self._end] if self._end else []
        return f"{self._source.path}: {', '.join(parts)}" if parts else ""

    def advance(self, until_seconds: Fraction | None) -> None:
        """Write what comes up to a time, so that it lies beside its pictures; None: all that is left."""
        self._container.mux(self._covers)
        self._covers = []
        if until_seconds is None:
            if self._source.piped:
                self._packets = self._timed(self._source.piped.rest())
            self._write(self._waiting)
            self._write(iter(lambda: next(self._packets, None), None))
            for route in self._routes.values():
                self._container.mux(route.finish())
            return
        until = float(until_seconds)
        horizon_seconds = until + _INTERLEAVING_SECONDS
        while not self._waiting or self._waiting[-1].seconds < horizon_seconds:
            if (timed := next(self._packets, None)) is None:
                break
            self._waiting.append(timed)
        due = [timed for timed in self._waiting if timed.seconds <= until]
        self._waiting = deque(timed for timed in self._waiting if timed.seconds > until)
        self._write(due)

    def close(self) -> None:
        """Let go of the source; safe to call twice."""
        self._packets = iter(())
        self._waiting.clear()
        if not self._source.piped:
            self._input.close()

    def _make_routes(self) -> dict[int, Route]:
        routes: dict[int, Route] = {}
        for stream in self._input.streams:
            route: Route | None = None
            if isinstance(stream, AudioStream) and self._source.sound:
                route = audio_route(stream, self._container, self._note, live=self._live)
            elif isinstance(stream, SubtitleStream):
                route = subtitle_route(stream, self._container, self._note)
            if route is not None:
                routes[stream.index] = route
            elif not self._source.piped:
                stream.discard = Discard.all
        return routes

    def _write(self, timed_packets: Iterable[_Timed]) -> None:
        for _, packet in timed_packets:
            try:
                self._container.mux(self._routes[packet.stream_index].pass_on(packet))
            except av.FFmpegError as error:
                if isinstance(error, OSError):
                    raise
                self._refused += 1  # the muxer looked into it

    def _demuxed(self) -> Iterator[Packet[Any] | None]:
        """The packets of the source; None where a pipe has none for now."""
        if self._source.piped:
            return self._source.piped.others()
        return self._input.demux([self._input.streams[index] for index in self._routes])

    def _timed(self, packets: Iterator[Packet[Any] | None]) -> Iterator[_Timed | None]:
        """Of these packets those that are wanted, on the output's clock, each with its time; None where None is."""
        if not self._routes:
            return
        try:
            for packet in packets:
                if packet is None:
                    yield None
                    continue
                if not packet.size or (packet.dts is None and packet.pts is None):
                    continue  # the demuxer's end mark
                self._keep_continuous(packet)
                time = packet.dts if packet.dts is not None else packet.pts
                assert time is not None
                seconds = time * packet.time_base - self._shift_seconds
                if self._span_seconds is not None and seconds > self._span_seconds + _INTERLEAVING_SECONDS:
                    return
                if packet.stream_index in self._routes and self._moved(packet):
                    yield _Timed(float(seconds), packet)
        except (av.FFmpegError, OSError) as error:
            self._end = f"its sound and subtitles end early ({reason(error)})"

    def _keep_continuous(self, packet: Packet[Any]) -> None:
        """Subtitles pause, so their clock is the sound's."""
        if not clock_may_jump(self._input):
            return
        if packet.stream.type == "audio":
            self._continuities[packet.stream_index].keep(packet)
        elif sound := next(iter(self._continuities.values()), None):
            packet.pts = None if packet.pts is None else packet.pts + sound.shift_ticks
            packet.dts = None if packet.dts is None else packet.dts + sound.shift_ticks

    def _moved(self, packet: Packet[Any]) -> bool:
        """Put a packet on the output's clock; whether it is in the window. Subtitles are cut to fit into it."""
        shift = round(self._shift_seconds / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts - shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        last = None if self._span_seconds is None else round(self._span_seconds / packet.time_base)
        if packet.stream.type == "subtitle" and not 0 < (packet.duration or 0) * packet.time_base < _ENDLESS_SECONDS:
            packet.duration = round(1 / packet.time_base) if self._container.format.name in ("mp4", "mov") else 0
        if packet.stream.type == "subtitle" and packet.pts is not None and packet.duration:
            end = packet.pts + packet.duration
            end = end if last is None else min(end, last)
            packet.pts = packet.dts = max(packet.pts, 0)
            packet.duration = end - packet.pts
            return packet.duration > 0
        begin = packet.pts if packet.pts is not None else packet.dts
        assert begin is not None
        return (begin >= 0 or not self._source.start_seconds) and (last is None or begin < last)
