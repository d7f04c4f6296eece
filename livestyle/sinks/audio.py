"""The way of one stream of sound to an output file: its packets bit for bit, or encoded again (AAC, Opus in webm).

Encoded again is only what the output's container cannot hold; more than two channels become stereo then. What does
not decode is left out, and what follows keeps its time.
What it does not know: cutting, delaying or mixing sound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

from livestyle.sinks.extras import add_copy, describe, holds

_AAC_KINDS = {"Main": 1, "LC": 2, "SSR": 3, "LTP": 4}
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


class Copy:
    """Passes packets of any kind of stream on as they are."""

    broken = 0
    """Packets that cannot be decoded."""

    def __init__(self, target: Stream) -> None:
        self._target = target

    def pass_on(self, packet: Packet[Any]) -> list[Packet[Any]]:
        """The packet itself."""
        packet.stream = self._target
        return [packet]

    def finish(self) -> list[Packet[Any]]:
        """Nothing."""
        return []


class CheckedCopy(Copy):
    """The same for sound, which is decoded to see whether it is whole; broken packets are passed on, too."""

    def __init__(self, target: Stream) -> None:
        super().__init__(target)
        self._begun = False

    def pass_on(self, packet: Packet[Any]) -> list[Packet[Any]]:
        """The packet itself."""
        try:
            frames = packet.decode()
            self._begun = self._begun or bool(frames)
            self.broken += self._begun and any(cast(AudioFrame, frame).is_corrupt for frame in frames)
        except av.FFmpegError:
            self.broken += self._begun  # before, it is a recording that begins between two packets
        return super().pass_on(packet)


class Encode:
    """Decodes sound, and encodes it for another stream."""

    def __init__(self, target: AudioStream) -> None:
        self._target = target
        self.broken = 0
        """Packets that could not be decoded."""
        context = target.codec_context
        self._resampler = av.AudioResampler(format=context.format, layout=context.layout, rate=context.sample_rate)

    def pass_on(self, packet: Packet[Any]) -> list[Packet[Any]]:
        """What the encoder has ready."""
        try:
            frames = packet.decode()
        except av.FFmpegError:  # silence in its place
            self.broken += 1
            return []
        return [encoded for frame in frames for encoded in self._encoded(cast(AudioFrame, frame))]

    def finish(self) -> list[Packet[Any]]:
        """What the encoder still has."""
        return [*self._encoded(None), *self._target.encode(None)]

    def _encoded(self, frame: AudioFrame | None) -> Iterator[Packet[Any]]:
        for part in self._resampler.resample(frame):
            yield from self._target.encode(part)


def audio_route(
    stream: AudioStream, container: OutputContainer, note: Callable[[str], None], *, live: bool = False
) -> Copy | Encode | None:
    """Adds a stream to the container for this one; None where there is no way. live: nobody goes back in it."""
    if stream.codec_context is None or not stream.layout.nb_channels or not stream.rate:
        note(f"audio stream {stream.index} is damaged or in a format that this FFmpeg does not know: it is left out")
        return None
    if (copy := add_copy(container, stream)) is not None:
        if live and stream.name == "aac" and not stream.codec_context.extradata:
            copy.codec_context.extradata = _aac_header(stream)
        describe(copy, stream)
        return CheckedCopy(copy)
    target = _encoder_for(stream, container)
    describe(target, stream)
    elsewhere = "; an .mkv output keeps it untouched" if holds("matroska", stream) else ""
    note(
        f"audio stream {stream.index}: {container.format.name} cannot hold {stream.name}, "
        f"so it is encoded again as {target.name}{elsewhere}"
    )
    return Encode(target)


def _aac_header(stream: AudioStream) -> bytes:
    """The AudioSpecificConfig (ISO 14496-3) of AAC whose packets have headers of their own, as in transport streams.

    FFmpeg's muxers make it of the first packet, and then go back to write it, which pipes do not allow.
    """
    profile, rate, channels = str(stream.profile), stream.rate, stream.layout.nb_channels
    if profile.startswith("HE-AAC"):  # its core is LC; what doubles rate and channels is found in the packets
        profile, rate, channels = "LC", rate // 2, 1 if profile.endswith("v2") else channels
    kind = _AAC_KINDS.get(profile, _AAC_KINDS["LC"])
    rate_index = _AAC_RATES.index(rate) if rate in _AAC_RATES else _AAC_RATES.index(48000)
    layout = 7 if channels == 8 else channels
    return (kind << 11 | rate_index << 7 | layout << 3).to_bytes(2, "big")


def _encoder_for(stream: AudioStream, container: OutputContainer) -> AudioStream:
    webm = container.format.name == "webm"
    layout = "mono" if stream.layout.nb_channels == 1 else "stereo"  # a file may say no more than the number
    rate = 48000 if webm else stream.rate  # Opus knows few rates
    target = container.add_stream("libopus" if webm else "aac", rate=rate)
    target.layout = layout
    target.bit_rate = 160_000
    return target
