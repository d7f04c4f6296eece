"""A video file painted frame by frame into another: nothing dropped, other tracks and time stamps kept.

Decoding and encoding run in their own threads beside the painting, with a few frames between them. The work is
done in segments (`livestyle.segments`) that are kept beside the output until it is whole, so that what was
interrupted goes on where it was; they are joined at the end.

What it does not know: painting (an object it is given), styles, devices.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from livestyle.errors import SourceError
from livestyle.frame import Picture
from livestyle.journal import Journal, fingerprint
from livestyle.segments import Piece, pieces
from livestyle.sinks.output_file import check_output
from livestyle.sinks.segment import SegmentWriter, join
from livestyle.sinks.tracks import TracksFrom
from livestyle.sinks.video import VideoOptions
from livestyle.sources.video_files import FileSource, open_video

_IN_FLIGHT = 4  # frames between two stages; a 4K frame is 25 MB
_POLL_SECONDS = 0.1


class FilePainter(Protocol):
    """Paints the frames of a file, in order."""

    identity: str
    """Painters with the same one paint the same."""
    looks_back: bool
    """What a frame looks like depends on the frames before."""

    def begin(self) -> None:
        """Forget the frames before: a segment begins. No frame is under way."""

    @property
    def in_flight(self) -> int:
        """How many frames may be under way, 1 or more."""

    def start(self, rgb: Picture, pts_seconds: Fraction) -> Any:
        """Begin to paint a picture of the source's size, to be shown at this time."""

    def finish(self, started: Any) -> Picture:
        """The painting of a frame that was started, in the agreed size; in the order of their starts."""


@dataclass(frozen=True)
class VideoReport:
    """What came of it."""

    frames: int
    """Frames of the output."""
    seconds: float
    """Wall clock for all of it."""
    fps: float
    """Frames painted now over seconds."""
    notes: tuple[str, ...]
    """What a person should know about the output, one line each."""
    resumed: int = 0
    """Frames that an earlier run had painted."""
    busy_seconds: dict[str, float] = field(default_factory=dict)
    """How long each stage worked: decode, paint, encode side by side, then join."""
    damage: str = ""
    """Where the input could not be read any further; the output ends there."""


class _Stopped(Exception):
    """Another stage gave up; its exception is the one that counts."""


