"""The way of one stream of subtitles to an output file: its packets bit for bit, or in the container's own format.

Text becomes mov_text in mp4 and mov, SubRip in mkv, WebVTT in webm: words, times, bold and italics stay, and so do
colours where the format has them; fonts and places of ASS are lost, which is said. Pictures (PGS, DVD, DVB) are
copied or left out.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, cast

import av
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.subtitles.codeccontext import SubtitleCodecContext
from av.subtitles.stream import SubtitleStream

from livestyle.sinks.audio import Copy
from livestyle.sinks.extras import add_copy, describe

_TEXT_FORMATS = {"mp4": "mov_text", "mov": "mov_text", "webm": "webvtt", "matroska": "subrip"}
_STYLED = ("ass", "ssa")
_TEXT = (*_STYLED, "srt", "subrip", "mov_text", "webvtt", "text")


class Rewrite:
    """Writes text subtitles in another format."""

    def __init__(self, decoder: SubtitleCodecContext, target: SubtitleStream) -> None:
        self._decoder, self._target = decoder, target
        self.broken = 0
        """Packets that could not be decoded."""
        self._encoder = target.codec_context

    def pass_on(self, packet: Packet[Any]) -> list[Packet[Any]]:
        """The packet in the other format; nothing for one without text, or a broken one."""
        try:
            subtitle = self._decoder.decode2(packet)
            if subtitle is None or not len(subtitle):
                return []
            written = self._encoder.encode_subtitle(subtitle)
        except av.FFmpegError:
            self.broken += 1
            return []
        if not written.size:
            return []
        written.stream, written.time_base = self._target, packet.time_base
        written.pts = written.dts = packet.pts
        written.duration = packet.duration
        return [written]

    def finish(self) -> list[Packet[Any]]:
        """Nothing."""
        return []


def subtitle_route(
    stream: SubtitleStream, container: OutputContainer, note: Callable[[str], None]
) -> Copy | Rewrite | None:
    """Adds a stream to the container for this one; None where there is no way."""
    context = cast("SubtitleCodecContext | None", stream.codec_context)
    name = f"subtitle stream {stream.index}"
    if context is None:
        note(f"{name} is in a format that this FFmpeg does not know, and is left out")
        return None
    if (copy := add_copy(container, stream)) is not None:
        describe(copy, stream)
        _set_ticks(copy, container)
        return Copy(copy)
    text = _TEXT_FORMATS.get(container.format.name)
    if text is None or stream.name not in _TEXT:
        note(f"{name} ({stream.name}) is left out: {container.format.name} cannot hold it; .mkv keeps it")
        return None
    context.open(strict=False)
    target = cast(SubtitleStream, container.add_stream(text))
    target.time_base = stream.time_base
    _set_ticks(target, container)
    target.codec_context.subtitle_header = context.subtitle_header
    describe(target, stream)
    lost = ", without fonts and places of its text" if stream.name in _STYLED else ""
    note(f"{name} is written as {text}{lost}; .mkv keeps it as it is")
    return Rewrite(context, target)


def _set_ticks(target: Stream, container: OutputContainer) -> None:
    """mp4's muxer compares ticks of unlike tracks to see when a subtitle ends; small ones keep it from ending early."""
    if container.format.name in ("mp4", "mov"):
        target.time_base = Fraction(1, 1_000_000)
