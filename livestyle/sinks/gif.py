"""Segments of pictures as one animated GIF: one palette of 256 colours for all of it, endlessly repeated.

Its times are hundredths of a second, and no picture is shown for less than two of them, as browsers then show it for
ten. It is decoded twice, once for the palette, so memory does not grow with its length.

What it does not know: sound, subtitles, names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from livestyle.sinks.encoder import Encoding
from livestyle.sinks.output_file import OutputFile

TICK = Fraction(1, 100)
_MIN_TICKS = 2


def write_gif(segments: Sequence[Path], output: Path, encoding: Encoding, note: Callable[[str], None]) -> None:
    """Make a file of segments, which are in order and of codec "gif". Raises OutputError."""
    note(f"{output.name}: GIF has 256 colours and times in 1/100 s, no sound and no subtitles; .webm and .mp4 have all")
    file = OutputFile(output, time_base=TICK, tracks_from=None, survives=False, note=note)
    with file.failures():
        palette = _palette(segments)

    def add_stream(container: OutputContainer) -> VideoStream:
        width, height = encoding.size
        stream = container.add_stream("gif", rate=encoding.rate, time_base=TICK, width=width, height=height)
        assert isinstance(stream, VideoStream)
        stream.pix_fmt = "pal8"
        stream.codec_context.sample_aspect_ratio = encoding.sample_aspect
        return stream

    stream = file.open(add_stream)
    with file.failures():
        for picture in _with_palette(_on_ticks(segments, note), palette):
            assert picture.pts is not None
            file.mux(stream.encode(picture), picture.pts * TICK)
        file.finish(stream.encode(None))


def _pictures(segments: Sequence[Path]) -> Iterator[VideoFrame]:
    for path in segments:
        with av.open(str(path.absolute())) as container:
            yield from container.decode(video=0)


def _on_ticks(segments: Sequence[Path], note: Callable[[str], None]) -> Iterator[VideoFrame]:
    """The pictures with times in TICK; those that come too soon are left out."""
    last, dropped = None, 0
    for picture in _pictures(segments):
        assert picture.pts is not None and picture.time_base is not None
        tick = round(picture.pts * picture.time_base / TICK)
        if last is not None and tick < last + _MIN_TICKS:
            dropped += 1
            continue
        picture.pts, picture.time_base = tick, TICK
        last = tick
        yield picture
    if dropped:
        note(f"{dropped} pictures are left out: GIF shows 50 a second at most")


def _palette(segments: Sequence[Path]) -> VideoFrame:
    """16x16 colours, one of them transparent, for what does not change."""
    graph: Graph | None = None
    for picture in _pictures(segments):
        if graph is None:
            graph = Graph()
            source = _buffer(graph, picture)
            sink = graph.add("buffersink")
            graph.link_nodes(source, graph.add("palettegen", "stats_mode=full"), sink).configure()
        source.push(picture)
    assert graph is not None
    source.push(None)
    palette = sink.pull()
    assert isinstance(palette, VideoFrame)
    return palette


def _with_palette(pictures: Iterator[VideoFrame], palette: VideoFrame) -> Iterator[VideoFrame]:
    """The pictures in the palette's colours, with error diffusion where they change."""
    graph: Graph | None = None
    for picture in pictures:
        if graph is None:
            graph = Graph()
            palette.pts, palette.time_base = 0, TICK
            source, colours = _buffer(graph, picture), _buffer(graph, palette)
            mapped, sink = graph.add("paletteuse", "diff_mode=rectangle"), graph.add("buffersink")
            source.link_to(mapped, 0, 0)
            colours.link_to(mapped, 0, 1)
            mapped.link_to(sink)
            graph.configure()
            colours.push(palette)
            colours.push(None)
        source.push(picture)
        yield from _ready(sink)
    if graph is not None:
        source.push(None)
        yield from _ready(sink)


def _ready(sink: FilterContext) -> Iterator[VideoFrame]:
    while True:
        try:
            picture = sink.pull()
        except (BlockingIOError, EOFError):
            return
        assert isinstance(picture, VideoFrame)
        yield picture


def _buffer(graph: Graph, picture: VideoFrame) -> FilterContext:
    return graph.add_buffer(width=picture.width, height=picture.height, format=picture.format, time_base=TICK)
