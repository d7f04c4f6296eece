"""What a media file says about itself, carried over to another: names, languages, chapters, fonts, covers.

mp4 and mov hold no fonts, webm neither fonts nor covers: those are left out, and `note` says so. Which names a
container can hold is its own business: mp4 drops those that it does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, cast

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import AttachmentStream, Disposition, Stream
from av.video.stream import VideoStream

from livestyle.sources.media import open_media

EXPERIMENTAL = {"strict": "experimental"}
"""For a container: TrueHD in mp4 is new."""
_OF_THE_FILE = ("encoder", "major_brand", "minor_version", "compatible_brands", "duration", "vendor_id")
"""Names that tell of the file and its encoding, not of what is in it."""
_OF_MKVMERGE = ("_statistics", "number_of_", "bps")
"""So do names that begin like this."""
_PICTURES = {"mjpeg": ("jpg", "image/jpeg"), "png": ("png", "image/png"), "bmp": ("bmp", "image/bmp")}
"""By the codec of a cover: its file's suffix and its type."""


def carry_extras(
    source: InputContainer,
    container: OutputContainer,
    note: Callable[[str], None],
    *,
    start_seconds: Fraction,
    end_seconds: Fraction | None,
    covers: bool = True,
) -> list[Packet[Any]]:
    """Add everything that is written with the header; gives packets that are to follow it.

    The container's first stream of pictures is the painted one. covers: the source can be read for them now.
    """
    container.metadata.update(_names(source.metadata))
    pictures = [s for s in source.streams.video if not s.disposition & Disposition.attached_pic]
    if pictures and container.streams.video:
        describe(container.streams.video[0], pictures[0])
    if start_seconds:  # it tells the first picture's time
        for names in (container.metadata, *(stream.metadata for stream in container.streams)):
            names.pop("timecode", None)
    container.set_chapters(_chapters(source, start_seconds, end_seconds))
    _carry_attachments(source, container, note)
    _name_data_tracks(source, note)
    return _carry_covers(source, container, note) if covers else _leave_covers(source, note)


def describe(target: Stream, stream: Stream) -> None:
    """Give an output's stream the names, the language and the role of the one that it is made of."""
    target.metadata.update(_names(stream.metadata))
    target.disposition = cast(Any, stream.disposition.value)  # PyAV takes the number only


def add_copy(container: OutputContainer, stream: Stream) -> Stream | None:
    """A stream for the packets of another one as they are; None when the container does not take them."""
    return container.add_stream_from_template(stream) if holds(container.format.name, stream) else None


def holds(container_format: str, stream: Stream) -> bool:
    """Whether a container takes a stream's packets as they are.

    That is tried on a container in memory: FFmpeg's lists promise more than its headers can hold.
    """
    trial = av.open(BytesIO(), "w", format=container_format, container_options=EXPERIMENTAL)
    try:
        trial.add_stream_from_template(stream)
        trial.start_encoding()
    except (ValueError, av.FFmpegError):
        return False
    finally:
        with suppress(av.FFmpegError):
            trial.close()
    return True


def _names(metadata: dict[str, str]) -> dict[str, str]:
    return {
        _readable(key): _readable(value)
        for key, value in metadata.items()
        if key.lower() not in _OF_THE_FILE and not key.lower().startswith(_OF_MKVMERGE)
    }


def _readable(text: str) -> str:
    """What a file has in bytes that are no UTF-8 is taken for Latin-1."""
    escaped = any("\udc80" <= letter <= "\udcff" for letter in text)
    return text.encode(errors="surrogateescape").decode("latin-1") if escaped else text


def _chapters(source: InputContainer, start_seconds: Fraction, end_seconds: Fraction | None) -> list[Any]:
    chapters: list[dict[str, Any]] = []
    for chapter in source.chapters():
        time_base = chapter["time_base"]
        if not time_base:
            continue
        begin = chapter["start"] * time_base - start_seconds
        end = chapter["end"] * time_base - start_seconds
        if end_seconds is not None:
            end = min(end, end_seconds - start_seconds)
        begin = max(begin, Fraction(0))
        if begin < end:
            ticks = {"start": round(begin / time_base), "end": round(end / time_base)}
            chapters.append({**chapter, **ticks, "metadata": _names(chapter["metadata"])})
    return chapters


def _carry_attachments(source: InputContainer, container: OutputContainer, note: Callable[[str], None]) -> None:
    attachments = [s for s in source.streams if isinstance(s, AttachmentStream)]
    if container.format.name == "matroska":
        for stream in attachments:
            name = stream.metadata.get("filename", f"attachment-{stream.index}")
            container.add_attachment(name, stream.mimetype or "application/octet-stream", stream.data)
    elif attachments:
        names = ", ".join(stream.metadata.get("filename", "without a name") for stream in attachments)
        note(f"attachments are left out ({names}): {container.format.name} holds none; .mkv keeps them")


def _name_data_tracks(source: InputContainer, note: Callable[[str], None]) -> None:
    """Telemetry and the like; but for time codes, which names carry, and mp4's track of the chapters."""
    chapters = len(source.chapters())
    data = [s for s in source.streams if s.type == "data" and "timecode" not in s.metadata]
    named = [
        s.metadata.get("handler_name") or s.name or "unknown" for s in data if not chapters or s.frames != chapters
    ]
    if named:
        note(f"data tracks are left out: {', '.join(named)}")


def _carry_covers(source: InputContainer, container: OutputContainer, note: Callable[[str], None]) -> list[Packet[Any]]:
    covers = [s for s in source.streams.video if s.disposition & Disposition.attached_pic]
    packets: list[Packet[Any]] = []
    for stream, packet in zip(covers, _cover_packets(source, covers), strict=False):
        if container.format.name == "matroska":
            suffix, mimetype = _PICTURES.get(stream.name or "", ("bin", "application/octet-stream"))
            name = stream.metadata.get("filename", f"cover.{suffix}")
            container.add_attachment(name, stream.metadata.get("mimetype", mimetype), bytes(packet))
        elif container.format.name == "mp4" and stream.name in _PICTURES:
            target = container.add_stream_from_template(stream, opaque=True)
            target.disposition = cast(Any, Disposition.attached_pic.value)
            packet.stream, packet.pts, packet.dts = target, 0, 0
            packets.append(packet)
        else:
            note(f"a cover picture is left out: {container.format.name} holds none; .mkv and .mp4 do")
    return packets


def _leave_covers(source: InputContainer, note: Callable[[str], None]) -> list[Packet[Any]]:
    if any(stream.disposition & Disposition.attached_pic for stream in source.streams.video):
        note("cover pictures are left out: they do not get through a pipe")
    return []


def _cover_packets(source: InputContainer, covers: list[VideoStream]) -> list[Packet[Any]]:
    """One for each; from a container of their own, as reading them takes its place in a file away."""
    if not covers:
        return []
    with open_media(Path(source.name)) as container:
        streams = [container.streams[stream.index] for stream in covers]
        packets = {p.stream_index: p for p in islice(container.demux(streams), len(streams)) if p.size}
    return [packets[stream.index] for stream in covers if stream.index in packets]
