"""The stages that a film's segments go through: decoding and encoding in threads of their own beside the painting.

A few frames wait between two stages. Whatever fails in one of them ends all three, and the frames that the painter has
under way are taken from it, so that it can paint something else afterwards.

What it does not know: painting (an object it is given), what becomes of the segments.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from livestyle.files.segments import Piece, pieces
from livestyle.frame import Picture
from livestyle.sinks.segment import Segment
from livestyle.sources.video_files import FileSource

_IN_FLIGHT = 4  # frames between two stages; a 4K frame is 25 MB
_POLL_SECONDS = 0.1
_NO_PICTURE = np.empty((0, 0, 3), np.uint8)


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


class Sink(Protocol):
    """Where paintings go."""

    @property
    def done(self) -> Mapping[int, Segment]:
        """The segments that need not be painted, by number."""

    def write(self, number: int, rgb: Picture, pts_seconds: Fraction) -> None:
        """Add a painting of a segment; it may be the first of another one."""

    def finish(self) -> None:
        """That were all that come in a row."""

    def discard(self) -> None:
        """Something failed: no more follow."""


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


class Stages:
    """Paints segments of one file."""

    def __init__(
        self,
        source: FileSource,
        painter: FilePainter,
        sink: Sink,
        progress: Callable[[int, int | None], None],
    ) -> None:
        """progress: see `stylize_video`."""
        self._source, self._painter, self._sink, self._progress = source, painter, sink, progress
        self._stop = threading.Event()
        self.done = sum(segment.frames for segment in sink.done.values())
        """Frames painted so far, now or before."""
        self.damage = ""
        """What was wrong with the input."""
        self.busy_seconds: dict[str, float] = {}
        """How long each stage worked."""

    def paint_missing(self) -> None:
        """Paint all segments that are not done; the threads have ended when it returns or raises."""
        first = 0
        for number in sorted(self._sink.done):
            if first < number:
                self.paint(first, number - 1)
            first = number + 1
        self.paint(first, None)

    def paint(self, first: int, last: int | None) -> None:
        """Paint the segments from first to last, or to the end of the file."""
        decoded, painted = _Belt(self._stop), _Belt(self._stop)
        with ThreadPoolExecutor(2, "livestyle-video") as pool:
            workers = [
                pool.submit(self._guarded, self._read_all, first, last, decoded),
                pool.submit(self._guarded, self._write_all, painted),
            ]
            try:
                with closing(self._painted(decoded)) as shown:
                    for piece in shown:
                        painted.put(piece)
                        self.done += 1
                        self._progress(self.done, self._source.frame_count_hint)
                painted.put(None)
                while wait(workers, timeout=_POLL_SECONDS).not_done:  # in short steps, so that Ctrl-C gets through
                    pass
            except _Stopped:
                pass
            except BaseException:
                self._give_up()
                raise
        _raise_first(workers)

    @contextmanager
    def busy(self, stage: str) -> Iterator[None]:
        """The block is work of a stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.busy_seconds[stage] = self.busy_seconds.get(stage, 0.0) + time.perf_counter() - started

    def _painted(self, pieces: Iterable[Piece]) -> Generator[Piece, None, None]:
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

        try:
            for piece in pieces:
                if piece.segment != segment:
                    yield from finished(0)
                    segment = piece.segment
                    self._painter.begin()
                yield from finished(self._painter.in_flight - 1)
                with self.busy("paint"):
                    started = self._painter.start(piece.rgb, piece.pts_seconds)
                under_way.append((piece._replace(rgb=_NO_PICTURE), started))  # the source's may be much larger
            yield from finished(0)
        finally:
            for _, started in under_way:  # where something failed
                with suppress(Exception):
                    self._painter.finish(started)

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
        try:
            for piece in pictures:
                with self.busy("encode"):
                    self._sink.write(piece.segment, piece.rgb, piece.pts_seconds)
            with self.busy("encode"):
                self._sink.finish()
        except BaseException:
            self._sink.discard()
            raise

    def _guarded(self, work: Callable[..., None], *args: object) -> None:
        """Run a stage; if it fails, the others stop too."""
        try:
            work(*args)
        except BaseException:
            self._give_up()
            raise

    def _give_up(self) -> None:
        """End what waits."""
        self._stop.set()
        self._source.stop()


def _raise_first(workers: list[Future[None]]) -> None:
    """The exception that stopped everything, rather than one that followed from it."""
    for worker in workers:
        error = worker.exception()
        if error is not None and not isinstance(error, _Stopped):
            raise error