class _Belt:
    """A bounded queue of pieces with an end, whose waits give up when `stop` is set."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._queue: queue.Queue[Piece | None] = queue.Queue(_IN_FLIGHT)

    def put(self, piece: Piece | None) -> None:
        """Add a piece; None is the end."""
        while not self._stop.is_set():
            try:
                return self._queue.put(piece, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
        raise _Stopped

    def __iter__(self) -> Iterator[Piece]:
        while not self._stop.is_set():
            try:
                piece = self._queue.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if piece is None:
                return
            yield piece
        raise _Stopped


def stylize_video(
    source_path: str | Path,
    output_path: str | Path,
    painter: FilePainter,
    *,
    size_of: Callable[[int, int], tuple[int, int]],
    progress: Callable[[int, int | None], None],
    note: Callable[[str], None],
    resume: bool = True,
) -> VideoReport:
    """Paint every frame of a video into another file.

    size_of: (width, height) of the paintings for a source's. progress: frames done and frames expected, if known. note:
    called with a line that a person should read. resume: go on with what an interrupted run has left, if it was
    of the same input with the same settings. Raises SourceError, OutputError, SettingError, and whatever the painter
    raises; then, as on Ctrl-C, there is no output file, and segments that are whole are kept for the next run.
    """
    notes: list[str] = []

    def remember(text: str) -> None:
        notes.append(text)
        note(text)

    def remember_new(texts: Iterable[str]) -> None:
        for text in texts:
            if text not in notes:
                remember(text)

    started = time.perf_counter()
    source_path, output_path = Path(source_path), Path(output_path)
    check_output(output_path, source_path)
    with open_video(source_path) as source:
        remember_new(source.notes)
        options = _options(source, size_of(source.width, source.height))
        with Journal(output_path) as journal:
            encoding = repr(replace(options, tracks_from=None))
            work = {"input": fingerprint(source.files), "painting": painter.identity, "format": encoding}
            changed = journal.begin(work, resume=resume)
            if changed:
                note(f"{changed} not as in the run that was interrupted: painting anew")
            resumed = sum(segment.frames for segment in journal.done.values())
            if resumed:
                note(f"going on after {resumed} frames that are painted already")
            run = _Run(source, painter, journal, options, output_path, progress, remember)
            try:
                run.paint_missing()
                remember_new(source.notes)
                if not journal.done:
                    raise SourceError(run.damage or f"{source.name}: it has no frame to paint")
                with run.busy("join"):
                    parts = [(journal.path(number), journal.done[number]) for number in sorted(journal.done)]
                    join(parts, output_path, encoding=options, tracks_from=options.tracks_from, note=remember)
            except BaseException:
                if journal.done:
                    kept = sum(segment.frames for segment in journal.done.values())
                    note(f"{kept} frames are kept in {journal.folder}: the same command goes on from there")
                raise
            journal.remove()
    seconds = time.perf_counter() - started
    return VideoReport(
        frames=run.done,
        seconds=seconds,
        fps=(run.done - resumed) / seconds,
        notes=tuple(notes),
        resumed=resumed,
        busy_seconds=run.busy_seconds,
        damage=run.damage,
    )


def profile_text(report: VideoReport) -> str:
    """Where the time went, and how near the whole came to its slowest stage; two lines at least."""
    painted = report.frames - report.resumed
    lines = [
        f"  {stage:<7}{seconds:8.1f} s {1000 * seconds / max(1, painted):8.1f} ms a frame"
        for stage, seconds in report.busy_seconds.items()
    ]
    slowest = max(report.busy_seconds, key=lambda stage: report.busy_seconds[stage])
    share = report.busy_seconds[slowest] / report.seconds
    return "\n".join([*lines, f"  in all {report.seconds:8.1f} s: {share:.2f} of the speed of {slowest} alone"])


def _options(source: FileSource, size: tuple[int, int]) -> VideoOptions:
    return VideoOptions(
        size=size,
        rate=source.rate,
        time_base=source.time_base,
        sample_aspect=source.sample_aspect,
        tracks_from=TracksFrom(path=source.path) if source.files == (source.path,) else None,
    )


class _Run:
    """Paints the segments of a file that are not done yet, with threads for decoding and encoding beside."""

    def __init__(
        self,
        source: FileSource,
        painter: FilePainter,
        journal: Journal,
        options: VideoOptions,
        output: Path,
        progress: Callable[[int, int | None], None],
        note: Callable[[str], None],
    ) -> None:
        self._source, self._painter, self._journal, self._options = source, painter, journal, options
        self._output, self._progress, self._note = output, progress, note
        self._stop = threading.Event()
        self.done = sum(segment.frames for segment in journal.done.values())
        self.damage = ""
        self.busy_seconds: dict[str, float] = {}

    def paint_missing(self) -> None:
        """Returns when all segments are done; the threads have ended when it returns or raises."""
        first = 0
        for number in sorted(self._journal.done):
            if first < number:
                self._paint(first, number - 1)
            first = number + 1
        self._paint(first, None)

    @contextmanager
    def busy(self, stage: str) -> Iterator[None]:
        """The block is work of a stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.busy_seconds[stage] = self.busy_seconds.get(stage, 0.0) + time.perf_counter() - started

    def _paint(self, first: int, last: int | None) -> None:
        decoded, painted = _Belt(self._stop), _Belt(self._stop)
        with ThreadPoolExecutor(2, "livestyle-video") as pool:
            workers = [
                pool.submit(self._guarded, self._read_all, first, last, decoded),
                pool.submit(self._guarded, self._write_all, painted),
            ]
            try:
                for piece in self._painted(decoded):
                    painted.put(piece)
                    self.done += 1
                    self._progress(self.done, self._source.frame_count_hint)
                painted.put(None)
                while wait(workers, timeout=_POLL_SECONDS).not_done:  # in short steps, so that Ctrl-C gets through
                    pass
            except _Stopped:
                pass
            finally:
                self._stop.set()
        _raise_first(workers)
        self._stop.clear()

    def _painted(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """The pieces that are shown, painted, with as many under way as the painter takes."""
        under_way: deque[tuple[Piece, Any]] = deque()
        segment: int | None = None

        def finished(down_to: int) -> Iterator[Piece]:
            while len(under_way) > down_to:
                piece, started = under_way.popleft()
                with self.busy("paint"):
                    rgb = self._painter.finish(started)
                if not piece.lead:
                    yield piece._replace(rgb=rgb)

        for piece in pieces:
            if piece.segment != segment:
                yield from finished(0)
                segment = piece.segment
                self._painter.begin()
            yield from finished(self._painter.in_flight - 1)
            with self.busy("paint"):
                under_way.append((piece, self._painter.start(piece.rgb, piece.pts_seconds)))
        yield from finished(0)

    def _read_all(self, first: int, last: int | None, out: _Belt) -> None:
        frames = pieces(self._source, first, last, lead=self._painter.looks_back)
        while True:
            with self.busy("decode"):
                piece = next(frames, None)
            if piece is None:
                self.damage = self.damage or self._source.damage or ""
            out.put(piece)
            if piece is None:
                return

    def _write_all(self, pictures: _Belt) -> None:
        writer: SegmentWriter | None = None
        try:
            for piece in pictures:
                with self.busy("encode"):
                    if writer is None or writer.number != piece.segment:
                        if writer is not None:
                            self._journal.add(writer.finish())
                        writer = self._writer(piece.segment)
                    writer.write(piece.rgb, piece.pts_seconds)
            if writer is not None:
                with self.busy("encode"):
                    self._journal.add(writer.finish())
        except BaseException:
            if writer is not None:
                writer.discard()
            raise

    def _writer(self, number: int) -> SegmentWriter:
        note = _ignored if self._journal.done else self._note  # what is to be said of one is true of all
        return SegmentWriter(self._journal.path(number), number, self._options, output=self._output, note=note)

    def _guarded(self, work: Callable[..., None], *args: object) -> None:
        """Run a stage; if it fails, the others stop too."""
        try:
            work(*args)
        except BaseException:
            self._stop.set()
            raise


def _ignored(text: str) -> None:
    pass


def _raise_first(workers: list[Future[None]]) -> None:
    """The exception that stopped everything, rather than one that followed from it."""
    for worker in workers:
        error = worker.exception()
        if error is not None and not isinstance(error, _Stopped):
            raise error
