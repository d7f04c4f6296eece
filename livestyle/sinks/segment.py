"""Segments of a video file as files of their own, and their joining without encoding anything again.

Each begins with a keyframe and is encoded with the same parameters, so packets of one follow on those of the one
before. Decoding times are set anew: every segment would begin its own before the end of the last one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from livestyle.errors import OutputError
from livestyle.frame import Picture
from livestyle.sinks.encoder import Encoding, PictureEncoder
from livestyle.sinks.gif import write_gif
from livestyle.sinks.output_file import OutputFile
from livestyle.sinks.tracks import TracksFrom


@dataclass(frozen=True)
class Segment:
    """What is known of a finished segment."""

    number: int
    frames: int
    reordered: int
    """By how many places at most a picture is decoded before it is shown."""
    size_bytes: int
    damage: str = ""
    """What had been found wrong with the input when it was finished."""


class SegmentWriter:
    """One segment on its way to the disk; it has its name when it is whole. Used by one thread at a time."""

    def __init__(
        self, path: Path, number: int, encoding: Encoding, *, output: Path, note: Callable[[str], None]
    ) -> None:
        """path: with the codec's `segment_suffix`. output: what it will be a part of. note: as for `PictureEncoder`.

        Raises OutputError.
        """
        self._path, self.number = path, number
        self._ticks: list[int] = []
        self._file = OutputFile(path, time_base=encoding.time_base, tracks_from=None, survives=False, note=note)
        self._encoder = self._file.open(lambda container: PictureEncoder(container, encoding, note, name=output.name))

    def write(self, rgb: Picture, pts_seconds: Fraction) -> None:
        """Add a picture; see `PictureEncoder.encode`. Raises OutputError."""
        with self._file.failures():
            packets = self._encoder.encode(rgb, pts_seconds)
        self._file.mux(self._seen(packets), pts_seconds)

    def finish(self) -> Segment:
        """Write what is left. Raises OutputError."""
        with self._file.failures():
            packets = self._encoder.rest()
        self._file.finish(self._seen(packets))
        places = {tick: place for place, tick in enumerate(sorted(self._ticks))}
        reordered = max(place - places[tick] for place, tick in enumerate(self._ticks))
        return Segment(self.number, len(self._ticks), reordered, self._path.stat().st_size)

    def discard(self) -> None:
        """Delete what was written."""
        self._file.discard()

    def _seen(self, packets: list[Packet[Any]]) -> list[Packet[Any]]:
        self._ticks += [packet.pts for packet in packets if packet.pts is not None]
        return packets


class Shelf(Protocol):
    """Where finished segments go; a Journal is one."""

    @property
    def done(self) -> Mapping[int, Segment]:
        """Those that are finished, by number."""

    def path(self, number: int) -> Path:
        """Where a segment is to be written."""

    def add(self, segment: Segment) -> None:
        """A segment is whole."""


class SegmentFiles:
    """Writes the segments of one file onto a shelf. Used by one thread at a time."""

    def __init__(
        self,
        shelf: Shelf,
        encoding: Encoding,
        *,
        output: Path,
        note: Callable[[str], None],
        damage: Callable[[], str | None],
    ) -> None:
        """output: what they will be joined to. note: as for `PictureEncoder`. damage: of the input, as far as known."""
        self._shelf, self._encoding, self._output, self._note = shelf, encoding, output, note
        self._damage = damage
        self._writer: SegmentWriter | None = None

    @property
    def done(self) -> Mapping[int, Segment]:
        """The segments that are finished, by number."""
        return self._shelf.done

    def write(self, number: int, rgb: Picture, pts_seconds: Fraction) -> None:
        """Add a picture of a segment; the one before it is finished. Raises OutputError."""
        if self._writer is None or self._writer.number != number:
            self.finish()
            note = ignored if self._shelf.done else self._note  # what is to be said of one is true of all
            path = self._shelf.path(number)
            self._writer = SegmentWriter(path, number, self._encoding, output=self._output, note=note)
        self._writer.write(rgb, pts_seconds)

    def finish(self) -> None:
        """Finish the segment at hand; others may follow. Raises OutputError."""
        if self._writer is not None:
            self._shelf.add(replace(self._writer.finish(), damage=self._damage() or ""))
            self._writer = None

    def discard(self) -> None:
        """Delete what there is of the segment at hand."""
        if self._writer is not None:
            self._writer.discard()
            self._writer = None


def ignored(text: str) -> None:
    """A note that has been told."""


def join(
    segments: Sequence[tuple[Path, Segment]],
    output: Path,
    *,
    encoding: Encoding,
    tracks_from: TracksFrom | None,
    note: Callable[[str], None],
) -> tuple[str, ...]:
    """Write the segments, which are in order, into one file. tracks_from and note are as for `OutputFile`.

    Where the other tracks are so damaged that no file can be made with them, they are left out, the sound first.
    Returns what was wrong with them, in a line each.
    Raises OutputError, SourceError when the source of the other tracks cannot be read.
    """
    if encoding.codec == "gif":
        write_gif([path for path, _ in segments], output, encoding, note)
        return ()
    damages: tuple[str, ...] = ()
    choices = [tracks_from, replace(tracks_from, sound=False), None] if tracks_from else [None]
    for choice in choices:
        try:
            damage = _join(segments, output, encoding, choice, note)
            return (*damages, damage) if damage else damages
        except OutputError as error:
            reason = error.__cause__
            if choice is None or not isinstance(reason, av.FFmpegError) or isinstance(reason, OSError):
                raise
            lost = "sound" if choice.sound else "subtitles, chapters and names"
            damages += (f"{choice.path} is so damaged that its {lost} cannot be carried over",)
    raise AssertionError("without other tracks there is nothing to fail but the output")


def _join(
    segments: Sequence[tuple[Path, Segment]],
    output: Path,
    encoding: Encoding,
    tracks_from: TracksFrom | None,
    note: Callable[[str], None],
) -> str:
    """Returns what was wrong with the other tracks."""
    file = OutputFile(output, time_base=encoding.time_base, tracks_from=tracks_from, survives=False, note=note)
    with av.open(str(segments[0][0].absolute())) as first:
        template = first.streams.video[0]
        extradata = template.codec_context.extradata
        stream = file.open(lambda container: like_template(template, container, encoding))
    delay = max(segment.reordered for _, segment in segments)
    with file.failures():
        for packet in _in_one(_packets(segments, extradata, encoding.time_base), delay, encoding):
            packet.stream = stream
            assert packet.pts is not None
            file.mux([packet], packet.pts * encoding.time_base)
        file.finish()
    return file.damage


def like_template(template: VideoStream, container: OutputContainer, encoding: Encoding) -> VideoStream:
    """A stream for packets of another one, which `PictureEncoder` made."""
    stream: VideoStream = container.add_stream_from_template(template, opaque=True)
    stream.time_base = encoding.time_base
    stream.codec_context.framerate = encoding.rate
    if container.format.name in ("mp4", "mov") or encoding.codec == "prores":  # whose profile it is
        stream.codec_context.codec_tag = template.codec_context.codec_tag
    return stream


def _packets(
    segments: Iterable[tuple[Path, Segment]], extradata: bytes | None, time_base: Fraction
) -> Iterator[list[Packet[VideoStream]]]:
    """Those of each segment, in decoding order, in ticks of time_base: mp4 counts in smaller ones."""
    for path, segment in segments:
        with av.open(str(path.absolute())) as container:
            stream = container.streams.video[0]
            packets = [packet for packet in container.demux(stream) if packet.pts is not None]
            if len(packets) != segment.frames or stream.codec_context.extradata != extradata:
                raise OutputError(f"{path} is not as it was written: delete the folder {path.parent} and start again")
            for packet in packets:
                ticks = packet.time_base / time_base
                packet.pts, packet.duration = round(packet.pts * ticks), round((packet.duration or 0) * ticks)
                packet.dts, packet.time_base = None, time_base
            yield packets


def _in_one(
    segments: Iterable[list[Packet[VideoStream]]], delay: int, encoding: Encoding
) -> Iterator[Packet[VideoStream]]:
    """The packets of all segments with decoding times that rise: the times of showing, `delay` pictures late."""
    shown: deque[int] = deque()
    tick = round(1 / (encoding.rate * encoding.time_base))
    for packets in segments:
        ticks = sorted(packet.pts for packet in packets if packet.pts is not None)
        if not shown:
            shown.extend(ticks[0] - tick * n for n in range(delay, 0, -1))
        shown.extend(ticks)
        for packet in packets:
            packet.dts = shown.popleft()
            yield packet
