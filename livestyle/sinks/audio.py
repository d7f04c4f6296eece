"""The sound of an input file carried over to an output file: every audio stream, its packets bit for bit.

Only where the output's container cannot hold the codec is a stream encoded again (AAC, Opus in webm), and
that is said once through `note`. What it does not know: cutting, delaying or mixing sound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, cast

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from livestyle.errors import SourceError
from livestyle.sources.media import clock_origin_seconds, open_media


class _Route(Protocol):
    """Takes one input stream's packets, gives packets of the output stream."""

    def pass_on(self, packet: Packet[AudioStream]) -> Iterator[Packet[AudioStream]]: ...

    def finish(self) -> Iterator[Packet[AudioStream]]: ...


class AudioTracks:
    """Feeds the audio streams of `source` into `container`, in step with the picture.

    To be made before the container's header is written. Raises SourceError when the source is damaged.
    """

    def __init__(self, source: Path, container: OutputContainer, note: Callable[[str], None]) -> None:
        self._source = source
        self._container = container
        self._input = open_media(source)
        self._origin_seconds = clock_origin_seconds(self._input)
        self._routes: dict[int, _Route] = {}
        for stream in self._input.streams.audio:
            self._add(stream, note)
        self._packets = self._timed_packets()
        self._waiting = next(self._packets, None)

    @property
    def time_scale(self) -> int:
        """Ticks per second in which the first stream's times are whole numbers; 1 without audio."""
        bases = [s.time_base for s in self._input.streams.audio if s.time_base]
        return bases[0].denominator if bases else 1

    def advance(self, until_seconds: Fraction | None) -> None:
        """Write the sound up to a time, so that it lies beside its pictures; None: all that is left."""
        while self._waiting and (until_seconds is None or self._waiting[0] <= until_seconds):
            packet = self._waiting[1]
            self._container.mux(list(self._routes[packet.stream_index].pass_on(packet)))
            self._waiting = next(self._packets, None)
        if until_seconds is None:
            for route in self._routes.values():
                self._container.mux(list(route.finish()))

    def close(self) -> None:
        """Let go of the source."""
        self._packets = iter(())
        self._input.close()

    def _add(self, stream: AudioStream, note: Callable[[str], None]) -> None:
        try:
            target = self._container.add_stream_from_template(stream)
            self._routes[stream.index] = _Copy(target)
        except ValueError:
            target = _encoder_for(stream, self._container)
            self._routes[stream.index] = _Encode(target)
            note(
                f"audio stream {stream.index}: {self._container.format.name} cannot hold {stream.name}, "
                f"so it is encoded again as {target.name}; an .mkv output keeps it untouched"
            )
        target.disposition = cast(Any, stream.disposition.value)  # PyAV 17 takes the number only
        for key in ("language", "title"):
            if key in stream.metadata:
                target.metadata[key] = stream.metadata[key]

    def _timed_packets(self) -> Iterator[tuple[Fraction, Packet[AudioStream]]]:
        if not self._routes:
            return
        try:
            for packet in self._input.demux(self._input.streams.audio):
                ticks = round(self._origin_seconds / packet.time_base)
                time = packet.dts if packet.dts is not None else packet.pts
                if time is None or not packet.size:
                    continue  # the demuxer's end mark
                if ticks:
                    packet.pts = None if packet.pts is None else packet.pts - ticks
                    packet.dts = None if packet.dts is None else packet.dts - ticks
                yield (time - ticks) * packet.time_base, packet
        except (av.FFmpegError, OSError) as error:
            raise SourceError(f"{self._source}: its sound is damaged ({error.strerror}); copy it again") from error


class _Copy:
    def __init__(self, target: AudioStream) -> None:
        self._target = target

    def pass_on(self, packet: Packet[AudioStream]) -> Iterator[Packet[AudioStream]]:
        packet.stream = self._target
        yield packet

    def finish(self) -> Iterator[Packet[AudioStream]]:
        return iter(())


class _Encode:
    def __init__(self, target: AudioStream) -> None:
        self._target = target
        context = target.codec_context
        self._resampler = av.AudioResampler(format=context.format, layout=context.layout, rate=context.sample_rate)

    def pass_on(self, packet: Packet[AudioStream]) -> Iterator[Packet[AudioStream]]:
        for frame in packet.decode():
            yield from self._encoded(frame)

    def finish(self) -> Iterator[Packet[AudioStream]]:
        yield from self._encoded(None)
        yield from cast("list[Packet[AudioStream]]", self._target.encode(None))

    def _encoded(self, frame: AudioFrame | None) -> Iterator[Packet[AudioStream]]:
        for part in self._resampler.resample(frame):
            yield from cast("list[Packet[AudioStream]]", self._target.encode(part))


def _encoder_for(stream: AudioStream, container: OutputContainer) -> AudioStream:
    webm = container.format.name == "webm"
    layout = stream.layout.name if stream.layout.nb_channels <= 2 else "stereo"
    rate = 48000 if webm else stream.rate  # Opus knows few rates
    target = container.add_stream("libopus" if webm else "aac", rate=rate)
    target.layout = layout
    target.bit_rate = 160_000
    return target
