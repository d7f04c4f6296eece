"""A video file painted frame by frame into another: nothing dropped, sound and time stamps kept.

Decoding and encoding run in their own threads beside the painting, with a few frames between them.
What it does not know: painting (a function it is given), styles, devices. Subtitles are not carried over.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from livestyle.errors import SourceError
from livestyle.frame import Picture
from livestyle.sinks.output_file import check_output
from livestyle.sinks.video import VideoOptions, VideoSink
from livestyle.sources.video import VideoSource

_IN_FLIGHT = 4  # frames between two stages; a 4K frame is 25 MB
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class VideoReport:
    """What came of it."""

    frames: int
    """Frames read, painted and written."""
    seconds: float
    """Wall clock for all of it."""
    fps: float
    """frames / seconds."""
    notes: tuple[str, ...]
    """What a person should know about the output, one line each."""


class _Stopped(Exception):
    """Another stage gave up; its exception is the one that counts."""


class _Belt:
    """A bounded queue of items with an end, whose waits give up when `stop` is set."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._queue: queue.Queue[tuple[Picture, Fraction] | None] = queue.Queue(_IN_FLIGHT)

    def put(self, item: tuple[Picture, Fraction] | None) -> None:
        """Add an item; None is the end."""
        while not self._stop.is_set():
            try:
                return self._queue.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
        raise _Stopped

    def __iter__(self) -> Iterator[tuple[Picture, Fraction]]:
        while not self._stop.is_set():
            try:
                item = self._queue.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if item is None:
                return
            yield item
        raise _Stopped


def stylize_video(
    source_path: str | Path,
    output_path: str | Path,
    paint: Callable[[Picture, Fraction], Picture],
    *,
    size_of: Callable[[int, int], tuple[int, int]],
    progress: Callable[[int, int | None], None],
    note: Callable[[str], None],
) -> VideoReport:
    """Paint every frame of a video into another file.

    paint: a picture of the source's size, and its time in seconds, to one of `size_of(width, height)`;
    called in this thread, in order. progress: frames done and frames expected, if known. note: called
    with a line that a person should read. Raises SourceError, OutputError, SettingError, and whatever
    `paint` raises; then, as on Ctrl-C, no output file is left.
    """
    notes: list[str] = []

    def remember(text: str) -> None:
        notes.append(text)
        note(text)

    started = time.perf_counter()
    check_output(Path(output_path), Path(source_path))
    with VideoSource(source_path) as source:
        if source.has_subtitles:
            remember(f"{source.name}: its subtitles are not carried over")
        options = _options(source, size_of(source.width, source.height))
        with VideoSink(output_path, options, note=remember) as sink:
            frames = _run(source, sink, paint, progress)
    seconds = time.perf_counter() - started
    return VideoReport(frames=frames, seconds=seconds, fps=frames / seconds, notes=tuple(notes))


def _options(source: VideoSource, size: tuple[int, int]) -> VideoOptions:
    return VideoOptions(
        size=size,
        rate=source.rate,
        time_base=source.time_base,
        sample_aspect=source.sample_aspect,
        audio_from=source.path if source.has_audio else None,
    )


def _run(
    source: VideoSource,
    sink: VideoSink,
    paint: Callable[[Picture, Fraction], Picture],
    progress: Callable[[int, int | None], None],
) -> int:
    """Move all frames through; the number of them. Both threads have ended when it returns or raises."""
    stop = threading.Event()
    decoded, painted = _Belt(stop), _Belt(stop)
    done = 0
    with ThreadPoolExecutor(2, "livestyle-video") as pool:
        workers = [pool.submit(_guarded, stop, _read_all, source, decoded)]
        workers.append(pool.submit(_guarded, stop, _write_all, sink, painted))
        try:
            for rgb, pts_seconds in decoded:
                painted.put((paint(rgb, pts_seconds), pts_seconds))
                done += 1
                progress(done, source.frame_count_hint)
            painted.put(None)
            while wait(workers, timeout=_POLL_SECONDS).not_done:  # in short steps, so that Ctrl-C gets through
                pass
        except _Stopped:
            pass
        finally:
            stop.set()
    _raise_first(workers)
    return done


def _read_all(source: VideoSource, out: _Belt) -> None:
    while (frame := source.read()) is not None:
        out.put((frame.rgb, frame.pts_seconds))
    if source.damage:
        raise SourceError(source.damage)
    out.put(None)


def _write_all(sink: VideoSink, pictures: _Belt) -> None:
    for rgb, pts_seconds in pictures:
        sink.write(rgb, pts_seconds)


def _guarded(stop: threading.Event, work: Callable[..., None], *args: object) -> None:
    """Run a stage; if it fails, the others stop too."""
    try:
        work(*args)
    except BaseException:
        stop.set()
        raise


def _raise_first(workers: list[Future[None]]) -> None:
    """The exception that stopped everything, rather than one that followed from it."""
    for worker in workers:
        error = worker.exception()
        if error is not None and not isinstance(error, _Stopped):
            raise error
