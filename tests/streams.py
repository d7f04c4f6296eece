"""Videos through pipes: what `livestyle video - -o -` does, but for the painting."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av

from livestyle.files.stages import FilePainter
from livestyle.files.transcode import VideoReport, stream_video
from livestyle.sources.piped import PipedBytes, PipedMedia
from tests import media


@contextmanager
def piped_bytes(data: bytes) -> Iterator[PipedBytes]:
    """Data that a thread writes into a pipe, and the end of the pipe to read from."""
    reading, writing = os.pipe()

    def write() -> None:
        with open(writing, "wb") as file:
            file.write(data)

    thread = threading.Thread(target=write)
    thread.start()
    piped = PipedBytes(reading)
    try:
        yield piped
    finally:
        while piped.read(1 << 20):
            pass
        thread.join()
        os.close(reading)


def stream(
    source: Path | PipedMedia, output: Path, painter: FilePainter | None = None, **kwargs: object
) -> VideoReport:
    """Stream a video into a pipe, which a thread writes to a file."""
    reading, writing = os.pipe()

    def read() -> None:
        with open(reading, "rb") as file:
            output.write_bytes(file.read())

    thread = threading.Thread(target=read)
    thread.start()
    plain: dict[str, object] = {"size_of": lambda w, h: (w, h), "progress": lambda *_: None, "note": lambda _: None}
    try:
        return stream_video(source, writing, painter or media.PlainPainter(), **{**plain, **kwargs})  # type: ignore[arg-type]
    finally:
        os.close(writing)
        thread.join()


def stream_piped(data: bytes, output: Path, **kwargs: object) -> VideoReport:
    """The same of what comes through a pipe."""
    with piped_bytes(data) as piped:
        return stream(PipedMedia(piped), output, **kwargs)  # type: ignore[arg-type]


def remuxed(source: Path, path: Path, **options: str) -> Path:
    """The packets of a file in another container, with options of its muxer."""
    with av.open(str(source)) as given, av.open(str(path), "w", container_options=options) as made:
        targets = {stream.index: made.add_stream_from_template(stream, opaque=True) for stream in given.streams}
        for packet in given.demux():
            if packet.dts is not None:
                packet.stream = targets[packet.stream_index]
                made.mux(packet)
    return path


def long_clip(folder: Path) -> Path:
    """Three segments: 45 s of H.264 at 4 fps, 64x48, with B-frames and a tone, side by side."""
    ticks = [25 * n for n in range(180)]
    clip = media.write_clip(
        folder / "clip.mp4", ticks, size=(64, 48), rate=Fraction(4), time_base=Fraction(1, 100), sound_starts=(0.0,)
    )
    media.transcode(clip, folder / "long.mkv")
    return folder / "long.mkv"
