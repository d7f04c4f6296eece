"""The thread that paints: the newest frame, over and over, as the show's state says at that moment.

It builds the engine too, so the window answers while a network loads. It does not know windows or outputs.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from livestyle.frame import Frame
from livestyle.live.heaps import give_back
from livestyle.looks.look import Look
from livestyle.painting.pipeline import Painter, Painting
from livestyle.show.changes import Change, Follower
from livestyle.show.state import Show
from livestyle.sources.pacing import Latest

WAIT_SECONDS = 0.1
IDLE_SECONDS = 0.02
FROZEN_SECONDS = 1 / 30
"""A frozen picture whose look moves is painted again so often at most: other threads need their turn."""
TIDY_SECONDS = 5.0
"""So often, memory that no thread needs goes back to the system."""
LATE_SECONDS = 0.2
"""A painting that is older, and twice as old as the last one, is not shown when a newer frame waits; the next is."""


@dataclass(frozen=True, eq=False)
class Finished:
    """A painting with the frame it was made of and the Look it was made with."""

    frame: Frame
    painting: Painting
    look: Look
    wait_ms: float = 0.0
    """How long the engine thread had nothing to paint before."""
    queue_ms: float = 0.0
    """How long the frame had waited for the engine thread."""


class EngineThread:
    """Builds the painter and paints the newest frame, over and over."""

    def __init__(
        self,
        make_painter: Callable[[], Painter],
        frames: Latest[Frame],
        show: Show,
        on_change: Callable[[Change], None] | None = None,
    ) -> None:
        """on_change: is called, in this thread, when the look has changed."""
        self.show = show
        self._follower = Follower(show, on_change)
        self.finished: Latest[Finished] = Latest()
        self.painter: Painter | None = None
        self.error: BaseException | None = None
        self._make_painter = make_painter
        self._frames = frames
        self._idle_since = self._again_at = 0.0
        self._age_seconds = math.inf
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the frame in progress and end."""
        self._stop.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        try:
            self.painter = self._make_painter()
            self._idle_since = time.perf_counter()
            last: Finished | None = None
            tidy_at = 0.0
            while not self._stop.is_set():
                if time.monotonic() >= tidy_at:
                    give_back()
                    tidy_at = time.monotonic() + TIDY_SECONDS
                done = self._step(self.painter, last)
                if done is None:
                    self._stop.wait(IDLE_SECONDS)
                last = done or last
        except BaseException as error:
            self.error = error

    def _step(self, painter: Painter, last: Finished | None) -> Finished | None:
        """Paint once, if there is something to paint: what is shown then, None if it stays as it is."""
        if self.show.frozen and last is not None:
            frame = None
            self._stop.wait(max(0.0, self._again_at - time.perf_counter()))
        else:
            frame = self._frames.take(WAIT_SECONDS)
        self._again_at = time.perf_counter() + FROZEN_SECONDS
        show = self.show
        again = frame is None
        if frame is None:
            if last is None:
                return None
            frame = _again(last.frame)
        look = self._follower.look(show, frame)
        if again and last is not None and look == last.look:
            return None
        if not again and painter.warm_up(frame.rgb, look):
            frame = self._frames.take(0) or frame
            look = self._follower.look(show, frame)
        wait_ms = (time.perf_counter() - self._idle_since) * 1000
        queue_ms = (time.monotonic() - frame.grabbed_at) * 1000
        painting = painter.paint(frame.rgb, look, at_seconds=frame.grabbed_at, counts=not show.frozen)
        done = Finished(frame, painting, look, wait_ms, queue_ms)
        self._follower.painted(frame)
        self._idle_since = time.perf_counter()
        if self._is_late(frame):
            self.finished.dropped += 1
            return last
        self.finished.put(done)
        return done

    def _is_late(self, frame: Frame) -> bool:
        """Something held this one up, for once. An engine that is always slow is not late."""
        last_seconds, self._age_seconds = self._age_seconds, time.monotonic() - frame.grabbed_at
        late = self._age_seconds > max(LATE_SECONDS, 2 * last_seconds) and self._frames.peek() is not None
        if late:
            self._age_seconds = math.inf
        return late


def _again(frame: Frame) -> Frame:
    """The same picture later: frozen, or from a slow source, it follows the Look all the same."""
    now = time.monotonic()
    later_seconds = Fraction(round((now - frame.grabbed_at) * 1e9), 10**9)
    return replace(frame, grabbed_at=now, pts_seconds=frame.pts_seconds + later_seconds)
