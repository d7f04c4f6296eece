"""Live timing: the newest frame wins, a file plays like a camera, and a lost camera comes back.

Every wait here has a limit and ends early when asked to stop. What it does not know: painting, and
files that are written without dropping a frame (transcode reads its source itself).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Generic, TypeVar

from livestyle.errors import LivestyleError, SettingError, SourceError, SourceLost
from livestyle.frame import Frame
from livestyle.sources import Source

T = TypeVar("T")

STILL_PERIOD_SECONDS = Fraction(1, 25)  # how long a source of one single frame shows it before it loops
MAX_SKIP_SECONDS = 0.25  # skip for so long at most: a file that decodes too slowly still moves
STOP_SECONDS = 2.0


class Latest(Generic[T]):
    """A place for one item, for any number of threads: a newer item replaces one that nobody took."""

    def __init__(self) -> None:
        self.dropped = 0  # items that were replaced before anyone took them
        self._item: T | None = None
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: T) -> None:
        """Leave `item` here; never waits. Ignored after `close`."""
        with self._changed:
            if self._closed:
                return
            self.dropped += self._item is not None
            self._item = item
            self._changed.notify()

    def take(self, timeout_seconds: float) -> T | None:
        """Wait for an item and remove it; None after the timeout, and at once when closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._closed, timeout_seconds)
            item, self._item = self._item, None
            return item

    def peek(self) -> T | None:
        """The item, left in its place; does not wait."""
        with self._changed:
            return self._item

    def close(self) -> None:
        """Take no more items and wake everyone who waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class PacedSource:
    """Plays a source of files at its own speed, as if it were a camera.

    A frame is delivered when it is due on the monotonic clock and stamped then; one whose successor is
    due already is skipped. With `loop` it starts over at the end; index and pts_seconds (which start as
    the file's do) go on counting. `close` may be called by any thread and ends a read that waits, which returns None.
    Raises what `open_source` raises, and SettingError on a speed of 0 or below.
    """

    def __init__(self, open_source: Callable[[], Source], *, loop: bool = True, speed: float = 1.0) -> None:
        if speed <= 0:
            raise SettingError(f"speed {speed}: choose a number above 0, 1 is the file's own speed")
        self._open_source = open_source
        self._loop = loop
        self._speed = speed
        self._source = open_source()
        self.name = self._source.name
        self._closed = threading.Event()
        self._reading = threading.Lock()
        self._ahead: Frame | None = None
        self._count = 0
        self._first_pts: Fraction | None = None  # of this round, on the source's clock
        self._round_starts = Fraction(0)
        self._period = STILL_PERIOD_SECONDS
        self._last_pts = Fraction(0)
        self._zero_at = 0.0  # time.monotonic() of pts_seconds 0

    def read(self) -> Frame | None:
        """The newest frame that is due, after waiting for it; None at the end and after `close`."""
        with self._reading:
            try:
                return self._next_due()
            finally:
                if self._closed.is_set():
                    self._source.close()

    def close(self) -> None:
        """Let go of the file; safe to call twice and from another thread."""
        self._closed.set()
        if self._reading.acquire(timeout=STOP_SECONDS):  # the reader closes it otherwise
            self._source.close()
            self._reading.release()

    def _next_due(self) -> Frame | None:
        # The successor is decoded before the wait, so that decoding adds nothing to the delay.
        frame = self._ahead or self._pull()
        if frame is None:
            return None
        following = self._pull()
        give_up_at = time.monotonic() + MAX_SKIP_SECONDS
        while following and self._due_at(following) <= time.monotonic() < give_up_at:
            frame, following = following, self._pull()
        self._ahead = following
        if self._closed.wait(max(0.0, self._due_at(frame) - time.monotonic())):
            return None
        if (now := time.monotonic()) - self._due_at(frame) > MAX_SKIP_SECONDS:
            # Too late to catch up by skipping (slow decoding, a suspended computer): play on from here.
            self._zero_at = now - float(frame.pts_seconds) / self._speed
        return replace(frame, grabbed_at=now)

    def _due_at(self, frame: Frame) -> float:
        """When to show it, on the monotonic clock."""
        return self._zero_at + float(frame.pts_seconds) / self._speed

    def _pull(self) -> Frame | None:
        """The source's next frame on the clock of all rounds, skipping none."""
        if self._closed.is_set():
            return None
        frame = self._source.read()
        if frame is None and self._loop and self._first_pts is not None:
            self._start_over()
            frame = self._source.read()
        if frame is None:
            return None
        if self._first_pts is None:
            self._first_pts = frame.pts_seconds
            if self._count == 0:
                self._round_starts = self._last_pts = frame.pts_seconds
        pts_seconds = self._round_starts + frame.pts_seconds - self._first_pts
        if pts_seconds > self._last_pts and frame.pts_seconds > self._first_pts:
            self._period = pts_seconds - self._last_pts
        self._last_pts = pts_seconds
        if self._count == 0:
            self._zero_at = time.monotonic() - float(pts_seconds) / self._speed
        self._count += 1
        return replace(frame, index=self._count - 1, pts_seconds=pts_seconds)

    def _start_over(self) -> None:
        self._source.close()
        self._source = self._open_source()
        self._round_starts = self._last_pts + self._period
        self._first_pts = None


class CaptureThread:
    """Reads a source in a thread of its own and keeps its newest frame in `latest`.

    The source is opened in the thread too. A source that is lost is opened again each `retry_seconds`
    until it works; index and pts_seconds go on counting. Any other error ends the thread:
    `raise_if_failed` raises it. At the end of the source `latest` stays open, only `stop` closes it.
    """

    def __init__(self, source_factory: Callable[[], Source], *, retry_seconds: float = 1.0) -> None:
        self.latest: Latest[Frame] = Latest()
        self.frames_captured = 0
        self.status = "opening"  # then live, "lost: ...; reconnecting", ended or "failed: ..."
        self.error: Exception | None = None
        self._open_source = source_factory
        self._retry_seconds = retry_seconds
        self._source: Source | None = None
        self._last: Frame | None = None
        self._reopened = False
        self._resumed_at_pts = Fraction(0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)

    @property
    def frames_dropped(self) -> int:
        """Captured frames that were replaced by a newer one before anyone took them."""
        return self.latest.dropped

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End within about two seconds; a thread that hangs in its camera is left behind and ends when it wakes."""
        self._stop.set()
        self.latest.close()
        source = self._source
        if isinstance(source, PacedSource):  # the one whose close may come from another thread
            source.close()
        if self._thread.ident is not None:
            self._thread.join(timeout=STOP_SECONDS)

    def raise_if_failed(self) -> None:
        """Raise the error that ended the thread, if one did."""
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        try:
            self._source = self._open_source()
            while not self._stop.is_set() and self._step(self._source):
                pass
            self.status = "ended"
        except Exception as error:  # kept for the thread that asks, which raises it
            self.error = error
            self.status = f"failed: {error if isinstance(error, LivestyleError) else repr(error)}"
        finally:
            if self._source is not None:
                self._source.close()

    def _step(self, source: Source) -> bool:
        """Pass on one frame, or bring a lost source back; False at the end."""
        try:
            frame = source.read()
        except SourceLost as lost:
            self.status = f"lost: {lost}; reconnecting"
            source.close()
            return self._reopen()
        if frame is None:
            return False
        self.latest.put(self._continued(frame))
        self.frames_captured += 1
        self.status = "live"
        return True

    def _reopen(self) -> bool:
        """Try until the source opens; False when asked to stop."""
        while not self._stop.wait(self._retry_seconds):
            try:
                self._source = self._open_source()
            except SourceError:
                continue  # still away; `status` tells the person
            self._reopened = True
            return True
        return False

    def _continued(self, frame: Frame) -> Frame:
        """The frame with an index and a time that go on where the source was lost."""
        last = self._last
        if last is not None and self._reopened:
            self._reopened = False
            gap_seconds = Fraction(max(0, round((frame.grabbed_at - last.grabbed_at) * 1e9)), 10**9)
            self._resumed_at_pts = last.pts_seconds + gap_seconds - frame.pts_seconds
        pts_seconds = self._resumed_at_pts + frame.pts_seconds
        self._last = replace(frame, index=self.frames_captured, pts_seconds=pts_seconds)
        return self._last
