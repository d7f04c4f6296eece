"""A clip with everything that a file can carry beside its pictures, made with PyAV alone; and what a file carries."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from PIL import Image

from tests import media

SRT = """1
00:00:00,500 --> 00:00:01,500
Hello <i>world</i>

2
00:00:02,000 --> 00:00:03,250
zwei
Zeilen ü

3
00:00:03,500 --> 00:00:05,000
bye
"""
ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Bold, Italic, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Gothic,40,&H00FF00,0,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\pos(10,20)}placed
"""
FONT = bytes(range(256)) * 8
SECONDS = 4
NAMES = {"title": "A film", "artist": "Ann", "creation_time": "2020-01-02T03:04:05.000000Z"}


def cover() -> bytes:
    """A red JPEG."""
    data = BytesIO()
    Image.fromarray(np.full((32, 32, 3), (255, 0, 0), np.uint8)).save(data, "jpeg")
    return data.getvalue()


def rich_clip(path: Path) -> Path:
    """An mkv: four seconds at 25 fps, sound in AAC and Opus, SubRip and ASS, two chapters, a font, a cover, names."""
    picture_path = path.with_name("pictures.mkv")
    ticks = [40 * i for i in range(25 * SECONDS)]
    media.write_clip(
        picture_path, ticks, rate=Fraction(25), time_base=Fraction(1, 1000), options={"g": "25"}, sound_starts=(0.0,)
    )
    opus_path = media.write_clip(
        path.with_name("opus.mkv"), ticks, time_base=Fraction(1, 1000), sound_starts=(0.0,), sound_codec="libopus"
    )
    with av.open(str(path), "w") as out, av.open(str(picture_path)) as base, av.open(str(opus_path)) as opus:
        inputs = [(base, base.streams.video[0]), (base, base.streams.audio[0]), (opus, opus.streams.audio[0])]
        for text, kind in ((SRT, "srt"), (ASS, "ass")):
            subtitles = av.open(BytesIO(text.encode()), format=kind)
            inputs.append((subtitles, subtitles.streams[0]))
        targets = [out.add_stream_from_template(stream) for _, stream in inputs]
        targets[1].metadata.update(language="ger", title="Kommentar")
        targets[2].metadata["language"] = "fre"
        targets[2].disposition = 9  # default, comment
        out.metadata.update(NAMES)
        half = 1000 * SECONDS // 2
        times: list[dict[str, Any]] = [
            {"start": 0, "end": half, "metadata": {"title": "One"}},
            {"start": half, "end": 2 * half, "metadata": {"title": "Two"}},
        ]
        out.set_chapters([{"id": i, "time_base": Fraction(1, 1000), **c} for i, c in enumerate(times)])
        out.add_attachment("font.ttf", "font/ttf", FONT)
        out.add_attachment("cover.jpg", "image/jpeg", cover())
        for (container, stream), target in zip(inputs, targets, strict=True):
            if stream.index:
                container.seek(0)
            for packet in container.demux(stream):
                if packet.dts is not None:
                    packet.stream = target
                    out.mux(packet)
    return path


class Track(NamedTuple):
    """A stream of sound or subtitles."""

    codec: str
    language: str | None
    disposition: int
    packets: list[tuple[Fraction, str]]
    """Time, and a digest of the bytes."""


def tracks_of(path: Path) -> list[Track]:
    with av.open(str(path)) as container:
        streams = [s for s in container.streams if s.type in ("audio", "subtitle")]
        packets: dict[int, list[tuple[Fraction, str]]] = {s.index: [] for s in streams}
        for packet in container.demux(streams):
            if packet.pts is not None and packet.size:
                digest = hashlib.sha256(bytes(packet)).hexdigest()
                packets[packet.stream_index].append((packet.pts * packet.time_base, digest))
        return [Track(s.name, s.language, s.disposition.value & 127, packets[s.index]) for s in streams]


def texts_of(path: Path, number: int = 0) -> list[tuple[float, float, str]]:
    """Begin and length in seconds, and words, of the subtitles of a stream."""
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[number]
        found = []
        for packet in container.demux(stream):
            words = " ".join(part.dialogue.decode() for part in packet.decode()) if packet.size else ""
            if words:
                base = packet.time_base
                times = (round(float(ticks * base), 3) for ticks in (packet.pts, packet.duration))
                found.append((*times, words.removesuffix("{\\i0}")))
        return found


def chapters_of(path: Path) -> list[tuple[float, float, str]]:
    with av.open(str(path)) as container:
        return [
            (float(c["start"] * c["time_base"]), float(c["end"] * c["time_base"]), c["metadata"]["title"])
            for c in container.chapters()
        ]
